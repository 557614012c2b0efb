"""What a stage receives and returns: the frozen state of one service's build, and the tools."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pipeline.engine import ContainerId, Engine, Image, ImageId, Mount, Rewriting
from pipeline.events import Sink
from pipeline.image_config import ImageConfig
from pipeline.plan import LayerKey, Step
from pipeline.player import Player, RoleFiles
from pipeline.project import Project
from pipeline.recipe import Base, Recipe, RoleUse, Service
from pipeline.registry_layer import RegistryLayer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Build:
    """One service on its way to an image. `image` is the topmost layer so far, `config` what it is to declare.

    `root_layers` counts the layers of the root that it, or what it is built on, started from. With an `epoch`, in
    seconds since 1970, `rewritten` is the finished image as it is the same whenever it is built.
    """

    recipe: Recipe
    project: Project
    service: Service
    base: Image | None = None
    image: ImageId | None = None
    config: ImageConfig = field(default_factory=ImageConfig)
    keys: tuple[LayerKey, ...] = ()
    target: ContainerId | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    root_layers: int = 0
    epoch: int | None = None
    rewritten: ImageId | None = None

    @property
    def result(self) -> ImageId | None:
        """The image that is tried, named and pushed."""
        return self.rewritten or self.image


class Roots(Protocol):
    """Turns a base of a recipe into an image that the engine has."""

    def ensure(self, base: Base, step: str) -> Image:
        """Pull, bootstrap or import, unless it is there. Raises EngineError, UsageError, InputError."""
        ...

    def find(self, base: Base) -> Image | None:
        """The base where the engine has it already; changes nothing."""
        ...

    def caches(self, base: Base, image: Image) -> tuple[Mount, ...]:
        """Volumes for the directories in which this root's package manager keeps lists and archives."""
        ...


class Records(Protocol):
    """Layers that earlier builds left in the engine, by key, with what they were made of."""

    def role_files(self, role: RoleUse) -> RoleFiles:
        """Where a role's files are. Raises InputError when there is no such role."""
        ...

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        """The key of every role's layer and, last, of the finished image.

        With the image where the engine has it, and with where a registry has it where the engine does not.
        """
        ...

    def unbuilt(self, build: Build, conductor: str) -> tuple[LayerKey, ...]:
        """The same while the base is not there yet: no image is known, only what changed since the last time."""
        ...

    def used(self, keys: tuple[LayerKey, ...]) -> None:
        """Note that a build uses those of the layers that are there."""
        ...

    def save(self, key: LayerKey, image: ImageId) -> None:
        """Remember a layer that succeeded and left no residue."""
        ...

    def rewritten(self, image: ImageId, how: Rewriting) -> ImageId | None:
        """What became of an image when it was rewritten like this before, if the engine still has it."""
        ...

    def save_rewritten(self, image: ImageId, how: Rewriting, made: ImageId) -> None:
        """Remember what became of it."""
        ...


class Aside(Protocol):
    """Work that nobody waits for yet, done beside the stages with another connection to the engine."""

    def begin(self, work: Callable[[Engine], T]) -> Future[T]:
        """Start some work; its result, or what it raised, is the future's."""
        ...

    def join(self) -> None:
        """Wait for all of it, and raise what went wrong."""
        ...


class Cache(Protocol):
    """Layers that registries keep for other engines. What fails there is a warning, and the layer is built here."""

    def root(self, base: Base) -> RegistryLayer | None:
        """The root that a registry has, None for a base that is pulled anyway."""
        ...

    def fetch(self, keys: tuple[LayerKey, ...], step: str) -> tuple[LayerKey, ...]:
        """Bring the layers that registries have; the keys with their images, up to the first that could not be had."""
        ...

    def share(self, build: Build, step: str) -> str:
        """Give the registry every layer of a service that it does not have; in a few words, what came of it.

        Raises PushFailedError if that fails and must not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """All that a stage may use of the outside world; the shared cache only where there may be one.

    `secrets` are the ids of the build secrets that are given; None where no role is to be played.
    """

    engine: Engine
    player: Player
    roots: Roots
    records: Records
    emit: Sink
    on_exit: Callable[[Callable[[], None]], None]
    aside: Aside
    cache: Cache | None = None
    secrets: frozenset[str] | None = None


class Stage(Protocol):
    """A verb: takes the state and the tools, returns the new state."""

    def __call__(self, build: Build, step: Step, tools: Tools) -> Build:
        """Do the work of one step. Raises PipelineError."""
        ...
