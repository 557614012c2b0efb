"""Pulls and pushes. A push counts when the registry itself gives the digest back.

Credentials come from the user's docker settings (`auths`, `credHelpers`, `credsStore`): the SDK looks them up
for each request. The SDK's timeout is for silence, in an answer that streams too: a registry that hangs is noticed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import docker
from docker.errors import NotFound

from pipeline import docker_refusal
from pipeline.docker_client import explanation, failure, login_hint, translated, untyped
from pipeline.docker_images import find
from pipeline.docker_stream import is_missing, read_stream
from pipeline.engine import Image, Progress, Published
from pipeline.errors import EngineError, NotFoundError, PushFailedError, TransientError
from pipeline.reference import ImageReference
from pipeline.registry_patience import Patience

_LOOKS = (0.5, 1.0, 2.0)
"""Seconds between looks at what was pushed: of several machines behind one name, one may know it a little later."""
_AGAIN = re.compile(r"Retrying in (\d+) second")


def pull(client: docker.APIClient, reference: str, progress: Progress, patience: Patience) -> Image:
    """`engine.Engine.pull`."""
    what = f"pulling {reference}"
    with _no_longer(client, patience), translated(what, registry=True):
        outcome = read_stream(client.pull(reference, stream=True, decode=True), progress)
    if outcome.error:
        raise failure(what, outcome.error, registry=True)
    if (image := find(client, reference)) is None:
        raise EngineError(f"{what}: the engine fetched it but does not know it")
    return image


def push(client: docker.APIClient, reference: str, progress: Progress, patience: Patience) -> str:
    """`engine.Engine.push`."""
    what = f"pushing {reference}"
    if find(client, reference) is None:
        raise NotFoundError(f"{what}: the engine has no such tag")
    try:
        with _no_longer(client, patience), translated(what, registry=True, refused=PushFailedError):
            with closing(untyped(client).push(reference, stream=True, decode=True)) as items:
                outcome = read_stream(_watched(items, client, reference, patience), progress)
            if outcome.error:
                raise failure(what, outcome.error, registry=True, refused=PushFailedError)
            if not outcome.digest:
                raise PushFailedError(f"{what}: the engine reported no digest")
            _confirm(client, reference, outcome.digest)
    except NotFoundError as error:  # the image is here, so it is the registry that misses something
        raise PushFailedError(error.message, hint=error.hint) from error
    return outcome.digest


def _watched(items: Iterable[Any], client: docker.APIClient, reference: str, patience: Patience) -> Iterator[Any]:
    """The items of a push, until the engine tries again what the registry refuses, or for too long.

    To close the stream ends the push. Raises PushFailedError, TransientError.
    """
    started, waiting = time.monotonic(), False
    for item in items:
        again = _AGAIN.match(str(item.get("status", ""))) if isinstance(item, dict) else None
        if again and not waiting:
            _judge(client, reference, time.monotonic() - started + int(again[1]) > patience.trying)
        waiting = bool(again)
        yield item


def _judge(client: docker.APIClient, reference: str, late: bool) -> None:  # noqa: FBT001 - one caller, beside it
    answer = docker_refusal.ask(client, reference)
    if answer and answer.final:
        raise PushFailedError(
            f"pushing {reference}: the registry refuses the upload: {answer.text}", hint=login_hint(answer.text)
        )
    if late:
        said = f": {answer.text}" if answer else ", and the engine does not say why"
        raise TransientError(
            f"pushing {reference}: uploads fail again and again{said}",
            hint="the registry or the network is in trouble; try again later",
        )


@contextmanager
def _no_longer(client: docker.APIClient, patience: Patience) -> Iterator[None]:
    """Requests that wait for a registry fail after their own silence, not after that of a commit."""
    usual, client.timeout = client.timeout, patience.silence
    try:
        yield
    finally:
        client.timeout = usual


def published(client: docker.APIClient, reference: str, progress: Progress, patience: Patience) -> Published | None:
    """`engine.Engine.published`.

    The engine is asked, for it knows how this registry is reached and who we are. It tells a digest and no labels, so
    the image is pulled by that digest, which names nothing; where its layers are known that is a few kilobytes.
    """
    # Twice: of several machines behind one name, one may not know yet what another has, and a no lets us overwrite.
    digest = _looked_up(client, reference, patience) or _looked_up(client, reference, patience)
    if not digest:
        return None
    name = ImageReference.parse(reference)
    pinned = str(ImageReference(name.registry, name.repository, digest=digest))
    return Published(digest, find(client, pinned) or pull(client, pinned, progress, patience))


def _looked_up(client: docker.APIClient, reference: str, patience: Patience) -> str:
    what = f"looking up {reference}"
    try:
        with _no_longer(client, patience), translated(what, registry=True, refused=PushFailedError):
            return _distributed(client, reference, what)
    except NotFoundError:
        return ""


def _distributed(client: docker.APIClient, reference: str, what: str) -> str:
    """The digest that the registry has for a tag, "" where it has none. Anything that is not clear is an error."""
    try:
        found = untyped(client).inspect_distribution(reference)
    except NotFound as error:
        if is_missing(explanation(error)):
            return ""
        hint = "an engine that cannot look into registries cannot publish a version only once"
        raise PushFailedError(f"{what}: {explanation(error)}", hint=hint) from error
    digest = str((found.get("Descriptor") or {}).get("digest") or "")
    if not digest:
        raise PushFailedError(f"{what}: the engine told no digest")
    return digest


def _confirm(client: docker.APIClient, reference: str, digest: str) -> None:
    """Raise PushFailedError unless the registry gives the digest back: at once, or when it had time to take it in."""
    problem = _unconfirmed(client, reference, digest)
    for pause in _LOOKS:
        if not problem:
            return
        time.sleep(pause)
        problem = _unconfirmed(client, reference, digest)
    if problem:
        raise PushFailedError(f"confirming {reference}: {problem}")


def _unconfirmed(client: docker.APIClient, reference: str, digest: str) -> str:
    """What the registry says in place of the digest, "" where it is that."""
    with translated(f"confirming {reference}", registry=True, refused=PushFailedError):
        try:
            found = untyped(client).inspect_distribution(reference)
        except NotFound as error:
            # An engine without this request (Podman): its own word must do.
            return "the registry does not know what was pushed" if is_missing(explanation(error)) else ""
    actual = str((found.get("Descriptor") or {}).get("digest") or "")
    return "" if actual == digest else f"pushed was {digest}, the registry has {actual or 'no digest'}"
