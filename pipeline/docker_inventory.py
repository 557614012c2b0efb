"""What an engine holds: found by label or by name, and images removed with the chain that they were made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import docker
from docker.errors import NotFound

from pipeline.docker_client import inspected, translated
from pipeline.errors import EngineError


def owned(
    client: docker.APIClient, kind: Literal["container", "image", "volume"], labels: Iterable[str]
) -> tuple[tuple[str, dict[str, str]], ...]:
    """`engine.Engine.owned`."""
    wanted = list(labels)
    if not wanted:
        raise EngineError("owned: without a label everything of the engine would match")
    with translated(f"listing {kind}s"):
        entries = _list(client, kind, {"label": wanted})
    return tuple((str(entry.get("Id") or entry.get("Name")), dict(entry.get("Labels") or {})) for entry in entries)


def _list(client: docker.APIClient, kind: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    if kind == "container":
        return list(client.containers(all=True, filters=filters))
    if kind == "image":
        return list(client.images(all=True, filters=filters))
    return list(client.volumes(filters=filters).get("Volumes") or ())


def named(client: docker.APIClient, kind: Literal["container", "image"], prefix: str) -> tuple[tuple[str, str], ...]:
    """`engine.Engine.named`."""
    with translated(f"listing {kind}s"):
        if kind == "container":
            entries = client.containers(all=True, filters={"name": f"^/{prefix}"})
            found = [(entry["Id"], name.lstrip("/")) for entry in entries for name in entry["Names"]]
        else:
            images = client.images(filters={"reference": f"{prefix}*"} if prefix else {})
            found = [(entry["Id"], name) for entry in images for name in entry.get("RepoTags") or ()]
    return tuple((identity, name) for identity, name in found if name.removeprefix("localhost/").startswith(prefix))


def remove_image(client: docker.APIClient, reference: str) -> int:
    """`engine.Engine.remove_image`."""
    with translated(f"removing {reference}"):
        try:
            chain = set(_chain(client, reference))
            done = client.remove_image(reference) or ()
        except NotFound:
            return 0
    # Layers that went with the images are listed as deleted, too.
    return sum(1 for entry in done if entry.get("Deleted") in chain)


def _chain(client: docker.APIClient, reference: str) -> Iterable[str]:
    """The image's id and those of the images it was made from, as far as the engine knows them."""
    found = inspected(client, reference)
    yield str(found["Id"])
    while found.get("Parent"):
        try:
            found = inspected(client, str(found["Parent"]))
        except NotFound:
            return
        yield str(found["Id"])
