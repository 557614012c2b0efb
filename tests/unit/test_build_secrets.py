"""Build secrets in a recipe, in a layer's key, in a plan, and before anything is built."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engine import ContainerId
from pipeline.errors import InputError, Problem
from pipeline.layer_inputs import inputs_of_role
from pipeline.plan_secrets import PlannedSecret, lines, planned_secrets, refuse_before
from pipeline.plan_view import planned
from pipeline.provenance import PlayedRole
from pipeline.recipe import BuiltService, ConductorSettings, Recipe, RoleUse, Service, parse_recipe
from pipeline.recipe_model import SecretNeed
from pipeline.role_finder import RoleFinder
from pipeline.runner import Rules, run
from pipeline.secret_needs import refuse_missing, wanted
from pipeline.secret_values import SecretValues
from pipeline.stage import Tools
from stages import CATALOGUE, base, provision
from tests.unit.fakes import FakeClock, World, a_build, a_service
from tests.unit.test_stages import ROLE, WHOLE, targeted

TOKEN = b"npm_5Rk2q-Tz81w"
VALUES = SecretValues({"npm_token": TOKEN, "key": b"-----KEY-----\n"})
NEEDS = (SecretNeed("npm_token", line=7), SecretNeed("key", "/root/.ssh/id", 0o600, 8))
CONDUCTOR, TARGET = ContainerId("conductor"), ContainerId("target")


# --- in a recipe


def roles_of(service: str) -> tuple[RoleUse, ...]:
    head = 'version: "2"\nservices:\n  web:\n    from: debian:12\n'
    return parse_recipe(head + service, "r.yml").recipe.services[0].roles


def test_a_role_has_its_own_secrets_and_those_of_its_service() -> None:
    plain, own, tasks = roles_of(
        """\
    build_secrets: [npm_token, {id: rc, target: /root/.npmrc}]
    roles:
      - plain
      - role: own
        build_secrets:
          - {id: rc, target: /etc/npmrc, mode: "0444"}
          - deploy-key
      - tasks: [{debug: {}}]
        build_secrets: ["{{ 'pip' ~ '_conf' }}"]
