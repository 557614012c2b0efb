"""What `baseimage plan` prints."""

from __future__ import annotations

from dataclasses import replace

from pipeline.plan_view import as_text, planned
from pipeline.recipe import BuiltService
from pipeline.runner import Rules, run
from pipeline.stage import Build, Tools
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, World, a_build, a_service


def preview(builds: tuple[Build, ...], tools: Tools | None) -> tuple[str, bool]:
    services = planned(builds, tools)
    return as_text(services), any(service.pending for service in services)


SERVICE = a_service("nginx", "app")


def test_without_an_engine_everything_is_to_be_built() -> None:
    text, pending = preview((a_build(SERVICE),), None)
    assert pending
    assert text.splitlines() == [
        "web",
        "  base        BUILD  image debian:12",
        "  role nginx  BUILD  no engine",
        "  role app    BUILD  no engine",
        "  image       BUILD  no engine",
    ]


def test_without_a_base_nothing_above_it_is_known_and_nothing_is_made() -> None:
    world = World()
    text, pending = preview((a_build(SERVICE),), world.tools)
    assert pending
    assert text.count("its base is not there yet") == 3
    assert world.verbs() == []


def test_what_is_there_is_a_hit_and_the_rest_has_a_reason() -> None:
    world = World()
    run((a_build(SERVICE),), world.tools, CATALOGUE[:-1], FakeClock(), Rules())
    text, pending = preview((a_build(SERVICE),), world.tools)
    assert not pending
    assert text.splitlines()[1:] == [
        "  base        HIT    image debian:12",
        "  role nginx  HIT",
        "  role app    HIT",
        "  image       HIT",
    ]
    text, pending = preview((a_build(replace(SERVICE, roles=SERVICE.roles[:1])),), world.tools)
    assert pending
    assert text.splitlines()[2:] == ["  role nginx  HIT", "  image       BUILD  no record of an earlier build"]


def test_every_service_is_shown_and_one_with_work_is_enough() -> None:
    world = World()
    other = a_service("app", name="worker")
    run((a_build(SERVICE),), world.tools, CATALOGUE[:-1], FakeClock(), Rules())
    world.engine.calls.clear()
    text, pending = preview((a_build(SERVICE), a_build(other)), world.tools)
    assert pending
    assert [line for line in text.splitlines() if not line.startswith(" ")] == ["web", "worker"]
    assert world.verbs() == []


def test_a_service_on_another_one_is_known_once_that_one_is_there() -> None:
    world = World()
    app = replace(a_service("app", name="app"), base=BuiltService("web"))
    builds = (a_build(SERVICE, app), a_build(app, SERVICE))
    text, pending = preview(builds, world.tools)
    assert pending
    assert text.splitlines()[5:8] == [
        "app",
        "  base      BUILD  service web",
        "  role app  BUILD  the service below comes first",
    ]
    run(builds, world.tools, CATALOGUE[:-1], FakeClock(), Rules())
    text, pending = preview(builds, world.tools)
    assert not pending
    assert text.splitlines()[5:] == ["app", "  base      HIT    service web", "  role app  HIT", "  image     HIT"]
