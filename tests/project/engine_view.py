"""What an engine has and does, as the project tests look at it."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from docker import DockerClient
from docker.errors import ImageNotFound

from tests.project.harness import Event, matches


class Watch:
    """What the engine does while a block lasts."""

    def __init__(self, engine: DockerClient) -> None:
        """Watch this engine."""
        self._engine = engine
        self._events: list[Event] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._stream = self._engine.api.events(decode=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The engine tells things a little later."""
        time.sleep(0.3)
        self._stream.close()
        self._thread.join()

    def _listen(self) -> None:
        with suppress(Exception):  # the stream is closed under its reader
            self._events.extend(self._stream)

    def containers(self, pid: int) -> dict[str, str]:
        """Name of each container that a run made, by id."""
        return {
            event["Actor"]["ID"]: event["Actor"]["Attributes"]["name"]
            for event in self._events
            if matches(event, Type="container", Action="create")
            and re.match(rf"baseimage-(run|kept)_[^_]+_{pid}_", event["Actor"]["Attributes"]["name"])
        }

    def text(self) -> str:
        """All that the engine told, with the command lines of what was run in containers."""
        return json.dumps(self._events)

    def image_of(self, container: str) -> str:
        """What a container was made from."""
        made = next(
            event
            for event in self._events
            if matches(event, Type="container", Action="create") and event["Actor"]["ID"] == container
        )
        return str(made["Actor"]["Attributes"]["image"])

    def volumes(self, pid: int) -> set[str]:
        """Anonymous volumes that those containers had."""
        mine = self.containers(pid)
        return {
            event["Actor"]["ID"]
            for event in self._events
            if matches(event, Type="volume", Action="mount")
            and event["Actor"]["Attributes"].get("container") in mine
            and re.fullmatch("[0-9a-f]{64}", event["Actor"]["ID"])
        }

    def commits(self, pid: int) -> set[str]:
        """Ids of images that were committed from those containers."""
        mine = self.containers(pid)
        return {
            event["Actor"]["Attributes"]["imageID"]
            for event in self._events
            if matches(event, Type="container", Action="commit") and event["Actor"]["ID"] in mine
        }

    def left(self, pid: int) -> list[str]:
        """What of all that is still there: containers, anonymous volumes, images without a name."""
        there = {entry["Id"] for entry in self._engine.api.containers(all=True)}
        volumes = {volume.name for volume in self._engine.volumes.list()}
        nameless = set(images_of(self._engine, dangling="true"))
        return [
            *(name for identity, name in self.containers(pid).items() if identity in there),
            *(f"volume {name}" for name in self.volumes(pid) & volumes),
            *(f"image {identity}" for identity in self.commits(pid) & nameless),
        ]


def images_of(engine: DockerClient, **filters: str) -> dict[str, list[str]]:
    """Names of images, by id; the SDK's own list asks for each of them, and some are gone by then."""
    found = engine.api.images(filters=filters)
    return {entry["Id"]: [tag for tag in entry["RepoTags"] or () if tag != "<none>:<none>"] for entry in found}


def layers_of(engine: DockerClient, image: str) -> list[str]:
    """The ids of an image's layers; none where it is gone by now."""
    with suppress(ImageNotFound):
        return list(engine.images.get(image).attrs["RootFS"]["Layers"])
    return []


def config_of(engine: DockerClient, image: str) -> dict[str, Any]:
    """An image's configuration; what says nothing is left out, whichever way it says it."""
    keys = "Entrypoint Cmd Env ExposedPorts Volumes User WorkingDir Labels Healthcheck StopSignal Shell OnBuild".split()
    found = engine.images.get(image).attrs["Config"]
    return {key: found[key] for key in keys if found.get(key)}


@dataclass(frozen=True)
class Entry:
    """A path of an image's root."""

    kind: str
    mode: int
    size: int
    link: str


def exported(engine: DockerClient, image: str) -> dict[str, Entry]:
    """Everything in an image's root, by absolute path, as `docker export` writes it."""
    with _container(engine, image) as container, _archive(engine.api.export(container)) as archive:
        return {
            f"/{entry.name}": Entry(entry.type.decode(), entry.mode & 0o7777, entry.size, entry.linkname)
            for entry in archive
        }


def read(engine: DockerClient, image: str, path: str) -> str:
    """A file of an image."""
    with _container(engine, image) as container:
        chunks, _ = engine.api.get_archive(container, path)
        with _archive(chunks) as archive:
            content = archive.extractfile(next(iter(archive)))
            return content.read().decode() if content else ""


@contextmanager
def _container(engine: DockerClient, image: str) -> Iterator[str]:
    """A container that is never started; its command is only there because one has to be."""
    container = str(engine.api.create_container(image, entrypoint=["-"], command=[])["Id"])
    try:
        yield container
    finally:
        engine.api.remove_container(container, v=True, force=True)


@contextmanager
def _archive(chunks: Iterator[bytes]) -> Iterator[tarfile.TarFile]:
    """A tar file that comes in pieces, read to its end: only then is the connection given back."""
    with tempfile.TemporaryFile() as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            yield archive
