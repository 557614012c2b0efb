"""What a build works with, without an outside: a player, roots, records, a clock, and a service to build.

`FakePlayer`, `FakeRoots` and `FakeRecords` write into the `calls` of the engine that they are made with, so that a
test sees one order of everything that happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.aside import EngineAside
from pipeline.engine import ContainerId, Engine, Image, ImageId, ImageLayer, Mount, Rewriting
from pipeline.errors import InputError, PipelineError, Problem
from pipeline.events import Event
from pipeline.fingerprint import digest
from pipeline.image_config import ImageConfig
from pipeline.plan import LayerKey
from pipeline.player import Play, PlayResult, RoleFiles
from pipeline.project import Project
from pipeline.recipe import Base, BaseImage, ConductorSettings, Recipe, RoleUse, Service, Verify
from pipeline.registry_layer import RegistryLayer
from pipeline.roots import name_of
from pipeline.stage import Build, Tools
from tests.unit.fake_engine import FakeEngine

BASE = "debian:12"
CONDUCTOR_BASE = "debian:13"


@dataclass
class FakeClock:
    """A second passes whenever it is looked at."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@dataclass
class FakePlayer:
    """`player.Player`: every role leaves a file named after it in its target.

    `results`, `failures` and `residue` (paths that settling leaves behind) are by role.
    """

    engine: FakeEngine
    results: dict[str, PlayResult] = field(default_factory=dict)
    failures: dict[str, BaseException] = field(default_factory=dict)
    residue: dict[str, str] = field(default_factory=dict)
    unchanging: tuple[str, ...] = ()
    plays: list[Play] = field(default_factory=list)
    prepared: list[Play] = field(default_factory=list)
    end: PipelineError | None = None
    running: ImageId | None = None

    def key(self) -> str:
        return "conductor"

    def build(self, base: ImageId, step: str) -> ImageId:
        self.engine.calls.append(f"build-conductor {step}")
        return base

    def start(self, image: ImageId) -> None:
        if self.running is None:
            self.engine.calls.append("start-conductor")
            self.running = image

    def stop(self) -> None:
        if self.running is not None:
            self.engine.calls.append("stop-conductor")
            self.running = None

    def keep_alive(self) -> tuple[str, ...]:
        return ("sleep", "infinity")

    def mounts(self) -> tuple[Mount, ...]:
        return (Mount("runtime", "/dev/baseimage", read_only=True), Mount("", "/dev/baseimage-tmp"))

    def network(self) -> str:
        return "container:conductor"

    def prepare(self, play: Play) -> str:
        self.prepared.append(play)
        return f"target-{play.role.name}"

    def conclude(self) -> None:
        if self.end:
            raise self.end

    def play(self, target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        role = play.role.name
        self.engine.calls.append(f"play {role}")
        self.prepared += [then] if then else []
        self.plays.append(play)
        if role in self.failures:
            raise self.failures[role]
        changed = self.engine.containers[target].changed
        if role not in self.unchanging:
            changed.add(f"/etc/{role}")
        changed.update(path for path in (self.residue.get(role, ""),) if path)
        return self.results.get(role, PlayResult())

    def settle(self, target: ContainerId) -> tuple[str, ...]:
        self.engine.calls.append("settle")
        changed = self.engine.containers[target].changed
        return tuple(f"left: {json.dumps(path)}" for path in self.residue.values() if path in changed)


@dataclass
class FakeRoots:
    """`stage.Roots`: every base can be made. `folders` are where a root keeps package lists; `asked` whose were."""

    engine: FakeEngine
    folders: tuple[str, ...] = ()
    config: ImageConfig = field(
        default_factory=lambda: ImageConfig(command=("sleep", "1"), environment={"PATH": "/bin"})
    )
    failure: Exception | None = None
    asked: list[Base] = field(default_factory=list)

    def ensure(self, base: Base, step: str) -> Image:
        if self.failure:
            raise self.failure
        if self.find(base) is None:
            self.engine.calls.append(f"make-root {name_of(base)} {step}")
            image = self.engine.store(
                self.config, (ImageLayer("", 1000),), frozenset({"/bin/sh"}), made_of=name_of(base)
            )
            self.engine.name(image, name_of(base))
        found = self.find(base)
        assert found is not None
        return found

    def find(self, base: Base) -> Image | None:
        return self.engine.find_image(name_of(base))

    def caches(self, base: Base, image: Image) -> tuple[Mount, ...]:
        assert self.engine.find_image(image.id), base
        self.asked.append(base)
        return tuple(Mount(f"cache{folder.replace('/', '-')}", folder) for folder in self.folders)


@dataclass
class FakeRecords:
    """`stage.Records`: keys are made of the names and parameters of roles. `missing` are roles without files."""

    engine: FakeEngine
    missing: tuple[str, ...] = ()
    saved: dict[str, ImageId] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    touched: list[str] = field(default_factory=list)
    made: dict[tuple[ImageId, Rewriting], ImageId] = field(default_factory=dict)

    def role_files(self, role: RoleUse) -> RoleFiles:
        if role.name in self.missing:
            raise InputError([Problem("recipe.yml", role.line, 1, "roles", f"there is no role {role.name!r}")])
        return RoleFiles(role.label, Path("roles", role.name))

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        below, keys = f"{base.id if isinstance(base, Image) else base.content} {conductor}", []
        for label, role in zip(build.service.role_labels, build.service.roles, strict=True):
            below = digest([below, role.name, role.parameters])
            keys.append(self._key(label, below))
        return *keys, self._key(
            "", digest([below, build.service.config, build.service.role_config, build.service.verify])
        )

    def unbuilt(self, build: Build, conductor: str) -> tuple[LayerKey, ...]:
        return tuple(LayerKey(label, conductor, reasons=self.changed) for label in (*build.service.role_labels, ""))

    def used(self, keys: tuple[LayerKey, ...]) -> None:
        self.touched += [key.key for key in keys if key.image]

    def save(self, key: LayerKey, image: ImageId) -> None:
        self.engine.calls.append(f"save {key.role or 'image'}")
        self.saved[key.key] = image

    def rewritten(self, image: ImageId, how: Rewriting) -> ImageId | None:
        made = self.made.get((image, how))
        return made if made and self.engine.find_image(made) else None

    def save_rewritten(self, image: ImageId, how: Rewriting, made: ImageId) -> None:
        self.made[image, how] = made

    def _key(self, role: str, key: str) -> LayerKey:
        return LayerKey(role, key, self.saved.get(key), () if key in self.saved else ("no record of an earlier build",))


T = TypeVar("T")


class AtOnce(EngineAside):
    """Work that is done before the stage goes on, so that the order of calls is certain."""

    def begin(self, work: Callable[[Engine], T]) -> Future[T]:
        future = super().begin(work)
        future.exception()
        return future


@dataclass
class World:
    """An engine with everything around it, what it emitted, and what stages registered for the end."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    events: list[Event] = field(default_factory=list)
    undo: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.player = FakePlayer(self.engine)
        self.roots = FakeRoots(self.engine)
        self.records = FakeRecords(self.engine)

    @property
    def tools(self) -> Tools:
        return Tools(
            self.engine,
            self.player,
            self.roots,
            self.records,
            self.events.append,
            self.undo.append,
            AtOnce(lambda: self.engine),
        )

    def verbs(self) -> list[str]:
        """The first words of all calls."""
        return [call.split(" ", maxsplit=1)[0] for call in self.engine.calls]

    def emitted(self, *kinds: type) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]


def a_service(
    *roles: str | RoleUse, name: str = "web", config: ImageConfig | None = None, verify: Verify | None = None
) -> Service:
    """A service from BASE with these roles; it is verified without being started, unless told otherwise."""
    uses = tuple(RoleUse(role, line=number) if isinstance(role, str) else role for number, role in enumerate(roles, 5))
    return Service(name, BaseImage(BASE), uses, config=config or ImageConfig(), verify=verify or Verify(run=False))


def a_build(service: Service, *others: Service, tags: tuple[str, ...] = ()) -> Build:
    """The first state of a service's build."""
    recipe = Recipe("recipe.yml", None, ConductorSettings(BaseImage(CONDUCTOR_BASE)), (service, *others), tags)
    return Build(recipe, Project("shop", "1.2.0"), service)
