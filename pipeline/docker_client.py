"""Reaching an engine the way the docker command does, and turning the SDK's exceptions into the pipeline's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, InvalidVersion, NotFound
from docker.utils import kwargs_from_env

from pipeline.docker_stream import is_missing, is_refusal, is_transient, masked
from pipeline.errors import EngineError, EngineUnreachableError, NotFoundError, TransientError

TIMEOUT = 600
"""Seconds. Commits, imports and pushes of large images stay silent for minutes."""
OLDEST_API = (1, 41)


def open_client(environ: Mapping[str, str]) -> docker.APIClient:
    """A client for the engine of DOCKER_HOST (with its TLS variables), else of the current docker context.

    Raises EngineUnreachableError when nothing answers there, or something older than Docker 20.10.
    """
    try:
        where = _endpoint(environ)
    except (DockerException, OSError, ValueError, KeyError) as error:
        raise EngineUnreachableError(f"the docker settings cannot be used: {masked(str(error))}") from error
    address = masked(str(where.get("base_url") or DEFAULT_UNIX_SOCKET.removeprefix("http+")))
    try:
        client = docker.APIClient(version="auto", timeout=TIMEOUT, **where)
    except InvalidVersion as error:
        raise _too_old("too old for this library") from error
    except (DockerException, OSError, requests.RequestException) as error:
        raise EngineUnreachableError(
            f"no engine answers at {address}: {masked(last_words(error))}", hint=_hint(address, str(error))
        ) from error
    if _version(client.api_version) < OLDEST_API:
        raise _too_old(client.api_version)
    return client


def _endpoint(environ: Mapping[str, str]) -> dict[str, Any]:
    # An empty mapping would make the SDK read the process's environment.
    known = dict(environ) or {"DOCKER_HOST": ""}
    where: dict[str, Any] = dict(kwargs_from_env(environment=known))
    if "base_url" in where:
        return where
    name = known.get("DOCKER_CONTEXT") or None
    if ContextAPI.get_context(name) is None:
        raise ValueError(f"there is no docker context named {name or 'as the current one'}")
    return {**ContextAPI.kwargs_from_context(name, environment=known), **where}


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _too_old(found: str) -> EngineUnreachableError:
    needed = ".".join(map(str, OLDEST_API))
    return EngineUnreachableError(
        f"engine too old: its API is {found}, needed is {needed} or later", hint="upgrade to Docker 20.10 or later"
    )


def last_words(error: BaseException) -> str:
    """The last words of a chain of exceptions: the SDK wraps the cause three deep."""
    text = str(error).removeprefix("Error while fetching server API version: ")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            text = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return text


def _hint(address: str, error: str) -> str:
    if "Permission denied" in error:
        return "add your user to the group docker, or set DOCKER_HOST to an engine that you may use"
    if address.startswith("ssh://") and "paramiko" in error:
        return "install the SDK with ssh support: pip install 'docker[ssh]'"
    return "start the engine, or set DOCKER_HOST (or `docker context use`) to one that runs"


@contextmanager
def translated(doing: str, *, registry: bool = False, refused: type[EngineError] = EngineError) -> Iterator[None]:
    """Raise the pipeline's errors for the SDK's. `doing` begins the message ("starting web").

    With `registry`, the texts that an engine passes on from a registry decide whether a later try may succeed;
    `refused` is the error for those that may not.
    """
    try:
        yield
    except NotFound as error:
        raise NotFoundError(f"{doing}: {explanation(error)}", hint=login_hint(explanation(error))) from error
    except APIError as error:
        raise failure(doing, explanation(error), registry=registry, refused=refused) from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _silent(doing, registry=registry) from error
    except (requests.ConnectionError, urllib3.exceptions.HTTPError, ConnectionError) as error:
        raise _lost(doing, error, registry=registry) from error
    except KeyError as error:
        # Podman reports a failed push with a body that has no `message`, which the SDK takes for granted.
        raise failure(doing, _podman_text(error), registry=registry, refused=refused) from error
    except DockerException as error:
        raise refused(f"{doing}: {masked(str(error))}") from error


def failure(doing: str, text: str, *, registry: bool, refused: type[EngineError] = EngineError) -> EngineError:
    """The error for a message of the engine, by what the message says."""
    text = masked(text)
    if registry and is_missing(text) and not is_refusal(text):
        return NotFoundError(f"{doing}: {text}", hint=login_hint(text))
    if registry and is_transient(text):
        return TransientError(f"{doing}: {text}", hint="the registry or the network is in trouble; try again later")
    return refused(f"{doing}: {text}", hint=login_hint(text) if registry else "")


def explanation(error: APIError) -> str:
    """What the engine itself said, without the SDK's URL around it."""
    return masked(str(error.explanation or error)).strip()


def login_hint(text: str) -> str:
    """What to do when a registry does not accept who asks."""
    return "log in to the registry with `docker login`, or check the name" if is_refusal(text) else ""


def inspected(client: docker.APIClient, image: str) -> dict[str, Any]:
    """An image's inspection."""
    found: dict[str, Any] = untyped(client).inspect_image(image)
    return found


def untyped(client: docker.APIClient) -> Any:
    """The client for the few calls that the SDK's stubs leave without annotations."""
    return client


def _silent(doing: str, *, registry: bool) -> EngineError:
    kind = TransientError if registry else EngineError
    return kind(f"{doing}: the engine did not answer within {TIMEOUT} s", hint="look whether the engine is overloaded")


def _lost(doing: str, error: Exception, *, registry: bool) -> EngineError:
    broken = isinstance(error, (urllib3.exceptions.ProtocolError, requests.exceptions.ChunkedEncodingError))
    kind = TransientError if registry and broken else EngineUnreachableError
    return kind(f"{doing}: the connection to the engine is lost: {masked(last_words(error))}")


def _podman_text(error: KeyError) -> str:
    response = getattr(error.__context__, "response", None)
    return str(getattr(response, "text", "") or "the engine gave no reason").strip()
