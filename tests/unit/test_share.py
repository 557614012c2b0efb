"""A build whose layers a registry has, and one that writes its own there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from pipeline.engine import ImageId
from pipeline.errors import PushFailedError
from pipeline.events import StepCached, StepFinished
from pipeline.plan import LayerKey
from pipeline.recipe import Base
from pipeline.registry_layer import RegistryLayer
from pipeline.runner import Rules, run
from pipeline.stage import Build
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, World, a_build, a_service

SERVICE = a_service("nginx", "app")
NOT_PUSHED = tuple(entry for entry in CATALOGUE if entry.name != "push")


@dataclass
class FakeCache:
    """`stage.Cache`: brings what is in `there`, and notes whose layers were written."""

    there: dict[str, ImageId] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def root(self, base: Base) -> RegistryLayer | None:
        raise AssertionError(base)

    def fetch(self, keys: tuple[LayerKey, ...], step: str) -> tuple[LayerKey, ...]:
        assert step == "web/base"
        layer = RegistryLayer("", (), "", repository="registry.example/cache")
        return tuple(
            replace(key, image=self.there[key.key], shared=layer, reasons=()) if key.key in self.there else key
            for key in keys
        )

    def share(self, build: Build, step: str) -> str:
        if self.failure:
            raise self.failure
        self.shared.append(step)
        return f"{len(build.keys)} written"


def go(world: World, cache: FakeCache) -> Build:
    world.events.clear()
    world.engine.calls.clear()
    tools = replace(world.tools, cache=cache)
    (done,) = run((a_build(SERVICE),), tools, NOT_PUSHED, FakeClock(), Rules())
    return done


def notes(world: World) -> dict[str, str]:
    return {event.step: event.detail for event in world.events if isinstance(event, StepFinished)}


def test_what_was_brought_is_not_built_and_nothing_is_started() -> None:
    world = World()
    first = go(world, FakeCache())
    there, world.records.saved = world.records.saved, {}
    second = go(world, FakeCache(there))
    assert second.image == first.image
    assert world.verbs() == ["tag", "tag"]
    assert notes(world)["web/base"].endswith("3 layers from the shared cache")
    cached = [event.step for event in world.events if isinstance(event, StepCached)]
    assert {"web/conductor", "web/nginx/provision", "web/app/provision", "web/verify"} <= set(cached)


def test_what_was_not_is_built_on_what_was() -> None:
    world = World()
    done = go(world, FakeCache())
    there, world.records.saved = dict(world.records.saved), {}
    nginx, *_ = done.keys
    go(world, FakeCache({nginx.key: there[nginx.key]}))
    assert [call for call in world.engine.calls if call.startswith("play")] == ["play app"]


def test_layers_are_written_when_all_is_built_and_a_failure_ends_the_build_if_it_must() -> None:
    world, cache = World(), FakeCache()
    go(world, cache)
    assert cache.shared == ["web/share"]
    assert notes(world)["web/share"] == "3 written"
    with pytest.raises(PushFailedError):
        go(world, FakeCache(failure=PushFailedError("denied")))
