"""The loop over the real catalogue of stages: order, cache, clean-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from pipeline.engine import ImageId, ImageLayer
from pipeline.errors import EngineError, PipelineError, PlayFailedError, StopRequested, UsageError, VerificationError
from pipeline.events import ImageBuilt, Layer, StepCached, StepFailed, StepFinished, StepStarted, Warned
from pipeline.image_config import ImageConfig
from pipeline.recipe import BaseImage, BuiltService, Service, Verify
from pipeline.runner import Entry, Rules, run
from pipeline.stage import Build
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, World, a_build, a_service

FULL = tuple(entry for entry in CATALOGUE if entry.name not in ("share", "push"))


@pytest.fixture
def world() -> World:
    return World()


def go(
    world: World, *services: Service, rules: Rules | None = None, catalogue: tuple[Entry, ...] = FULL
) -> tuple[Build, ...]:
    world.engine.calls.clear()
    world.events.clear()
    builds = tuple(a_build(service, *(other for other in services if other is not service)) for service in services)
    return run(builds, world.tools, catalogue, FakeClock(), rules or Rules())


def steps(world: World, kind: type) -> list[str]:
    return [event.step for event in world.emitted(kind) if isinstance(event, (StepStarted, StepFinished, StepCached))]


def test_the_verbs_of_a_build_come_in_this_order(world: World) -> None:
    (done,) = go(world, a_service("nginx", "app"))
    assert world.verbs() == [
        "make-root",
        "make-root",
        "build-conductor",
        "start-conductor",
        *("start", "play", "settle", "commit", "remove_container", "save"),
        *("start", "play", "settle", "commit", "remove_container", "save"),
        "configure",
        "save",
        *("tag", "tag"),
        "remove_container",  # once more, in reverse order, in case that one was left
        "remove_container",
        "stop-conductor",
    ]
    assert done.tags == ("shop-web:1.2.0", "shop-web:latest")
    assert done.image == world.engine.images[done.image or ""].id


def test_a_target_is_gone_before_the_next_one_starts(world: World) -> None:
    go(world, a_service("nginx", "app"), a_service("other", name="worker"))
    running = most = 0
    for verb in world.verbs():
        running = running + 1 if verb == "start" else 0 if verb == "remove_container" else running
        most = max(most, running)
    assert most == 1


def test_each_role_starts_from_the_layer_below(world: World) -> None:
    go(world, a_service("nginx", "app"))
    starts = [call.split()[1] for call in world.engine.calls if call.startswith("start sha256:")]
    base, first = (world.engine.images[image] for image in starts)
    assert "debian:12" in base.tags
    assert [layer.created_by for layer in first.layers] == ["", "role nginx"]


def test_after_a_build_nothing_is_left_but_images(world: World) -> None:
    go(world, a_service("nginx", "app", config=ImageConfig(command=("true",)), verify=Verify(run=True)))
    assert "await_ready" in world.verbs()
    assert world.engine.containers == {}
    assert world.player.running is None


def test_every_step_is_announced_and_ended(world: World) -> None:
    go(world, a_service("nginx"))
    started = steps(world, StepStarted)
    assert started == steps(world, StepFinished)
    assert started[0] == "web/initialize"
    assert started[-1] == "web/tag"
    assert "web/nginx/provision" in started
    assert {event.seconds for event in world.emitted(StepFinished) if isinstance(event, StepFinished)} <= {1.0, 2.0}


def test_what_is_cached_starts_no_container_and_no_conductor(world: World) -> None:
    first = go(world, a_service("nginx", "app"))
    second = go(world, a_service("nginx", "app"))
    assert world.verbs() == ["tag", "tag"]
    assert second[0].image == first[0].image
    assert steps(world, StepCached) == [
        "web/conductor",
        *("web/nginx/target", "web/nginx/provision", "web/nginx/commit"),
        *("web/app/target", "web/app/provision", "web/app/commit"),
        "web/commit",
        "web/verify",
    ]


def test_after_a_change_of_the_last_role_only_that_one_is_played(world: World) -> None:
    go(world, a_service("nginx", "app"))
    go(world, a_service("nginx", "other"))
    assert [call for call in world.engine.calls if call.startswith("play")] == ["play other"]


def test_another_configuration_plays_no_role(world: World) -> None:
    go(world, a_service("nginx"))
    (done,) = go(world, a_service("nginx", config=ImageConfig(user="www")))
    assert world.verbs() == ["configure", "save", "tag", "tag"]
    assert world.engine.images[done.image or ""].config.user == "www"


def test_a_service_without_roles_is_its_base_configured(world: World) -> None:
    go(world, a_service(config=ImageConfig(user="www")))
    assert world.verbs() == ["make-root", "configure", "save", "tag", "tag"]


def test_the_conductor_serves_all_services_and_stops_at_the_end(world: World) -> None:
    go(world, a_service("nginx"), a_service("app", name="worker"))
    verbs = world.verbs()
    assert verbs.count("start-conductor") == verbs.count("stop-conductor") == 1
    assert verbs[-1] == "stop-conductor"


def test_with_push_every_name_is_pushed_after_verification(world: World) -> None:
    go(world, a_service("nginx"), catalogue=CATALOGUE)
    assert [verb for verb in world.verbs() if verb in ("verify", "tag", "push")] == ["tag", "tag", "push", "push"]


def test_a_failed_role_leaves_nothing_and_is_not_remembered(world: World) -> None:
    world.player.failures["app"] = PlayFailedError("role app, task 'x': no")
    with pytest.raises(PlayFailedError, match="task 'x'"):
        go(world, a_service("nginx", "app"))
    assert world.engine.containers == {}
    assert world.player.running is None
    assert [call for call in world.engine.calls if call.startswith("save")] == ["save nginx"]
    (failed,) = world.emitted(StepFailed)
    assert isinstance(failed, StepFailed)
    assert (failed.step, failed.message) == ("web/app/provision", "role app, task 'x': no")
    del world.player.failures["app"]
    go(world, a_service("nginx", "app"))
    assert [call for call in world.engine.calls if call.startswith("play")] == ["play app"]


def test_a_layer_with_residue_is_not_remembered(world: World) -> None:
    world.player.residue["nginx"] = "/tmp/left"  # noqa: S108 - in a target
    with pytest.raises(VerificationError, match="A /tmp/left"):
        go(world, a_service("nginx"))
    assert world.records.saved == {}
    assert world.engine.containers == {}
    assert not [call for call in world.engine.calls if call.startswith(("save", "tag"))]


def test_an_image_that_fails_verification_is_not_remembered_nor_tagged(world: World) -> None:
    world.engine.fail("await_ready", EngineError("gone"))
    with pytest.raises(EngineError):
        go(world, a_service("nginx", verify=Verify(run=True)))
    assert "save image" not in world.engine.calls
    assert "tag" not in world.verbs()
    assert world.engine.containers == {}


def test_the_services_after_a_failed_one_are_not_begun(world: World) -> None:
    world.player.failures["nginx"] = PlayFailedError("no")
    with pytest.raises(PlayFailedError):
        go(world, a_service("nginx"), a_service("app", name="worker"))
    assert not any(step.startswith("worker") for step in steps(world, StepStarted))


@pytest.mark.parametrize("keep", [False, True])
def test_a_stop_cleans_up_whatever_was_asked(world: World, keep: bool) -> None:  # noqa: FBT001
    world.player.failures["nginx"] = StopRequested(130)
    with pytest.raises(StopRequested) as stopped:
        go(world, a_service("nginx"), rules=Rules(keep=keep))
    assert stopped.value.exit_code == 130
    assert world.engine.containers == {}
    assert world.player.running is None
    assert world.emitted(StepFailed) == []


def test_keep_keeps_the_target_and_the_conductor_of_a_failed_role(world: World) -> None:
    world.player.failures["nginx"] = PlayFailedError("no")
    with pytest.raises(PlayFailedError):
        go(world, a_service("nginx"), rules=Rules(keep=True))
    assert len(world.engine.containers) == 1
    assert world.player.running is not None


def test_keep_keeps_nothing_after_success(world: World) -> None:
    go(world, a_service("nginx"), rules=Rules(keep=True))
    assert world.engine.containers == {}
    assert world.player.running is None


@pytest.mark.parametrize("failure", [PlayFailedError("the role's own"), StopRequested(143)])
def test_trouble_while_cleaning_up_does_not_hide_the_failure(world: World, failure: BaseException) -> None:
    world.player.failures["nginx"] = failure
    world.engine.fail("remove_container", EngineError("the engine went away"))
    with pytest.raises(type(failure)) as caught:
        go(world, a_service("nginx"))
    assert caught.value is failure
    assert world.player.running is None
    (warned,) = world.emitted(Warned)
    assert isinstance(warned, Warned)
    assert "the engine went away" in warned.message


def test_only_finished_tags_what_is_there(world: World) -> None:
    go(world, a_service("nginx"))
    go(world, a_service("nginx"), rules=Rules(only_finished=True))
    assert world.verbs() == ["tag", "tag"]


@pytest.mark.parametrize("built", [a_service("other"), a_service("nginx", config=ImageConfig(user="x"))])
def test_only_finished_refuses_what_is_not_built_as_the_recipe_stands(world: World, built: Service) -> None:
    go(world, built)
    with pytest.raises(UsageError, match="web is not built as its recipe now stands") as refused:
        go(world, a_service("nginx"), rules=Rules(only_finished=True))
    assert refused.value.hint == "run: baseimage build"
    assert world.verbs() == []


def test_only_finished_does_not_even_make_a_base(world: World) -> None:
    with pytest.raises(UsageError, match="not built"):
        go(world, a_service("nginx"), rules=Rules(only_finished=True))
    assert world.verbs() == []


def test_the_report_names_layers_and_stages(world: World) -> None:
    go(world, a_service("nginx"))
    (done,) = go(world, a_service("nginx", "app"))
    (built,) = world.emitted(ImageBuilt)
    assert isinstance(built, ImageBuilt)
    assert built.layers == (
        Layer("image debian:12", 1000, cached=False),
        Layer("role nginx", 1, cached=True),
        Layer("role app", 1, cached=False),
    )
    assert (built.image, built.tags, built.size) == (done.image, done.tags, 1002)
    assert built.try_it == "docker run --rm shop-web:1.2.0"
    assert {"target", "provision", "commit", "verify", "tag"} <= built.stages.keys()
    assert all(seconds > 0 for seconds in built.stages.values())


def test_a_build_does_not_fail_for_an_engine_that_cannot_tell_its_layers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def layers(_: ImageId) -> tuple[ImageLayer, ...]:
        raise EngineError("reading an image's history: snapshot sha256:1 does not exist")

    monkeypatch.setattr(world.engine, "layers", layers)
    (done,) = go(world, a_service("nginx"))
    (built,) = world.emitted(ImageBuilt)
    (warned,) = world.emitted(Warned)
    assert isinstance(built, ImageBuilt)
    assert isinstance(warned, Warned)
    assert (built.image, built.tags, built.layers) == (done.image, done.tags, ())
    assert "web are not known: reading an image's history" in warned.message


def test_a_role_that_changes_nothing_takes_no_layer_from_the_others(world: World) -> None:
    world.player.unchanging = ("nginx",)
    go(world, a_service("nginx", "app"))
    (built,) = world.emitted(ImageBuilt)
    assert isinstance(built, ImageBuilt)
    assert [(layer.made_by, layer.size) for layer in built.layers] == [
        ("image debian:12", 1000),
        ("role nginx", 0),
        ("role app", 1),
    ]


def test_nothing_is_pushed_before_all_services_are_built(world: World) -> None:
    go(world, a_service("nginx", name="one"), a_service("nginx", name="two"), catalogue=CATALOGUE)
    finished = steps(world, StepFinished)
    assert finished[-2:] == ["two/share", "two/push"]
    assert finished.index("two/tag") < finished.index("one/share") < finished.index("one/push")


# layers that others make


def test_a_layer_that_another_run_made_meanwhile_is_taken(world: World) -> None:
    (before,) = go(world, a_service("nginx", "app"))
    made, world.records.saved = world.records.saved, {}
    asked: list[str] = []

    @contextmanager
    def alone(key: str) -> Iterator[None]:
        asked.append(key)
        if len(asked) == 2:
            world.records.saved |= made
        yield

    (done,) = go(world, a_service("nginx", "app"), rules=Rules(alone=alone))
    assert [call for call in world.engine.calls if call.startswith("play")] == ["play nginx"]
    assert asked == list(made)[:2]
    assert done.image == before.image
    (built,) = world.emitted(ImageBuilt)
    assert isinstance(built, ImageBuilt)
    assert [layer.cached for layer in built.layers] == [False, False, True]


def test_nobody_is_waited_for_where_nothing_is_built(world: World) -> None:
    def alone(key: str) -> AbstractContextManager[None]:
        raise AssertionError(key)

    go(world, a_service("nginx"))
    go(world, a_service("nginx"), rules=Rules(alone=alone))
    with pytest.raises(UsageError):
        go(world, a_service("other"), rules=Rules(only_finished=True, alone=alone))


# services built on one another


def on_web(*roles: str, config: ImageConfig | None = None) -> Service:
    return replace(a_service(*roles, name="app", config=config), base=BuiltService("web"))


def test_a_service_starts_from_the_image_of_the_one_that_it_is_built_on(world: World) -> None:
    web, app = go(world, a_service("nginx", config=ImageConfig(user="www", stop_signal="SIGQUIT")), on_web("app"))
    assert app.base == world.engine.find_image(web.image or "")
    assert [layer.created_by for layer in world.engine.images[app.image or ""].layers] == ["", "role nginx", "role app"]
    config = world.engine.images[app.image or ""].config
    assert (config.user, config.stop_signal) == ("www", "SIGQUIT")
    report = next(
        event for event in world.emitted(ImageBuilt) if isinstance(event, ImageBuilt) and event.service == "app"
    )
    assert [layer.made_by for layer in report.layers] == ["service web", "role app"]


def test_only_a_change_of_the_other_service_builds_the_dependent_again(world: World) -> None:
    go(world, a_service("nginx"), on_web("app"))
    go(world, a_service("nginx"), on_web("app"))
    assert world.verbs() == ["tag"] * 4
    go(world, a_service("nginx", config=ImageConfig(user="www")), on_web("app"))
    assert [call for call in world.engine.calls if call.startswith("play")] == ["play app"]


def test_package_caches_of_a_dependent_service_are_those_of_the_root(world: World) -> None:
    world.roots.folders = ("/var/cache/apt",)
    go(world, a_service("nginx"), on_web("app"))
    assert set(world.roots.asked) == {BaseImage("debian:12")}


def test_only_finished_accepts_a_dependent_that_is_built(world: World) -> None:
    go(world, a_service("nginx"), on_web("app"))
    go(world, a_service("nginx"), on_web("app"), rules=Rules(only_finished=True))
    assert world.verbs() == ["tag"] * 4


def test_a_dependent_without_the_other_service_is_refused(world: World) -> None:
    with pytest.raises(PipelineError, match="service web is not built, which app starts from"):
        run((a_build(on_web("app"), a_service("nginx")),), world.tools, FULL, FakeClock(), Rules())
