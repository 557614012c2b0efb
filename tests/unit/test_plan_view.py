"""What `baseimage plan` prints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipeline.engine import Image
from pipeline.plan import LastRun, LayerKey, describe_base
from pipeline.plan_view import NOT_COVERED, PlannedService, PlannedStep, as_json, as_text, planned
from pipeline.recipe import Base, BuiltService
from pipeline.registry_layer import RegistryLayer
from pipeline.runner import Rules, run
from pipeline.stage import Build, Tools
from pipeline.unpinned import Unpinned
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, FakeRecords, World, a_build, a_service


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
    run((a_build(SERVICE),), world.tools, CATALOGUE[:-2], FakeClock(), Rules())
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
    run((a_build(SERVICE),), world.tools, CATALOGUE[:-2], FakeClock(), Rules())
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
    run(builds, world.tools, CATALOGUE[:-2], FakeClock(), Rules())
    text, pending = preview(builds, world.tools)
    assert not pending
    assert text.splitlines()[5:] == ["app", "  base      HIT    service web", "  role app  HIT", "  image     HIT"]


def test_what_the_last_run_took_stands_in_brackets() -> None:
    key = LayerKey("web", "k", None, ("a changed",), below="b", last=LastRun(14.3, 22_800_000))
    steps = (
        PlannedStep("base", hit=True, reasons=("image debian:12",)),
        PlannedStep("role", hit=False, role="web", reasons=key.reasons, key=key),
        PlannedStep("image", hit=True, key=LayerKey("", "k", last=LastRun(0.0, 100_000_000))),
    )
    assert as_text([PlannedService("web", steps)]).splitlines() == [
        "web",
        "  base      HIT    image debian:12",
        "  role web  BUILD  a changed (14.3s, 22.8 MB)",
        "  image     HIT    (100.0 MB)",
    ]


def test_more_than_three_reasons_are_counted_in_text_and_all_there_as_data() -> None:
    reasons = tuple("abcde")
    step = PlannedStep("role", hit=False, role="web", reasons=reasons, key=LayerKey("web", "k", reasons=reasons))
    assert as_text([PlannedService("web", (step,))]).splitlines()[1] == "  role web  BUILD  a; b; c; and 2 more"
    assert as_json([PlannedService("web", (step,))])["services"][0]["steps"][0]["reasons"] == list("abcde")


def test_as_data_a_plan_has_every_field_whether_it_is_known_or_not() -> None:
    key = LayerKey("web", "k", None, ("a changed",), below="b", last=LastRun(14.3, 22))
    steps = (PlannedStep("base", hit=True), PlannedStep("role", hit=False, role="web", reasons=key.reasons, key=key))
    unpinned = (Unpinned("a.yml", 3, "git without a commit"),)
    assert as_json([PlannedService("web", steps, unpinned=unpinned)]) == {
        "schema": 1,
        "pending": True,
        "services": [
            {
                "service": "web",
                "pending": True,
                "steps": [
                    {
                        "step": "base",
                        "role": "",
                        "action": "hit",
                        "reasons": [],
                        "shared": None,
                        "key": None,
                        "last_seconds": None,
                        "last_size": None,
                    },
                    {
                        "step": "role",
                        "role": "web",
                        "action": "build",
                        "reasons": ["a changed"],
                        "shared": None,
                        "key": "k",
                        "last_seconds": 14.3,
                        "last_size": 22,
                    },
                ],
                "unpinned": [{"file": "a.yml", "line": 3, "what": "git without a commit"}],
            }
        ],
    }


def test_without_an_engine_or_a_base_it_is_said_what_changed_since() -> None:
    world = World()
    world.records.changed = ("roles/nginx/tasks/main.yml changed",)
    text, _ = preview((a_build(SERVICE),), world.tools)
    assert "  role nginx  BUILD  its base is not there yet; roles/nginx/tasks/main.yml changed" in text.splitlines()
    services = planned((a_build(SERVICE),), None, lambda build: world.records.unbuilt(build, ""))
    assert "  role app    BUILD  no engine; roles/nginx/tasks/main.yml changed" in as_text(services).splitlines()


@dataclass
class SharedRecords(FakeRecords):
    """All layers are in a registry, on whatever base."""

    bases: list[str] = field(default_factory=list)

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        self.bases.append(base.content if isinstance(base, RegistryLayer) else base.id)
        keys = super().keys(build, base, conductor)
        return tuple(replace(key, reasons=(), shared=shared(key.role or build.service.name)) for key in keys)


class SharedRoots:
    """A registry that has every root."""

    def root(self, base: Base) -> RegistryLayer | None:
        return shared(describe_base(base))

    def fetch(self, keys: tuple[LayerKey, ...], step: str) -> tuple[LayerKey, ...]:
        raise AssertionError((keys, step))

    def share(self, build: Build, step: str) -> str:
        raise AssertionError((build, step))


def shared(name: str) -> RegistryLayer:
    return RegistryLayer(name, (), f"content of {name}", repository="registry.example/cache")


def test_what_a_registry_has_is_a_hit_also_below_another_service() -> None:
    world = World()
    app = replace(a_service("app", name="app"), base=BuiltService("web"))
    builds = (a_build(SERVICE, app), a_build(app, SERVICE))
    records = SharedRecords(world.engine)
    tools = replace(world.tools, records=records, cache=SharedRoots())
    services = planned(builds, tools)
    assert as_text(services).splitlines()[:3] == [
        "web",
        "  base        HIT (shared)  image debian:12",
        "  role nginx  HIT (shared)",
    ]
    assert records.bases == ["content of image debian:12", "content of web"]
    assert not any(service.pending for service in services)
    assert {step["shared"] for service in as_json(services)["services"] for step in service["steps"]} == {
        "registry.example/cache"
    }
    assert world.verbs() == []


def test_what_no_key_covers_is_said_once_at_the_end() -> None:
    unpinned = (Unpinned("roles/web/tasks/main.yml", 3, "git without a commit"),)
    services = [PlannedService(name, (PlannedStep("base", hit=True),), unpinned=unpinned) for name in ("web", "app")]
    assert as_text(services).splitlines()[4:] == [
        "",
        NOT_COVERED,
        "  roles/web/tasks/main.yml:3: git without a commit",
    ]
