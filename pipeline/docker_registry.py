"""Pulls and pushes. A push counts when the registry itself gives the digest back.

Credentials come from the user's docker settings (`auths`, `credHelpers`, `credsStore`): the SDK looks them up
for each request.
"""

from __future__ import annotations

import docker
from docker.errors import NotFound

from pipeline.docker_client import explanation, failure, translated, untyped
from pipeline.docker_images import find
from pipeline.docker_stream import is_missing, read_stream
from pipeline.engine import Image, Progress
from pipeline.errors import EngineError, NotFoundError, PushFailedError


def pull(client: docker.APIClient, reference: str, progress: Progress) -> Image:
    """`engine.Engine.pull`."""
    what = f"pulling {reference}"
    with translated(what, registry=True):
        outcome = read_stream(client.pull(reference, stream=True, decode=True), progress)
    if outcome.error:
        raise failure(what, outcome.error, registry=True)
    if (image := find(client, reference)) is None:
        raise EngineError(f"{what}: the engine fetched it but does not know it")
    return image


def push(client: docker.APIClient, reference: str, progress: Progress) -> str:
    """`engine.Engine.push`."""
    what = f"pushing {reference}"
    if find(client, reference) is None:
        raise NotFoundError(f"{what}: the engine has no such tag")
    with translated(what, registry=True, refused=PushFailedError):
        outcome = read_stream(client.push(reference, stream=True, decode=True), progress)
    if outcome.error:
        raise failure(what, outcome.error, registry=True, refused=PushFailedError)
    if not outcome.digest:
        raise PushFailedError(f"{what}: the engine reported no digest")
    _confirm(client, reference, outcome.digest)
    return outcome.digest


def _confirm(client: docker.APIClient, reference: str, digest: str) -> None:
    what = f"confirming {reference}"
    with translated(what, registry=True, refused=PushFailedError):
        try:
            found = untyped(client).inspect_distribution(reference)
        except NotFound as error:
            if is_missing(explanation(error)):
                raise PushFailedError(f"{what}: the registry does not know what was pushed") from error
            return  # an engine without this request (Podman): its own word must do
    actual = str((found.get("Descriptor") or {}).get("digest") or "")
    if actual != digest:
        raise PushFailedError(f"{what}: pushed was {digest}, the registry has {actual or 'no digest'}")
