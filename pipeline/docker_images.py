"""Making images: commits, imports and builds, each ending with exactly the configuration asked for."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import ImageNotFound, NotFound

from pipeline.docker_client import TIMEOUT, inspected, translated
from pipeline.docker_config import Json, from_api, image_from_api, to_api
from pipeline.docker_configure import reconfigured, stores_layers
from pipeline.docker_stream import read_stream
from pipeline.engine import ContainerId, Image, ImageId, Lines
from pipeline.errors import EngineError
from pipeline.image_archive import STEP, read_time
from pipeline.image_config import ImageConfig, differences

Sleep = Callable[[float], None]


def find(client: docker.APIClient, reference: str) -> Image | None:
    """The image of this name or id, None when there is none."""
    with translated(f"looking for {reference}"):
        try:
            return image_from_api(inspected(client, reference))
        except (ImageNotFound, NotFound):
            return None


def tag(client: docker.APIClient, image: str, reference: str) -> None:
    """Name an image."""
    name, version = split(reference)
    with translated(f"tagging {reference}"):
        client.tag(image, name, version, force=True)


def split(reference: str) -> tuple[str, str]:
    """Repository and tag ("latest" where there is none); a port is not a tag."""
    head, _, last = reference.rpartition("/")
    name, _, version = last.partition(":")
    return f"{head}/{name}" if head else name, version or "latest"


def commit(
    client: docker.APIClient,
    container: ContainerId,
    config: ImageConfig,
    reference: str,
    comment: str,
    sleep: Sleep = time.sleep,
) -> ImageId:
    """Commit, then put right what the engine took from the container (see `docker_configure`)."""
    with translated("committing a container"):
        begun = _begun(client, container)
        try:
            made = client.commit(container, message=comment or None, pause=True, conf=_commit_body(config))
            image = ImageId(str(made["Id"]))
        except requests.Timeout:
            image = _committed_after_all(client, container, comment, sleep)
    return _finished(client, image, config, reference, comment, begun)


def _begun(client: docker.APIClient, container: ContainerId) -> int | None:
    """When the layer's making began; where it would cost seconds to write it down, nothing is said of it.

    Whatever is older is not of this build: that is how a layer is rewritten to be the same at another time.
    """
    return read_time(str(client.inspect_container(container)["Created"])) if stores_layers(client) else None


def _commit_body(config: ImageConfig) -> Json:
    """The whole configuration: `changes` would not do, older engines take no STOPSIGNAL and no SHELL there.

    An empty entry point is said; the engine would fill in the container's.
    """
    return {"Entrypoint": [], **to_api(config)}


def _committed_after_all(client: docker.APIClient, container: ContainerId, comment: str, sleep: Sleep) -> ImageId:
    """The engine goes on committing when the client has stopped waiting; look for the image as long again."""
    target = client.inspect_container(container)
    for _ in range(TIMEOUT // 5):
        for entry in client.images(all=True):
            found = inspected(client, entry["Id"])
            if _is_commit_of(found, target, comment):
                return ImageId(str(found["Id"]))
        sleep(5)
    raise EngineError("committing a container: the engine did not finish it in time", hint="is its disk overloaded?")


def _is_commit_of(found: Json, target: Json, comment: str) -> bool:
    """Newer engines no longer say which container an image was made of: then its comment, age and base must do."""
    if found.get("Container"):
        return bool(found["Container"] == target["Id"])
    return (
        found.get("Comment") == comment
        and found.get("Parent") in ("", None, target["Image"])
        and str(found.get("Created")) > str(target.get("Created"))
    )


def import_root(
    client: docker.APIClient, archive: Path, reference: str, config: ImageConfig, created: int | None = None
) -> ImageId:
    """Stream a tar file to the engine as the only layer of an image."""
    if not archive.is_file():
        raise EngineError(f"there is no root archive {archive.name}")  # the SDK would take the name for a URL
    with translated(f"importing {archive.name}"):
        text = client.import_image_from_file(str(archive))
        outcome = read_stream(_json_lines(text))
    if outcome.error or not outcome.image:
        raise EngineError(f"importing {archive.name}: {outcome.error or 'the engine named no image'}")
    return _finished(client, ImageId(outcome.image), config, reference, created=created)


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def configure(client: docker.APIClient, image: ImageId, config: ImageConfig, labels: dict[str, str]) -> ImageId:
    """`engine.Engine.configure`."""
    wanted = replace(config, labels={**config.labels, **labels})
    with translated("configuring an image"):
        found = from_api(inspected(client, image).get("Config"))
    if not differences(wanted, found):
        return image
    return _checked(client, reconfigured(client, image, wanted, parent=image, step=STEP), wanted)


def _finished(
    client: docker.APIClient,
    image: ImageId,
    config: ImageConfig,
    reference: str,
    made_by: str = "",
    created: int | None = None,
) -> ImageId:
    """The image with exactly `config`, tagged; the one it was made of does not stay behind.

    Where it is quick, this is done in any case: the engine's own file of a commit tells about the container, too.
    """
    with translated("finishing an image"):
        found = inspected(client, image)
    made = image
    if stores_layers(client) or created is not None or differences(config, from_api(found.get("Config"))):
        parent = str(found.get("Parent") or "")
        changed = reconfigured(client, image, config, parent=parent, made_by=made_by, created=created)
        made = _checked(client, changed, config)
    if reference:
        tag(client, made, reference)
    if made != image:
        with translated("removing an intermediate image"):
            client.remove_image(image)
    return made


def _checked(client: docker.APIClient, image: ImageId, wanted: ImageConfig) -> ImageId:
    with translated("checking an image"):
        wrong = differences(wanted, from_api(inspected(client, image).get("Config")))
    if wrong:
        raise EngineError("the engine did not keep an image's configuration", detail="\n".join(wrong))
    return image


def build(
    client: docker.APIClient,
    context: bytes,
    reference: str,
    arguments: dict[str, str],
    labels: dict[str, str],
    lines: Lines,
) -> ImageId:
    """Build with the engine's classic builder."""
    what = f"building {reference or 'an image'}"
    with translated(what):
        items = client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            tag=reference or None,
            buildargs=dict(arguments),
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
        )
        outcome = read_stream(items, lines=lines)
        if not outcome.error and outcome.image:
            return ImageId(str(inspected(client, outcome.image)["Id"]))
    raise EngineError(f"{what}: {outcome.error or 'the engine named no image'}", detail="\n".join(outcome.tail))
