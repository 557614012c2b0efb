"""Each verb of the pipeline by itself: once as it should go, once as it fails; and what all of them keep."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine import Completed, ContainerSpec, Engine, Image, ImageId
from pipeline.errors import (
    EXIT_PUSH_FAILED,
    EngineError,
    InputError,
    PipelineError,
    PlayFailedError,
    PushFailedError,
    SeveralServicesError,
    VerificationError,
)
from pipeline.events import NotPushed, Pushed, Sink, Transfer, Warned
from pipeline.gitflow import PREFIX, Place, Situation, release_plan
from pipeline.image_config import Healthcheck, ImageConfig
from pipeline.plan import LayerKey, Step
from pipeline.player import Play, PlayResult, RoleFiles
from pipeline.project import Project
from pipeline.recipe import Budget, RoleUse, Service, Verify
from pipeline.stage import Build
from stages import (
    CATALOGUE,
    attesting,
    base,
    commit,
    conductor,
    initialize,
    provision,
    push,
    rewrite,
    tag,
    target,
    verify,
)
from tests.unit.fake_commands import COMMANDS
from tests.unit.fakes import BASE, World, a_build, a_service

ROLE = Step("x", "web", "nginx", 0)
WHOLE = Step("x", "web")


@pytest.fixture
def world() -> World:
    return World()


def based(world: World, service: Service) -> Build:
    """As after the stage `base`."""
    return base.run(a_build(service), WHOLE, world.tools)


def targeted(world: World, service: Service) -> Build:
    """As after the stage `target` of the first role."""
    return target.run(based(world, service), ROLE, world.tools)


def played(world: World, service: Service) -> Build:
    """As after the stage `provision` of the first role."""
    return provision.run(targeted(world, service), ROLE, world.tools)


def finished(world: World, service: Service) -> Build:
    """As after the last commit of a service with one role."""
    return commit.finish(commit.run(played(world, service), ROLE, world.tools), WHOLE, world.tools)


# initialize


def test_initialize_finds_the_files_of_every_role(world: World) -> None:
    assert initialize.run(a_build(a_service("nginx", "app")), WHOLE, world.tools).note == "2 roles"


def test_initialize_names_all_the_roles_that_are_missing(world: World) -> None:
    world.records.missing = ("app", "db")
    with pytest.raises(InputError) as caught:
        initialize.run(a_build(a_service("app", "nginx", "db")), WHOLE, world.tools)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (5, "there is no role 'app'"),
        (7, "there is no role 'db'"),
    ]


# base


def test_base_makes_the_root_and_sees_which_layers_are_there(world: World) -> None:
    build = based(world, a_service("nginx"))
    assert build.base == world.engine.find_image(BASE)
    assert build.base is not None
    assert build.image == build.base.id
    assert [key.role for key in build.keys] == ["nginx", ""]


def test_base_fails_with_the_reason_why_there_is_no_root(world: World) -> None:
    world.roots.failure = EngineError("manifest unknown")
    with pytest.raises(EngineError, match="manifest unknown"):
        based(world, a_service("nginx"))


# conductor


def test_conductor_is_built_on_its_own_base_and_started(world: World) -> None:
    before = a_build(a_service("nginx"))
    assert conductor.run(before, WHOLE, world.tools) == before
    assert world.verbs() == ["make-root", "build-conductor", "start-conductor"]
    assert world.player.running is not None


def test_conductor_fails_where_its_root_cannot_be_made(world: World) -> None:
    world.roots.failure = EngineError("no")
    with pytest.raises(EngineError):
        conductor.run(a_build(a_service("nginx")), WHOLE, world.tools)
    assert world.player.running is None


# target


def test_target_is_kept_alive_by_what_it_borrows_and_is_registered_for_removal(world: World) -> None:
    build = targeted(world, a_service("nginx"))
    assert build.target is not None
    spec = world.engine.containers[build.target].spec
    assert spec == ContainerSpec(
        image=build.image or "",
        name="target-nginx",  # as the player wants it
        entrypoint=world.player.keep_alive(),
        command=("sleep", "1"),  # the base's own
        mounts=world.player.mounts(),
        network=world.player.network(),
    )
    (undo,) = world.undo
    undo()
    assert world.engine.containers == {}


@pytest.mark.parametrize("whose", ["base", "role"])
def test_target_runs_as_root_where_the_layer_below_says_another_user(world: World, whose: str) -> None:
    if whose == "base":
        world.roots.config = replace(world.roots.config, user="www")
    else:
        world.player.results["nginx"] = PlayResult(config=ImageConfig(user="www"))
    build = commit.run(played(world, a_service("nginx", "app")), ROLE, world.tools)
    build = target.run(build, Step("target", "web", "app", 1), world.tools)
    assert world.engine.containers[build.target or ""].spec.user == "0"


LISTS = "/var/lib/apt/lists"


def refreshes(world: World) -> list[str]:
    return [call for call in world.engine.calls if call.startswith("run sh -c")]


def test_only_the_first_target_of_a_build_finds_the_lists_refreshed(world: World) -> None:
    world.roots.folders = (LISTS,)
    world.engine.answers[("sh", "-c", target.REFRESH_LISTS)] = Completed(0, b"", b"")
    build = based(world, a_service("nginx", "app", "db"))
    build = replace(build, keys=(replace(build.keys[0], image=build.image), *build.keys[1:]))
    for index in (1, 2):
        started = target.run(build, Step("target", "web", "x", index), world.tools)
        assert started.target is not None
        assert world.engine.containers[started.target].spec.mounts[-1].target == LISTS
    assert len(refreshes(world)) == 1


def test_a_root_without_package_lists_is_not_asked_to_refresh_them(world: World) -> None:
    targeted(world, a_service("nginx"))
    assert refreshes(world) == []


def test_lists_that_cannot_be_refreshed_are_a_warning(world: World) -> None:
    world.roots.folders = (LISTS,)
    failed = Completed(100, b"", b"W: a\nE: no route to the mirror\n")
    world.engine.answers[("sh", "-c", target.REFRESH_LISTS)] = failed
    assert targeted(world, a_service("nginx")).target
    assert world.events == [Warned("the package lists could not be refreshed", hint="E: no route to the mirror")]


def test_target_needs_a_base(world: World) -> None:
    with pytest.raises(PipelineError, match="has no base"):
        target.run(a_build(a_service("nginx")), ROLE, world.tools)


# provision


def test_provision_plays_the_role_with_parameters_and_variables(world: World) -> None:
    service = replace(
        a_service(RoleUse("roles/nginx", {"port": 81}, gather_facts=False)), variables={"a": 1}, python="base"
    )
    played(world, service)
    assert world.player.plays == [
        Play(
            role=RoleFiles("nginx", Path("roles/roles/nginx")),
            parameters={"port": 81},
            variables={"a": 1},
            gather_facts=False,
            hardware_facts=False,
            borrowed_python=False,
            step="web/nginx/provision",
            path="/bin",
        )
    ]


def test_a_play_is_prepared_before_its_target_is_started_and_is_the_one_that_is_played(world: World) -> None:
    build = targeted(world, a_service("nginx"))
    prepared = list(world.player.prepared)
    provision.run(build, ROLE, world.tools)
    assert prepared == world.player.plays
    assert world.player.prepared == prepared


def test_the_next_play_is_prepared_while_one_is_played(world: World) -> None:
    build = played(world, replace(a_service("nginx", "app"), python="base"))
    assert [play.role.name for play in world.player.prepared] == ["nginx", "app"]
    build = target.run(commit.run(build, ROLE, world.tools), Step("target", "web", "app", 1), world.tools)
    assert world.player.prepared[2] == world.player.prepared[1], "nothing has to be prepared again"


def test_a_play_is_prepared_again_where_the_layer_below_has_another_path_than_was_thought(world: World) -> None:
    world.player.results["nginx"] = PlayResult(config=ImageConfig(environment={"PATH": "/opt/bin"}))
    build = played(world, replace(a_service("nginx", "app"), python="base"))
    target.run(commit.run(build, ROLE, world.tools), Step("target", "web", "app", 1), world.tools)
    assert [play.path for play in world.player.prepared[1:]] == ["/bin", "/opt/bin"]


def test_no_play_is_prepared_for_a_layer_that_is_there(world: World) -> None:
    build = targeted(world, a_service("nginx", "app"))
    build = replace(build, keys=(build.keys[0], replace(build.keys[1], image=build.image), build.keys[2]))
    provision.run(build, ROLE, world.tools)
    assert [play.role.name for play in world.player.prepared] == ["nginx"]


def test_provision_gathers_hardware_facts_for_the_whole_service_if_one_role_can_see_them(world: World) -> None:
    keys = (LayerKey("nginx", "k1"), LayerKey("app", "k2", hardware=True), LayerKey("", "k3"))
    provision.run(replace(targeted(world, a_service("nginx", "app")), keys=keys), ROLE, world.tools)
    assert [play.hardware_facts for play in world.player.plays] == [True]


def test_provision_gathers_no_facts_for_a_role_that_can_see_none(world: World) -> None:
    keys = (LayerKey("nginx", "k1", facts=False), LayerKey("app", "k2"), LayerKey("", "k3"))
    build = replace(targeted(world, a_service("nginx", "app")), keys=keys)
    for index, role in enumerate(("nginx", "app")):
        provision.run(build, Step("provision", "web", role, index), world.tools)
    assert [play.gather_facts for play in world.player.plays] == [False, True]


def test_provision_lays_what_the_role_says_over_the_layer_below(world: World) -> None:
    world.player.results["nginx"] = PlayResult(config=ImageConfig(user="www", environment={"A": "1"}))
    build = played(world, a_service("nginx"))
    assert build.config == ImageConfig(command=("sleep", "1"), environment={"PATH": "/bin", "A": "1"}, user="www")


def test_provision_passes_the_failure_of_a_task_on(world: World) -> None:
    world.player.failures["nginx"] = PlayFailedError("role nginx, task 'x': no")
    with pytest.raises(PlayFailedError, match="task 'x'"):
        played(world, a_service("nginx"))


def test_provision_needs_a_target(world: World) -> None:
    with pytest.raises(PipelineError, match="no target"):
        provision.run(based(world, a_service("nginx")), ROLE, world.tools)


# commit


def test_commit_makes_a_layer_remembers_it_and_lets_the_target_go(world: World) -> None:
    build = commit.run(played(world, a_service("nginx")), ROLE, world.tools)
    assert world.verbs()[-4:] == ["settle", "commit", "remove_container", "save"]
    assert world.engine.containers == {}
    assert build.target is None
    assert list(world.records.saved.values()) == [build.image]
    assert world.engine.images[build.image or ""].config.normalised() == build.config.normalised()


def test_a_layer_is_not_remembered_and_goes_if_ansible_ended_badly_after_all(world: World) -> None:
    build = played(world, a_service("nginx"))
    world.player.end = PlayFailedError("Ansible ended with 'failed'")
    before = set(world.engine.images)
    with pytest.raises(PlayFailedError):
        commit.run(build, ROLE, world.tools)
    assert world.records.saved == {}
    assert set(world.engine.images) == before


def test_commit_refuses_a_layer_with_traces_of_the_build(world: World) -> None:
    world.player.residue["nginx"] = "/root/.ansible/tmp/x"
    build = played(world, a_service("nginx"))
    before = set(world.engine.images)
    with pytest.raises(VerificationError, match=r"role nginx leaves traces .*A /root/.ansible/tmp/x") as caught:
        commit.run(build, ROLE, world.tools)
    assert "verify.allow" in caught.value.hint
    assert world.records.saved == {}
    assert set(world.engine.images) == before


def test_commit_lets_pass_what_the_recipe_allows(world: World) -> None:
    world.player.residue["nginx"] = "/run/app/socket"
    service = a_service("nginx", verify=Verify(run=False, allow=("/run/app*",)))
    assert commit.run(played(world, service), ROLE, world.tools).image


def test_a_commit_that_fails_is_not_remembered(world: World) -> None:
    build = played(world, a_service("nginx"))
    world.engine.fail("commit", EngineError("no space"))
    with pytest.raises(EngineError):
        commit.run(build, ROLE, world.tools)
    assert world.records.saved == {}


def test_layers_above_the_base_are_merged_where_a_service_is_squashed(world: World) -> None:
    build = finished(world, replace(a_service("nginx", config=ENDS), squash=True))
    assert build.image
    assert build.base
    found, layer = world.engine.find_image(build.image), build.keys[0].image or world.records.saved[build.keys[0].key]
    assert found
    assert found.config == build.config
    assert found.layers[: len(build.base.layers)] == build.base.layers
    assert world.engine.find_image(layer), "a later build finds the role's layer"
    for undo in world.undo:
        undo()
    assert world.engine.find_image(build.image) is None, "nobody had named it"


def test_a_rewritten_image_gets_the_names_and_what_was_built_stays(world: World) -> None:
    build = replace(finished(world, a_service("nginx", config=ENDS)), epoch=1_700_000_000)
    done = verify.run(rewrite.run(build, WHOLE, world.tools), WHOLE, world.tools)
    assert done.rewritten not in (None, build.image)
    assert (done.image, done.result) == (build.image, done.rewritten)
    assert world.records.saved[build.keys[-1].key] == build.image, "the next build stands on what was built"
    tagged = tag.run(done, WHOLE, world.tools)
    assert {found.id for name in tagged.tags if (found := world.engine.find_image(name))} == {done.rewritten}


def test_an_image_is_rewritten_once_for_each_time(world: World) -> None:
    build = replace(finished(world, a_service("nginx")), epoch=5)
    first = rewrite.run(build, WHOLE, world.tools)
    assert rewrite.run(build, WHOLE, world.tools).rewritten == first.rewritten
    assert world.verbs().count("rewrite") == 1
    assert rewrite.run(replace(build, epoch=6), WHOLE, world.tools).rewritten != first.rewritten


def test_layers_of_the_root_are_not_rewritten_wherever_a_service_starts(world: World) -> None:
    lower = replace(finished(world, a_service("nginx")), epoch=5)
    upper = replace(lower, base=world.engine.find_image(lower.image or ""))
    rewrite.run(upper, WHOLE, world.tools)
    assert lower.root_layers == 1
    assert "Rewriting(below=1, " in next(call for call in world.engine.calls if call.startswith("rewrite"))


def test_without_a_time_nothing_is_rewritten(world: World) -> None:
    build = finished(world, a_service("nginx"))
    assert rewrite.run(build, WHOLE, world.tools) == build


@pytest.mark.parametrize("stage", [commit.run, commit.finish, rewrite.run])
def test_commit_needs_something_to_commit(world: World, stage: object) -> None:
    assert callable(stage)
    with pytest.raises(PipelineError, match="there is no"):
        stage(a_build(a_service("nginx")), ROLE, world.tools)


def test_the_end_of_commit_adds_configuration_and_no_layer(world: World) -> None:
    wanted = ImageConfig(entrypoint=("/init",), labels={"a": "b"}, exposed=("80/tcp",))
    layer = commit.run(played(world, a_service("nginx", config=wanted)), ROLE, world.tools)
    build = commit.finish(layer, WHOLE, world.tools)
    image = world.engine.images[build.image or ""]
    assert image.layers == world.engine.images[layer.image or ""].layers
    # A new entry point drops the command that had been written for the old one.
    assert image.config == ImageConfig(("/init",), None, {"PATH": "/bin"}, ("80/tcp",), labels={"a": "b"})
    assert build.config == image.config


# verify


RUNS = Verify(run=True)
ENDS = ImageConfig(command=("true",))


def test_verify_starts_the_image_and_only_then_remembers_it(world: World) -> None:
    build = finished(world, a_service("nginx", config=ENDS, verify=RUNS))
    done = verify.run(build, WHOLE, world.tools)
    assert done.note == "ran and ended with 0"
    assert world.verbs()[-4:] == ["start", "await_ready", "remove_container", "save"]
    assert world.records.saved[build.keys[-1].key] == build.image
    assert world.engine.containers == {}


def test_verify_may_look_at_the_configuration_only(world: World) -> None:
    build = finished(world, a_service("nginx"))
    assert verify.run(build, WHOLE, world.tools).note == "configuration only"
    assert world.verbs()[-1] == "save"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (ImageConfig(command=("sleep", "1")), "did not stop in time and had to be killed"),
        (ImageConfig(command=("sleep", "1"), healthcheck=Healthcheck(("CMD", "false"))), "does not get healthy"),
        (ImageConfig(command=("env", "1"), entrypoint=("/bin/nope",)), "cannot run"),
    ],
)
def test_verify_refuses_an_image_that_does_not_keep_its_contract(
    world: World, config: ImageConfig, problem: str
) -> None:
    build = finished(world, a_service("nginx", config=config, verify=RUNS))
    with pytest.raises(PipelineError, match=problem):
        verify.run(build, WHOLE, world.tools)
    assert build.keys[-1].key not in world.records.saved
    for undo in world.undo:
        undo()
    assert world.engine.containers == {}


@pytest.mark.parametrize("code", [125, 126, 127])
def test_verify_refuses_an_image_whose_command_cannot_be_run(
    world: World, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "true", lambda _words, _world, _streams: code)
    build = finished(world, a_service("nginx", config=ENDS, verify=RUNS))
    with pytest.raises(VerificationError, match=f"does not start \\(exit code {code}\\)"):
        verify.run(build, WHOLE, world.tools)


@pytest.mark.parametrize(
    ("test", "probe"),
    [
        (("CMD", "true", "x"), "true x"),
        (("CMD-SHELL", "exit 0"), "/bin/sh -c exit 0"),
        (("NONE",), ""),
    ],
)
def test_verify_probes_with_the_images_own_health_check(world: World, test: tuple[str, ...], probe: str) -> None:
    config = ImageConfig(command=("true",), healthcheck=Healthcheck(test))
    verify.run(finished(world, a_service("nginx", config=config, verify=RUNS)), WHOLE, world.tools)
    assert f"await_ready {probe} 30" in world.engine.calls


def test_verify_tries_the_command_that_the_recipe_names(world: World) -> None:
    service = a_service("nginx", verify=Verify(run=True, command=("echo", "hello")))
    verify.run(finished(world, service), WHOLE, world.tools)


def test_verify_refuses_what_nobody_declared(world: World) -> None:
    build = finished(world, a_service("nginx"))
    image = world.engine.find_image(build.image or "")
    assert isinstance(image, Image)
    stray = replace(image, config=replace(image.config, environment={"PATH": "/bin", "SECRET": "x"}))
    with pytest.raises(VerificationError, match="environment: SECRET is 'x', declared is None"):
        verify.check_config(build, stray)


def test_verify_needs_an_image(world: World) -> None:
    with pytest.raises(PipelineError, match="no image to verify"):
        verify.run(a_build(a_service("nginx")), WHOLE, world.tools)


def budgeted(world: World, budget: Budget) -> Build:
    """As after the last commit, with a budget."""
    return finished(world, a_service("nginx", verify=Verify(run=False, budget=budget)))


def test_verify_fails_an_image_that_is_over_its_budget_and_does_not_remember_it(world: World) -> None:
    world.engine.contents["/var/lib/dpkg/status"] = b"Package: bash\nStatus: install ok installed\nVersion: 5\n"
    build = budgeted(world, Budget(size=10, packages=0, growth=5))
    with pytest.raises(VerificationError, match=r"its size is .*; it has 1 packages") as caught:
        verify.run(build, WHOLE, world.tools)
    assert "baseimage diff" in caught.value.hint
    assert build.keys[-1].key not in world.records.saved


def test_verify_compares_with_the_last_release_where_one_is_known(world: World) -> None:
    build = budgeted(world, Budget(growth=5))
    assert verify.run(build, WHOLE, world.tools).note == "configuration only, no last release to compare with"

    situation = Situation("1.2.0", "c0ffee", Place("main"), released=("1.1.0", "1.0.0", "1.3.0-rc.1", "2.0.0"))
    plan = release_plan(situation)
    assert plan.previous == "1.1.0"
    build = replace(build, project=replace(build.project, release=plan))
    small = world.engine.add_image("small:1", size=900)
    world.engine.registry["shop-web:1.1.0"] = world.engine.images[small]
    with pytest.raises(VerificationError, match="since the last release"):
        verify.run(build, WHOLE, world.tools)
    same = world.engine.add_image("same:1", size=1000)
    world.engine.registry["shop-web:1.1.0"] = world.engine.images[same]
    assert verify.run(build, WHOLE, world.tools).note == "configuration only, against shop-web:1.1.0"


# tag


def test_tag_gives_the_image_every_name(world: World) -> None:
    build = tag.run(finished(world, a_service("nginx")), WHOLE, world.tools)
    assert build.tags == ("shop-web:1.2.0", "shop-web:latest")
    assert set(build.tags) <= set(world.engine.images[build.image or ""].tags)


def test_tag_takes_the_recipes_templates(world: World) -> None:
    build = finished(world, a_service("nginx"))
    build = replace(build, recipe=replace(build.recipe, tags=("example.org/{service}:{major}",)))
    assert tag.run(build, WHOLE, world.tools).tags == ("example.org/web:1",)


def test_tag_refuses_a_template_that_makes_no_name_before_it_gives_any(world: World) -> None:
    build = finished(world, a_service("nginx"))
    build = replace(build, recipe=replace(build.recipe, tags=("{service}:{version}", "{nope}")))
    with pytest.raises(InputError, match="nope"):
        tag.run(build, WHOLE, world.tools)
    assert "tag" not in world.verbs()


def test_tag_needs_an_image(world: World) -> None:
    with pytest.raises(PipelineError, match="no image to tag"):
        tag.run(a_build(a_service("nginx")), WHOLE, world.tools)


# push


def test_push_pushes_every_name_and_reports_what_the_registry_confirmed(world: World) -> None:
    build = tag.run(finished(world, a_service("nginx")), WHOLE, world.tools)
    assert push.run(build, WHOLE, world.tools).note == "2 names"
    assert set(world.engine.registry) == set(build.tags)
    pushed = [event for event in world.emitted(Pushed) if isinstance(event, Pushed)]
    assert [event.tag for event in pushed] == list(build.tags)
    assert all(event.digest.startswith("sha256:") for event in pushed)
    assert Transfer(WHOLE.id, "layer", "Pushed", 1, 1) in world.events


def test_push_stops_at_the_first_name_that_is_refused(world: World) -> None:
    build = tag.run(finished(world, a_service("nginx")), WHOLE, world.tools)
    world.engine.fail("push", PushFailedError("denied"))
    with pytest.raises(PushFailedError, match="denied"):
        push.run(build, WHOLE, world.tools)
    assert world.verbs().count("push") == 1
    assert world.emitted(Pushed) == []
    assert world.emitted(NotPushed) == [NotPushed(build.tags[0], tried=True, reason="denied")]


def test_a_registry_that_fails_stops_no_other(world: World) -> None:
    templates = tuple(f"{place}/{{service}}:{tag}" for place in ("a.io", "b.io", "c.io") for tag in ("{version}", "x"))
    service = a_service("nginx")
    build = finished(world, service)
    build = tag.run(replace(build, recipe=a_build(service, tags=templates).recipe), WHOLE, world.tools)
    world.engine.fail("push", PushFailedError("a is down"))
    with pytest.raises(PushFailedError, match="a is down"):
        push.run(build, WHOLE, world.tools)
    pushed = [event.tag for event in world.emitted(Pushed) if isinstance(event, Pushed)]
    assert pushed == ["b.io/web:1.2.0", "b.io/web:x", "c.io/web:1.2.0", "c.io/web:x"]
    assert world.emitted(NotPushed) == [NotPushed("a.io/web:1.2.0", tried=True, reason="a is down")]

    world.engine.fail("push", PushFailedError("down"), times=2)
    with pytest.raises(SeveralServicesError) as caught:
        push.run(build, WHOLE, world.tools)
    assert caught.value.exit_code == EXIT_PUSH_FAILED
    assert [error.step for error in caught.value.errors] == [WHOLE.id] * 2


# by gitflow


def by_gitflow(
    world: World, branch: str, commit: str = "c0ffee", service: Service | None = None, **facts: Any
) -> Build:
    """As after the stage `tag`, on a branch of a repository at 1.2.0."""
    plan = release_plan(Situation("1.2.0", commit, Place(branch), source="https://example.org/shop.git", **facts))
    build = finished(world, service or a_service("nginx", config=ImageConfig(labels={"a": "b"})))
    world.records.save(build.keys[-1], build.image or ImageId(""))
    world.engine.tag(build.image or ImageId(""), "baseimage/cache:1")
    project = replace(build.project, version=plan.version, release=plan)
    return tag.run(replace(build, project=project), WHOLE, world.tools)


def labels_of(world: World, name: str) -> dict[str, str]:
    found = world.engine.find_image(name)
    assert found
    return {key.removeprefix(PREFIX): value for key, value in found.config.labels.items()}


def test_tag_follows_the_branch_and_says_in_labels_what_the_image_is_made_of(world: World) -> None:
    build = by_gitflow(world, "develop", count=4)
    assert build.tags == ("shop-web:1.2.0-dev.4", "shop-web:develop")
    assert labels_of(world, "shop-web:develop") == {
        "a": "b",
        "title": "shop.web",
        "revision": "c0ffee",
        "version": "1.2.0-dev.4",
        "source": "https://example.org/shop.git",
        "url": "https://example.org/shop.git",
        "ref.name": "1.2.0-dev.4",
        "base.name": "docker.io/library/debian:12",
    }


def test_what_was_built_stays_without_these_labels_so_that_no_key_changes_with_a_commit(world: World) -> None:
    build = by_gitflow(world, "develop")
    assert labels_of(world, build.image or "") == {"a": "b"}
    named = world.engine.find_image("shop-web:develop")
    assert named
    assert named.layers == world.engine.find_image(build.image or "").layers  # type: ignore[union-attr] # it is there


def test_a_recipe_may_say_title_and_source_but_not_the_commit(world: World) -> None:
    said = {f"{PREFIX}title": "Shop", f"{PREFIX}source": "here", f"{PREFIX}revision": "mine"}
    by_gitflow(world, "main", service=a_service("nginx", config=ImageConfig(labels=said)))
    found = labels_of(world, "shop-web:latest")
    assert (found["title"], found["source"], found["revision"]) == ("Shop", "here", "c0ffee")


def test_the_image_that_loses_a_moving_name_goes_with_it(world: World) -> None:
    by_gitflow(world, "develop", count=0)
    before = world.engine.find_image("shop-web:develop")
    world.engine.remove_image("shop-web:1.2.0-dev.0")
    by_gitflow(world, "develop", "decaf", count=1)
    assert before
    assert before.id not in world.engine.images
    assert labels_of(world, "shop-web:develop")["revision"] == "decaf"


def test_a_branch_without_a_name_is_tagged_and_pushed_as_nothing(world: World) -> None:
    plan = release_plan(Situation("1.2.0", "c0ffee", Place("feature/x")))
    build = finished(world, a_service("nginx"))
    build = replace(
        build,
        project=replace(build.project, version=plan.version, release=plan),
        recipe=replace(build.recipe, tags=("{service}:stable",)),
    )
    build = tag.run(build, WHOLE, world.tools)
    assert (build.tags, build.note) == ((), "no name on this branch")
    assert push.run(build, WHOLE, world.tools).note == "nothing to push on this branch"
    assert "push" not in world.verbs()


def test_a_release_is_looked_up_and_then_pushed_with_all_that_moves(world: World) -> None:
    build = by_gitflow(world, "main")
    assert push.run(build, WHOLE, world.tools).note == "4 names"
    asked = [call for call in world.engine.calls if call.startswith(("published", "push "))]
    assert asked == [
        "published shop-web:1.2.0",
        "push shop-web:1.2.0",
        "push shop-web:1.2",
        "push shop-web:1",
        "push shop-web:latest",
    ]


def test_the_same_release_again_is_a_success_that_pushes_only_what_moves(world: World) -> None:
    first = by_gitflow(world, "main")
    push.run(first, WHOLE, world.tools)
    world.engine.calls.clear()
    world.events.clear()
    again = by_gitflow(world, "main")  # built again, so its bytes differ
    mine = world.engine.find_image("shop-web:1.2.0")
    assert push.run(again, WHOLE, world.tools).note == "3 names, 1 there already"
    pushed = [event for event in world.emitted(Pushed) if isinstance(event, Pushed)]
    assert [(event.tag, event.already) for event in pushed] == [
        ("shop-web:1.2.0", True),
        ("shop-web:1.2", False),
        ("shop-web:1", False),
        ("shop-web:latest", False),
    ]
    assert len({event.digest for event in pushed}) == 1, "what moves is the very image that was published"
    assert "push shop-web:1.2.0" not in world.engine.calls
    assert mine
    assert mine.id not in world.engine.images


def test_a_release_of_nothing_but_its_version_has_nothing_to_push_again(world: World) -> None:
    build = by_gitflow(world, "main", released=("2.0.0", "1.3.0", "1.2.1"))
    push.run(build, WHOLE, world.tools)
    assert push.run(build, WHOLE, world.tools).note == "nothing to push: the registry has it already"


@pytest.mark.parametrize(("theirs", "shown"), [("decaf", "decaf"), ("", "(it does not say)")])
def test_a_version_of_another_commit_is_refused_with_both_and_nothing_is_pushed(
    world: World, theirs: str, shown: str
) -> None:
    labels = {f"{PREFIX}revision": theirs} if theirs else {}
    other = world.engine.add_image("other:1", ImageConfig(labels=labels))
    world.engine.registry["shop-web:1.2.0"] = world.engine.images[other]
    build = by_gitflow(world, "main")
    with pytest.raises(PushFailedError, match=r"shop-web:1\.2\.0 is published already") as caught:
        push.run(build, WHOLE, world.tools)
    assert shown in caught.value.message
    assert "this is commit c0ffee" in caught.value.message
    assert "push" not in world.verbs()
    assert labels_of(world, "shop-web:1.2.0")["revision"] == "c0ffee"


def test_a_registry_that_cannot_be_asked_gets_no_release(world: World) -> None:
    build = by_gitflow(world, "main")
    world.engine.fail("published", PushFailedError("looking up shop-web:1.2.0: 500"))
    with pytest.raises(PushFailedError, match="looking up"):
        push.run(build, WHOLE, world.tools)
    assert "push" not in world.verbs()


def test_every_registry_is_asked_for_a_release_and_each_that_refuses_is_told(world: World) -> None:
    places = ("a.io", "b.io", "c.io")
    service = a_service("nginx")
    build = by_gitflow(world, "main", service=service)
    templates = tuple(f"{place}/{{service}}:{{version}}" for place in places)
    build = tag.run(replace(build, recipe=a_build(service, tags=templates).recipe), WHOLE, world.tools)
    other = world.engine.add_image("other:1", ImageConfig(labels={f"{PREFIX}revision": "decaf"}))
    world.engine.registry["b.io/web:1.2.0"] = world.engine.images[other]
    world.engine.fail("published", PushFailedError("a.io is down"))
    world.events.clear()
    with pytest.raises(SeveralServicesError) as caught:
        push.run(build, WHOLE, world.tools)
    assert caught.value.exit_code == EXIT_PUSH_FAILED
    told = [event for event in world.emitted(NotPushed) if isinstance(event, NotPushed)]
    assert [(event.tag, event.tried) for event in told] == [("a.io/web:1.2.0", True), ("b.io/web:1.2.0", True)]
    assert told[0].reason == "a.io is down"
    assert "of commit decaf" in told[1].reason
    assert "published c.io/web:1.2.0" in world.engine.calls
    assert "push" not in world.verbs()


@pytest.mark.parametrize("branch", ["develop", "release/1.2.0", "feature/x"])
def test_only_releases_are_looked_up(world: World, branch: str) -> None:
    push.run(by_gitflow(world, branch), WHOLE, world.tools)
    assert "published" not in world.verbs()


def test_a_dirty_tree_is_not_published_as_a_release(world: World) -> None:
    build = by_gitflow(world, "main", dirty=True)
    assert build.tags == ("shop-web:1.2.0-dirty",)
    assert labels_of(world, build.tags[0])["revision"] == "c0ffee-dirty"


# attest


@dataclass
class FakeAttester:
    """Notes what it was asked to look at."""

    asked: list[object] = field(default_factory=list)

    def attest(self, build: Build, engine: Engine, emit: Sink) -> str:
        self.asked += [build, engine, emit]
        return "attached: nothing"


def test_what_was_pushed_is_attested_and_stays_as_it_is(world: World) -> None:
    attester, build = FakeAttester(), a_build(a_service())
    entry = attesting(attester)
    assert entry.after_all
    step = Step("attest", "web")
    assert entry.run(build, step, world.tools) == replace(build, note="attached: nothing")
    assert attester.asked[:2] == [build, world.engine]


# all of them


def test_every_module_of_stages_is_in_the_catalogue_and_says_what_it_is_for() -> None:
    folder = Path(base.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    entries = (*CATALOGUE, attesting(FakeAttester()))
    assert {entry.name for entry in entries} == modules
    for entry in entries:
        assert entry.run.__module__ == f"stages.{entry.name}"
        assert entry.run.__doc__


def test_no_stage_changes_the_state_that_it_is_given(world: World) -> None:
    build = replace(a_build(a_service("nginx")), project=Project("shop", "1.2.0"))
    for entry in CATALOGUE:
        before, text = build, repr(build)
        build = entry.run(build, ROLE if entry.per_role else WHOLE, world.tools)
        assert repr(before) == text, entry.name
        with pytest.raises(FrozenInstanceError):
            build.note = "x"  # type: ignore[misc]
    assert build.tags
    for undo in world.undo:
        undo()
    assert world.engine.containers == {}
