"""Giving an image another configuration without touching its layers.

An engine's own ways cannot do it exactly: a commit keeps whatever the container had (labels and environment above
all), and a Dockerfile cannot take anything away. `docker load` can: it takes a configuration file and the list of
layers as they are, and an engine that stores images by layer does not ask for layers it has already. So a few
kilobytes are sent, which takes some 50 ms whatever the image weighs, where a metadata-only Dockerfile of ten
instructions takes more than 600 ms and leaves ten images behind. Engines that store images otherwise (containerd's
store, Podman) need the layers, too: there the image is saved, changed on the way and loaded again.
"""

from __future__ import annotations

import hashlib
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
from pipeline.image_config import ImageConfig

MANIFEST = "manifest.json"


def reconfigured(
    client: docker.APIClient,
    image: ImageId,
    config: ImageConfig,
    *,
    parent: str = "",
    step: str = "",
    made_by: str = "",
) -> ImageId:
    """An untagged image with the layers of `image` and exactly this configuration.

    The same image and configuration give the same id where the engine stores images by layer. There `parent`, too,
    is kept: an image that goes with the last of its children. A `step` is noted in the history, as one without a layer;
    `made_by` replaces what the last entry says (for a commit, the command that kept the container alive).
    """
    with translated("configuring an image"):
        if not stores_layers(client):
            return _saved_and_loaded(client, image, config)
        found = inspected(client, image)
        history = read_history(client, image, _layers(found))
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
        return _load(client, io.BytesIO(bare_archive(files)), _id(data))
    except EngineError:
        if len(files) == 1:
            raise
        # The engine compares the histories of both; an image without its parent is better than none.
        return _load(client, io.BytesIO(bare_archive([(data, "")])), _id(data))


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
    return data if _id(data) == found["Id"] else None


def description(found: Json, history: list[Json], config: ImageConfig) -> bytes:
    """The file that is an image to a store of layers: its digest is the image's id."""
    kept = {key.lower(): found[key] for key in ("Architecture", "Os", "Variant", "Author", "Created") if found.get(key)}
    rootfs = {"type": "layers", "diff_ids": _layers(found)}
    return _compact({**kept, "config": _as_written(config), "rootfs": rootfs, "history": history})


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
            name = f"{_id(data).removeprefix('sha256:')}.json"
            _add(archive, name, data)
            layers = [f"{number}/layer.tar" for number, _ in enumerate(json.loads(data)["rootfs"]["diff_ids"])]
            link = {"Parent": parent} if parent else {}
            manifest.append({"Config": name, "RepoTags": None, "Layers": layers, **link})
        _add(archive, MANIFEST, _compact(manifest))
    return target.getvalue()


def _id(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _saved_and_loaded(client: docker.APIClient, image: ImageId, config: ImageConfig) -> ImageId:
    with tempfile.TemporaryFile() as saved, tempfile.TemporaryFile() as changed:
        for chunk in client.get_image(image):
            saved.write(chunk)
        saved.seek(0)
        change_archive(cast("IO[bytes]", saved), cast("IO[bytes]", changed), config)
        changed.seek(0)
        return _load(client, cast("IO[bytes]", changed))


def change_archive(saved: IO[bytes], changed: IO[bytes], config: ImageConfig) -> None:
    """Copy an archive of one image (`docker save`), its layers as they are, with another configuration."""
    with tarfile.open(fileobj=saved) as source, tarfile.open(fileobj=changed, mode="w") as target:
        manifest = json.loads(_read(source, MANIFEST))[0]
        body = json.loads(_read(source, manifest["Config"]))
        kept = {key: body[key] for key in ("architecture", "os", "variant", "author", "created") if body.get(key)}
        kept |= {"rootfs": body["rootfs"], "history": body.get("history") or []}
        data = _compact({**kept, "config": _as_written(config)})
        name = f"{hashlib.sha256(data).hexdigest()}.json"
        _add(target, name, data)
        for layer in dict.fromkeys(manifest["Layers"]):
            _copy(source, target, layer)
        _add(target, MANIFEST, _compact([{"Config": name, "RepoTags": None, "Layers": manifest["Layers"]}]))


def _copy(source: tarfile.TarFile, target: tarfile.TarFile, name: str) -> None:
    """A layer's file under its name, also where the archive has a link to the same layer of another entry."""
    content = source.extractfile(name)
    if content is None:
        raise EngineError(f"configuring an image: the engine's archive has no {name}")
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    target.addfile(entry, content)


def _load(client: docker.APIClient, archive: IO[bytes], image: str = "") -> ImageId:
    """Load one image; its id need not be told where it is known before."""
    outcome = read_stream(untyped(client).load_image(archive, quiet=True))
    if outcome.error or not outcome.image:
        raise EngineError(f"configuring an image: {outcome.error or 'the engine named no image'}")
    return ImageId(str(inspected(client, image or outcome.image)["Id"]))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    content = archive.extractfile(name)
    return content.read() if content else b""


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
