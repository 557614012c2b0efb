"""A recipe as a Compose file."""

from __future__ import annotations

import pytest

from pipeline.compose_document import ComposeFile, Place, compose_file, compose_name
from pipeline.errors import InputError, UsageError
from pipeline.project import Project
from pipeline.recipe import parse_recipe
from pipeline.yaml_source import JsonValue

PROJECT = Project("shop", "1.2.0")
HERE = Place("/home/me", "/srv/shop")


def made(text: str, *names: str, production: bool = False, place: Place | None = None) -> ComposeFile:
    recipe = parse_recipe(f'version: "2"\n{text}', "r.yml").recipe
    return compose_file(recipe, PROJECT, names, production=production, place=place)


def services(text: str, *names: str) -> list[str]:
    return list(made(text, *names).images)


def web(keys: str, *, top: str = "", place: Place | None = None) -> dict[str, JsonValue]:
    found = made(f"services:\n  web: {{from: debian:12, {keys}}}\n{top}", place=place).document["services"]
    assert isinstance(found, dict)
    service = found["web"]
    assert isinstance(service, dict)
    return service


def test_a_service_has_its_image_and_what_the_image_does_not_say() -> None:
    assert web('command: x, environment: {A: "1"}, ports: ["80:80"], mem_limit: 1g, stop_signal: INT') == {
        "image": "shop-web:1.2.0",
        "ports": ["80:80"],
        "mem_limit": "1g",
    }


def test_there_is_no_version_and_no_name_which_not_every_compose_takes() -> None:
    assert list(made("services: {web: {from: debian:12}}").document) == ["services"]


BASED = """
services:
  base: {from: debian:12}
  web: {from: base, ports: ["80"], depends_on: [db]}
  db: {from: base}
  tool: {from: base}
"""


def test_a_service_that_others_are_built_on_does_not_run() -> None:
    assert services(BASED) == ["web", "db", "tool"]


@pytest.mark.parametrize("keys", ["command: x", "ports: ['80']", "entrypoint: x", "dev_overrides: {command: x}"])
def test_unless_something_says_that_it_does(keys: str) -> None:
    assert "base" in services(BASED.replace("base: {from: debian:12}", f"base: {{from: debian:12, {keys}}}"))
    assert "base" in services(BASED.replace("depends_on: [db]", "depends_on: [base]"))


def test_a_named_service_brings_those_that_it_depends_on() -> None:
    assert services(BASED, "web") == ["web", "db"]
    assert services(BASED, "base") == ["base"]


def test_a_service_that_is_not_there_is_a_mistake_with_its_place() -> None:
    with pytest.raises(InputError) as raised:
        made("services:\n  web: {from: debian:12, depends_on: [db], links: [cache]}")
    assert [str(problem) for problem in raised.value.problems] == [
        "r.yml:3:1: services.web.depends_on: the recipe has no service 'db'",
        "r.yml:3:1: services.web.links: the recipe has no service 'cache'",
    ]
    with pytest.raises(UsageError, match="no service nope"):
        made("services: {web: {from: debian:12}}", "nope")


VOLUMES = [
    ("~/src:/src", "~/src:/src", "/home/me/src:/src"),
    ("$PWD/src:/src", "$PWD/src:/src", "/srv/shop/src:/src"),
    ("${HOME}/a:/a:ro", "${HOME}/a:/a:ro", "/home/me/a:/a:ro"),
    ("/a$b:/c", "/a$$b:/c", "/a$$b:/c"),
    ("/$PWDX:/c", "/$$PWDX:/c", "/$$PWDX:/c"),
    ("data:/data", "data:/data", "data:/data"),
    ("/data", "/data", "/data"),
    ("./x:/x", "./x:/x", "./x:/x"),
]


@pytest.mark.parametrize(("written", "printed", "run"), VOLUMES)
def test_the_hosts_side_of_a_volume_is_filled_in_when_it_is_run(written: str, printed: str, run: str) -> None:
    assert web(f"volumes: ['{written}']")["volumes"] == [printed]
    assert web(f"volumes: ['{written}']", place=HERE)["volumes"] == [run]


def test_a_dollar_is_no_variable_of_compose() -> None:
    assert web("dev_overrides: {command: 'echo $HOME', environment: {A: $x}}") == {
        "image": "shop-web:1.2.0",
        "command": "echo $$HOME",
        "environment": {"A": "$$x"},
    }


TOP = """
services:
  web: {from: debian:12, volumes: ["data:/d", "more:/m", "/bare", "./here:/h"], networks: [front, default]}
volumes:
  data: {docker: {driver: local, driver_opts: {type: tmpfs}}, k8s: {x: 1}}
  unused: {external: true}
networks:
  back: {internal: true}
"""


def test_volumes_and_networks_that_are_used_are_declared() -> None:
    document = made(TOP).document
    assert document["volumes"] == {
        "data": {"driver": "local", "driver_opts": {"type": "tmpfs"}},
        "unused": {"external": True},
        "more": {},
    }
    assert document["networks"] == {"back": {"internal": True}, "front": {}}


def test_a_volume_driver_is_that_of_the_volumes_which_are_not_declared() -> None:
    text = TOP.replace("web: {", "web: {volume_driver: nfs, ")
    assert made(text).document["volumes"] == {
        "data": {"driver": "local", "driver_opts": {"type": "tmpfs"}},
        "unused": {"external": True},
        "more": {"driver": "nfs"},
    }


def test_secrets_of_a_vault_become_files_and_that_is_said() -> None:
    found = made(
        "services: {web: {from: debian:12, secrets: {db: {docker: [db_pw]}}}}\n"
        "secrets: {db: {pw: vault_pw}, token: {file: ./token}}"
    )
    assert found.document["secrets"] == {"db_pw": {"file": "./secrets/db_pw"}, "token": {"file": "./token"}}
    assert found.notes == ("secrets.db.pw: vaults are not read; the value has to be in the file secrets/db_pw",)


@pytest.mark.parametrize(("name", "expected"), [("Shop", "shop"), ("a.b", "a-b"), ("x_1-y", "x_1-y")])
def test_a_project_has_a_name_that_compose_takes(name: str, expected: str) -> None:
    assert compose_name(name) == expected
