"""A role's meta/container.yml: what it says about the image, and who has the last word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.image_config import ImageConfig
from pipeline.player import PlayResult
from pipeline.recipe import BaseImage, RoleUse, Service
from pipeline.role_finder import RoleFinder
from pipeline.role_meta import RoleMeta, parse_role_meta, role_variables
from pipeline.role_sources import described
from pipeline.runner import Rules, run
from pipeline.sources import role_entries
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, World, a_build, a_service

META = """
from: centos:7
ports: ["{{ port }}:80"]
command: [nginx, -g, "daemon off;"]
environment: {RATE: 1.10, WHO: "{{ who }}"}
user: 1000
cap_add: [NET_ADMIN]
docker: {}
dev_overrides: {}
"""


def test_keys_of_a_service_are_read_and_templates_know_the_variables() -> None:
    assert parse_role_meta(META, "container.yml", {"port": 8080, "who": "me"}) == RoleMeta(
        ImageConfig(
            command=("nginx", "-g", "daemon off;"),
            exposed=("80/tcp",),
            environment={"RATE": "1.10", "WHO": "me"},
            user="1000",
        ),
        {"cap_add": ["NET_ADMIN"]},
    )


def test_an_empty_file_says_nothing() -> None:
    assert parse_role_meta("---\n", "container.yml", {}) == RoleMeta()


def test_a_whole_service_in_it_is_an_example_and_read_over() -> None:
    text = "some_service:\n  image: base:latest\n  command: [/docker-entrypoint]\nuser: app\n"
    assert parse_role_meta(text, "container.yml", {}) == RoleMeta(ImageConfig(user="app"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("usr: x", "container.yml:1:1: usr", "unknown key"),
        ("user:", "container.yml:1:1: user", "has no value"),
        ("a: [", "container.yml:1:5", "this is not valid YAML"),
        ("- user", "container.yml:1:1", "must be a map, is a list"),
        ("user: '{{ port }}'", "container.yml:1:1: user", "the variable port is not defined"),
        ("user: a\nuser: b", "container.yml:2:1: user", "this key stands on line 1 already"),
    ],
)
def test_a_mistake_has_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_role_meta(text, "container.yml", {})
    (problem,) = caught.value.problems
    assert str(problem).startswith(place)
    assert message in problem.message


def test_parameters_win_over_variables_and_these_over_defaults() -> None:
    defaults = 'a: 1\nb: 1\nc: 1\nd: "{{ c }}"\nlater: "{{ ansible_host }}"\n'
    found = role_variables(defaults, "defaults.yml", {"b": 2, "c": 2}, {"c": 3})
    assert found == {"a": 1, "b": 2, "c": 3, "d": 3}


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RoleFinder:
    monkeypatch.chdir(tmp_path)
    for role in ("nginx", "common"):
        for part in ("tasks", "meta", "defaults"):
            (tmp_path / "roles" / role / part).mkdir(parents=True)
    write("nginx/meta/container.yml", "user: '{{ who }}'\nports: [80]\ncap_add: [A]\nrestart: always\n")
    write("nginx/meta/main.yml", "dependencies: [common]\n")
    write("nginx/defaults/main.yml", "who: default\n")
    write("common/meta/container.yml", "user: common\nstop_signal: QUIT\n")
    return RoleFinder(tmp_path / "recipe.yml", tmp_path)


def write(name: str, text: str) -> None:
    Path("roles", name).write_text(text, encoding="utf-8")


def service(role: RoleUse, **keys: str) -> Service:
    return Service("web", BaseImage("debian"), (role,), variables=dict(keys), runtime={"restart": "no"})


def test_what_the_roles_say_is_joined_and_the_recipe_has_the_last_word_at_run_time(finder: RoleFinder) -> None:
    found = described(service(RoleUse("nginx")), finder)
    assert found.role_config == ImageConfig(user="default", exposed=("80/tcp",), stop_signal="SIGQUIT")
    assert found.runtime == {"cap_add": ["A"], "restart": "no"}
    assert described(service(RoleUse("nginx"), who="variable"), finder).role_config.user == "variable"
    assert described(service(RoleUse("nginx", {"who": "parameter"}), who="x"), finder).role_config.user == "parameter"


def test_mistakes_of_all_roles_are_told_together(finder: RoleFinder) -> None:
    write("nginx/meta/container.yml", "usr: x\n")
    both = replace(service(RoleUse("nginx")), roles=(RoleUse("nginx"), RoleUse("nope", line=7)))
    with pytest.raises(InputError) as caught:
        described(both, finder)
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [
        ("roles/nginx/meta/container.yml", 1),
        ("recipe.yml", 7),
    ]


def test_the_file_is_no_part_of_what_a_layer_is_made_of(finder: RoleFinder) -> None:
    before = role_entries(finder.find(RoleUse("nginx")))
    write("nginx/meta/container.yml", "user: other\n")
    assert role_entries(finder.find(RoleUse("nginx"))) == before
    assert "nginx/meta/main.yml" in {entry.path for entry in before}


def finished(world: World, built: Service) -> ImageConfig:
    catalogue = tuple(entry for entry in CATALOGUE if entry.name not in ("share", "push"))
    (done,) = run((a_build(built),), world.tools, catalogue, FakeClock(), Rules())
    return world.engine.images[done.image or ""].config


def test_the_recipe_wins_over_what_a_role_says_when_played_this_over_its_file_and_this_over_the_base() -> None:
    world = World()
    world.player.results["nginx"] = PlayResult(config=ImageConfig(user="played", environment={"B": "played"}))
    meta = ImageConfig(user="meta", working_dir="/meta", stop_signal="SIGQUIT", environment={"A": "meta", "B": "meta"})
    built = replace(a_service("nginx", config=ImageConfig(stop_signal="SIGINT")), role_config=meta)
    config = finished(world, built)
    assert (config.user, config.working_dir, config.stop_signal) == ("played", "/meta", "SIGINT")
    assert config.environment == {"PATH": "/bin", "A": "meta", "B": "played"}
    assert config.command == ("sleep", "1")


def test_a_change_of_the_file_plays_no_role() -> None:
    world = World()
    finished(world, a_service("nginx"))
    world.engine.calls.clear()
    assert finished(world, replace(a_service("nginx"), role_config=ImageConfig(user="www"))).user == "www"
    assert world.verbs() == ["configure", "save", "tag", "tag"]
