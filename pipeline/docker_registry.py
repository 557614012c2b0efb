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
from pipeline.engine import Image, Progress, Published
from pipeline.errors import EngineError, NotFoundError, PushFailedError
from pipeline.reference import ImageReference


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


def published(client: docker.APIClient, reference: str, progress: Progress) -> Published | None:
    """`engine.Engine.published`.

    The engine is asked, for it knows how this registry is reached and who we are. It tells a digest and no labels, so
    the image is pulled by that digest, which names nothing; where its layers are known that is a few kilobytes.
    """
    what = f"looking up {reference}"
    try:
        with translated(what, registry=True, refused=PushFailedError):
            digest = _distributed(client, reference, what)
    except NotFoundError:
        return None
    if not digest:
        return None
    name = ImageReference.parse(reference)
    pinned = str(ImageReference(name.registry, name.repository, digest=digest))
    return Published(digest, find(client, pinned) or pull(client, pinned, progress))


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
