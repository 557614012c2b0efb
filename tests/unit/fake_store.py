"""What a `FakeEngine` keeps: images with their chains, containers, volumes."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from pipeline.engine import ContainerId, ContainerSpec, Image, ImageId, ImageLayer
from pipeline.errors import EngineError, NotFoundError
from pipeline.image_config import ImageConfig
from tests.unit.fake_commands import World


@dataclass
class Stored:
    """An image in the engine's store."""

    id: ImageId
    config: ImageConfig
    layers: tuple[ImageLayer, ...]
    files: frozenset[str] = frozenset()
    tags: list[str] = field(default_factory=list)
    parent: str = ""


@dataclass
class Container:
    """A container and what has been done to it."""

    spec: ContainerSpec
    image: Stored
    status: str = "running"
    exit_code: int = 0
    changed: set[str] = field(default_factory=set)
    output: bytes = b""


@dataclass
class FakeStore:
    """Images by id, containers by id, volumes by name."""

    images: dict[str, Stored] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    volumes: dict[str, dict[str, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        return next(self._numbers)

    def store(
        self,
        config: ImageConfig,
        layers: tuple[ImageLayer, ...],
        files: frozenset[str],
        parent: str = "",
        made_of: str = "",
    ) -> ImageId:
        identity = ImageId(digest("image", f"{config.normalised()} {layers} {made_of}"))
        self.images.setdefault(identity, Stored(identity, config, layers, files, [], parent))
        return identity

    def find(self, reference: str) -> Stored | None:
        if reference in self.images:
            return self.images[reference]
        short = reference.removeprefix("sha256:")
        for stored in self.images.values():
            if full_name(reference) in stored.tags:
                return stored
            if re.fullmatch("[0-9a-f]{12,64}", short) and stored.id.removeprefix("sha256:").startswith(short):
                return stored
        return None

    def need(self, reference: str) -> Stored:
        stored = self.find(reference)
        if stored is None:
            raise NotFoundError(f"no such image: {reference}")
        return stored

    def name(self, image: ImageId, reference: str) -> None:
        for stored in self.images.values():
            if full_name(reference) in stored.tags:
                stored.tags.remove(full_name(reference))
        self.images[image].tags.append(full_name(reference))

    def is_needed(self, stored: Stored) -> bool:
        used = any(found.image.id == stored.id for found in self.containers.values())
        return used or any(child.parent == stored.id for child in self.images.values())

    def prune(self, stored: Stored | None) -> int:
        """Delete an image without tags, then those it was made from, as far as nothing else needs them."""
        count = 0
        while stored is not None and not stored.tags and not self.is_needed(stored):
            del self.images[stored.id]
            count += 1
            stored = self.images.get(stored.parent)
        return count

    def container(self, container: ContainerId) -> Container:
        if container not in self.containers:
            raise NotFoundError(f"no such container: {container}")
        return self.containers[container]

    def running(self, container: ContainerId) -> Container:
        found = self.container(container)
        if found.status != "running":
            raise EngineError(f"container {container} is not running")
        return found

    @staticmethod
    def world(container: Container, environment: dict[str, str] | None, user: str) -> World:
        inherited = container.image.config.environment
        files = set(container.image.files | container.changed)
        return World({**inherited, **(environment or {})}, user or container.spec.user, files, container.changed)


def as_image(stored: Stored) -> Image:
    return Image(
        id=stored.id,
        tags=tuple(stored.tags),
        digests=(),
        size=sum(layer.size for layer in stored.layers),
        platform="linux/amd64",
        layers=tuple(digest("layer", f"{number} {layer}") for number, layer in enumerate(stored.layers)),
        config=stored.config,
        parent=stored.parent,
    )


def digest(kind: str, text: str) -> str:
    return "sha256:" + hashlib.sha256(f"{kind} {text}".encode()).hexdigest()


def full_name(reference: str) -> str:
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def is_mounted(spec: ContainerSpec, path: str) -> bool:
    return any(path.startswith(mount.target.rstrip("/") + "/") for mount in spec.mounts)


def carries(labels: dict[str, str], wanted: list[str]) -> bool:
    pairs = (label.partition("=") for label in wanted)
    return all(name in labels and (not sign or labels[name] == value) for name, sign, value in pairs)


def value_of(stream: object) -> bytes:
    return stream.getvalue() if isinstance(stream, BytesIO) else b""
