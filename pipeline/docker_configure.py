"""Giving an image another configuration without touching its layers.

An engine's own ways cannot do it exactly: a commit keeps whatever the container had (labels and environment above
all), and a Dockerfile cannot take anything away. `docker load` can: it takes a configuration file and the list of
layers as they are, and an engine that stores images by layer does not ask for layers it has already. So a few
kilobytes are sent, which takes some 50 ms whatever the image weighs, where a metadata-only Dockerfile of ten
instructions takes more than 600 ms and leaves ten images behind. Engines that store images otherwise (containerd's
store, Podman) need the layers, too: there the image is saved, changed on the way and loaded again.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from dataclasses import replace
from functools import lru_cache
from typing import IO, cast

import docker

from pipeline.docker_client import inspected, translated, untyped
from pipeline.docker_config import Json, from_api, to_api
from pipeline.docker_history import read_history, step_entry
from pipeline.docker_stream import read_stream
from pipeline.engine import ImageId
from pipeline.errors import EngineError
from pipeline.image_archive import MANIFEST, SavedImage, add_file, compact, config_name, image_id, written_time
from pipeline.image_config import ImageConfig


def reconfigured(
    client: docker.APIClient,
    image: ImageId,
    config: ImageConfig,
    *,
    parent: str = "",
    step: str = "",
    made_by: str = "",
    created: int | None = None,
) -> ImageId:
    """An untagged image with the layers of `image` and exactly this configuration.

    The same image and configuration give the same id where the engine stores images by layer. There `parent`, too,
    is kept: an image that goes with the last of its children. A `step` is noted in the history, as one without a layer;
    `made_by` replaces what the last entry says (for a commit, the command that kept the container alive), `created`,
    in seconds since 1970, when it and the image were made.
    """
    with translated("configuring an image"):
        if not stores_layers(client):
            return _saved_and_loaded(client, image, config, created)
        found = inspected(client, image)
        history = read_history(client, image, _layers(found))
        if created is not None:
            found["Created"] = history[-1]["created"] = written_time(created)
        if made_by:
            history[-1]["created_by"] = made_by
        if step:
            history.append(step_entry(step, str(found.get("Created") or "")))
        return _load_bare(client, description(found, history, config), parent)


def _load_bare(client: docker.APIClient, data: bytes, parent: str) -> ImageId:
    """Load an image without its layers; with its parent, if that is one whose file is known."""
    files = [(data, parent)]
    if parent and (known := _known_file(client, parent)):
        files.insert(0, (known, ""))
    try:
        return load(client, io.BytesIO(bare_archive(files)), image_id(data))
    except EngineError:
        if len(files) == 1:
            raise
        # The engine compares the histories of both; an image without its parent is better than none.
        return load(client, io.BytesIO(bare_archive([(data, "")])), image_id(data))


@lru_cache(maxsize=8)
def stores_layers(client: docker.APIClient) -> bool:
    """Whether the engine looks layers up by their contents: Docker with one of its graph drivers."""
    status = client.info().get("DriverStatus") or []
    podman = any("Podman" in str(part.get("Name")) for part in client.version().get("Components") or ())
    return not podman and not any("containerd" in str(value) for _, value in status)


def _known_file(client: docker.APIClient, image: str) -> bytes | None:
    """An image's own file; None unless it was made here, for the API does not tell all that is in other ones."""
    found = inspected(client, image)
    data = description(found, read_history(client, image, _layers(found)), from_api(found.get("Config")))
    return data if image_id(data) == found["Id"] else None


def description(found: Json, history: list[Json], config: ImageConfig) -> bytes:
    """The file that is an image to a store of layers: its digest is the image's id."""
    kept = {key.lower(): found[key] for key in ("Architecture", "Os", "Variant", "Author", "Created") if found.get(key)}
    rootfs = {"type": "layers", "diff_ids": _layers(found)}
    return compact({**kept, "config": _as_written(config), "rootfs": rootfs, "history": history})


def _as_written(config: ImageConfig) -> Json:
    """The same bytes for the same configuration; only variables keep their order, as a Dockerfile's do."""
    return to_api(replace(config.normalised(), environment=config.environment))


def _layers(found: Json) -> list[str]:
    return list((found.get("RootFS") or {}).get("Layers") or ())


def bare_archive(files: list[tuple[bytes, str]]) -> bytes:
    """An archive for `docker load` with everything of some images (file and parent's id) but their layers."""
    target = io.BytesIO()
    manifest: list[Json] = []
    with tarfile.open(fileobj=target, mode="w") as archive:
        for data, parent in files:
            name = config_name(data)
            add_file(archive, name, data)
            layers = [f"{number}/layer.tar" for number, _ in enumerate(json.loads(data)["rootfs"]["diff_ids"])]
            link = {"Parent": parent} if parent else {}
            manifest.append({"Config": name, "RepoTags": None, "Layers": layers, **link})
        add_file(archive, MANIFEST, compact(manifest))
    return target.getvalue()


def _saved_and_loaded(client: docker.APIClient, image: ImageId, config: ImageConfig, created: int | None) -> ImageId:
    with tempfile.TemporaryFile() as saved, tempfile.TemporaryFile() as changed:
        for chunk in client.get_image(image):
            saved.write(chunk)
        saved.seek(0)
        change_archive(cast("IO[bytes]", saved), cast("IO[bytes]", changed), config, created)
        changed.seek(0)
        return load(client, cast("IO[bytes]", changed))


def change_archive(saved: IO[bytes], changed: IO[bytes], config: ImageConfig, created: int | None = None) -> None:
    """Copy an archive of one image (`docker save`), its layers as they are, with another configuration."""
    with tarfile.open(fileobj=saved) as source, tarfile.open(fileobj=changed, mode="w") as target:
        image = SavedImage(source)
        if created is not None:
            image.body["created"] = image.body["history"][-1]["created"] = written_time(created)
        data = redescribed(image.body, config)
        add_file(target, config_name(data), data)
        for layer in dict.fromkeys(image.layers):
            image.copy(layer, target)
        manifest = [{"Config": config_name(data), "RepoTags": None, "Layers": image.layers}]
        add_file(target, MANIFEST, compact(manifest))


def redescribed(body: Json, config: ImageConfig) -> bytes:
    """An image's own file with another configuration, and without what is only of the engine or the container."""
    kept = {key: body[key] for key in ("architecture", "os", "variant", "author", "created") if body.get(key)}
    kept |= {"rootfs": body["rootfs"], "history": body.get("history") or []}
    return compact({**kept, "config": _as_written(config)})


def load(client: docker.APIClient, archive: IO[bytes], image: str = "") -> ImageId:
    """Load one image; its id need not be told where it is known before."""
    outcome = read_stream(untyped(client).load_image(archive, quiet=True))
    if outcome.error or not outcome.image:
        raise EngineError(f"configuring an image: {outcome.error or 'the engine named no image'}")
    return ImageId(str(inspected(client, image or outcome.image)["Id"]))