"""
    )
    of_all = (SecretNeed("npm_token", line=5), SecretNeed("rc", "/root/.npmrc", 0o400, 5))
    assert plain.secrets == of_all
    assert own.secrets == (of_all[0], SecretNeed("rc", "/etc/npmrc", 0o444, 10), SecretNeed("deploy-key", line=11))
    assert tasks.secrets == (*of_all, SecretNeed("pip_conf", line=13))
    assert own.parameters == {}


def mistake(service: str) -> Problem:
    with pytest.raises(InputError) as caught:
        roles_of(service)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("service", "line", "message"),
    [
        ("    build_secrets: npm_token\n", 5, "must be a list"),
        ("    build_secrets: [a b]\n", 5, "must begin with a letter or digit"),
        ("    build_secrets: [1]\n", 5, "must be the id of a build secret, or a map with id and target"),
        ("    build_secrets:\n      - {id: a}\n", 6, "is missing"),
        ("    build_secrets:\n      - {id: a, target: b}\n", 6, "must be an absolute path"),
        ("    build_secrets:\n      - {id: a, target: /b, mode: '0999'}\n", 6, "must be the mode of a file"),
        ("    build_secrets:\n      - {id: a, target: /b, owner: me}\n", 6, "unknown key"),
        ("    build_secrets: [a, {id: a, target: /a}]\n", 5, "a is named twice"),
        ("    roles:\n      - role: x\n        build_secrets: [a, b, a]\n", 7, "a is named twice"),
        ("    vars:\n      build_secrets: 1\n", 6, "is the variable by which roles find their build secrets"),
        ("    build_secrets: ['{{ nobody_knows }}']\n", 5, "nobody_knows"),
    ],
)
def test_a_mistake_has_a_place_and_says_what_is_expected(service: str, line: int, message: str) -> None:
    problem = mistake(service)
    assert message in problem.message
    assert problem.line == line


def test_an_unknown_key_of_a_secret_is_told_with_those_that_are_known() -> None:
    assert mistake("    build_secrets:\n      - {id: a, target: /b, mod: '0400'}\n").hint == "did you mean mode?"


def test_secrets_of_run_time_are_something_else() -> None:
    services = {"web": {"from": "debian", "secrets": {"a": {"docker": {}}}, "roles": ["x"]}}
    text = json.dumps({"version": "2", "secrets": {"a": {"file": {"x": "y"}}}, "services": services})
    (service,) = parse_recipe(text, "r.yml").recipe.services
    assert service.roles[0].secrets == ()
    assert "secrets" in service.runtime


# --- as inputs of a layer


def test_names_places_and_modes_are_inputs_of_a_layer_and_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "roles/app/tasks").mkdir(parents=True)
    recipe = Recipe("r.yml", None, ConductorSettings(), ())
    finder = RoleFinder(tmp_path / "r.yml", tmp_path)

    def inputs(*secrets: SecretNeed) -> dict[str, str]:
        role = RoleUse("app", secrets=secrets)
        return inputs_of_role(role, Service("web", BuiltService("x"), (role,)), recipe, finder, "c").digests

    first = inputs(*NEEDS)
    assert "setting build secrets" in first
    assert inputs(*(replace(each, line=99) for each in NEEDS)) == first
    assert "setting build secrets" not in inputs()
    for other in (NEEDS[:1], (NEEDS[0], replace(NEEDS[1], target="/x")), (NEEDS[0], replace(NEEDS[1], mode=0o444))):
        assert inputs(*other) != first


def test_provenance_names_ids() -> None:
    told = PlayedRole("app", ("b", "a"), secrets=("npm_token", "key")).as_parameter()
    assert told == {"role": "app", "parameters": ["a", "b"], "secrets": ["key", "npm_token"]}
    assert "secrets" not in PlayedRole("app").as_parameter()


# --- before anything is built


def service_with(*secrets: SecretNeed, name: str = "web") -> Service:
    return a_service("first", RoleUse("app", secrets=secrets), name=name)


def given(world: World, *secrets: str) -> Tools:
    return replace(world.tools, secrets=frozenset(secrets))


def build_all(world: World, *services: Service) -> None:
    builds = tuple(a_build(service, *(each for each in services if each is not service)) for service in services)
    run(builds, world.tools, CATALOGUE[:-2], FakeClock(), Rules())


def test_what_is_missing_is_told_with_its_line_all_at_once() -> None:
    needs = wanted(service_with(*NEEDS), World().records.unbuilt(a_build(service_with(*NEEDS)), "c"))
    with pytest.raises(InputError) as caught:
        refuse_missing("recipes/a.yml", needs, ["other"])
    assert [(each.place, each.path) for each in caught.value.problems] == [
        ("recipes/a.yml:7:1", "services.web"),
        ("recipes/a.yml:8:1", "services.web"),
    ]
    assert caught.value.problems[0].message == (
        "the build secret npm_token is not given, and the role app is to be played with it"
    )
    assert caught.value.problems[0].hint == "--secret id=npm_token,src=FILE, or ,env=VARIABLE (given are: other)"
    refuse_missing("recipes/a.yml", needs, ["npm_token", "key"])


def test_the_stage_base_wants_the_secrets_of_roles_that_are_to_be_played() -> None:
    world = World()
    build = a_build(service_with(*NEEDS))
    with pytest.raises(InputError, match="key is not given"):
        base.run(build, WHOLE, given(world, "npm_token"))
    base.run(build, WHOLE, given(world, "npm_token", "key"))
    base.run(build, WHOLE, world.tools)  # tag and push play nothing, and have no such option


def test_it_wants_none_for_layers_that_are_there() -> None:
    world = World()
    build_all(world, service_with(*NEEDS))
    base.run(a_build(service_with(*NEEDS)), WHOLE, given(world))


def test_a_build_stops_before_it_begins_where_it_is_certain_that_one_is_missing() -> None:
    world = World()
    low, high = a_service("first", name="low"), replace(service_with(*NEEDS, name="high"), base=BuiltService("low"))
    builds = (a_build(low, high), a_build(high, low))
    refuse_before(builds, given(world))  # nobody knows what is there before the base is
    build_all(world, low, high)
    refuse_before(builds, given(world))
    changed = replace(low, roles=(RoleUse("first", {"port": 1}),))
    again = (a_build(changed, high), a_build(high, changed))
    before = list(world.engine.calls)
    with pytest.raises(InputError, match="npm_token is not given"):
        refuse_before(again, given(world))
    assert world.engine.calls == before
    refuse_before(again, given(world, "npm_token", "key"))
    refuse_before(again, world.tools)


def test_a_plan_shows_what_is_needed_once_for_all_who_need_it() -> None:
    world, service = World(), service_with(*NEEDS)
    (plan,) = planned((a_build(service),), world.tools)
    secrets = planned_secrets(service, plan, ["key"])
    assert [(each.wanted.secret.id, each.needed, each.given) for each in secrets] == [
        ("npm_token", True, False),
        ("key", True, True),
    ]
    assert secrets[1].to_json() == {"id": "key", "role": "app", "line": 8, "needed": True, "given": True}
    other = PlannedSecret(replace(secrets[0].wanted, role="tail"), needed=True, given=False)
    unneeded = replace(other, needed=False, wanted=replace(other.wanted, role="cached"))
    assert lines((*secrets, other, unneeded))[2:] == (
        "  npm_token  not given, for role app of web, role tail of web",
        "  key  given, for role app of web",
    )
    build_all(world, service)
    (plan,) = planned((a_build(service),), world.tools)
    assert lines(planned_secrets(service, plan, [])) == ()


def test_provision_says_which_secrets_a_role_may_see() -> None:
    world = World()
    service = a_service(RoleUse("nginx", secrets=NEEDS))
    provision.run(targeted(world, service), ROLE, world.tools)
    assert world.player.plays[0].secrets == NEEDS
