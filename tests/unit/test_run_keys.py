"""Run-time keys of a service in the words of Compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.recipe import parse_recipe
from pipeline.recipe_model import Service
from pipeline.recipe_runtime import RUNTIME_KEYS
from pipeline.recipe_schema import ContainerKeys
from pipeline.run_keys import SAME, references, run_keys
from pipeline.yaml_source import JsonValue


def service(keys: str, top: str = "") -> Service:
    text = f'version: "2"\n{top}\nservices:\n  web:\n    from: debian:12\n'
    return parse_recipe(text + "".join(f"    {line}\n" for line in keys.splitlines()), "r.yml").recipe.services[0]


def keys_of(keys: str, *, production: bool = False) -> dict[str, JsonValue]:
    return run_keys(service(keys), {}, production=production).keys


TRANSLATED: list[tuple[str, dict[str, JsonValue]]] = [
    ("mem_limit: 512m", {"mem_limit": "512m"}),
    ("mem_swappiness: '60'", {"mem_swappiness": 60}),
    ("stop_grace_period: 10", {"stop_grace_period": "10s"}),
    ("stop_grace_period: 1m30s", {"stop_grace_period": "90s"}),
    ("stop_grace_period: 1.5", {"stop_grace_period": "1500ms"}),
    ("log_opt: {max-size: 10m, max-file: 3}", {"logging": {"options": {"max-size": "10m", "max-file": "3"}}}),
    (
        "logging: {driver: json-file, options: {max-file: '2'}}\nlog_opt: {max-file: 3}",
        {"logging": {"driver": "json-file", "options": {"max-file": "3"}}},
    ),
    ("restart: 'no'", {"restart": "no"}),
    ("restart: no", {"restart": "no"}),
    ("hostname: 42", {"hostname": "42"}),
    ("cpuset: 0,1", {"cpuset": "0,1"}),
    ("tmpfs: /run", {"tmpfs": "/run"}),
    ("ports: [8000, '22:22']", {"ports": ["8000", "22:22"]}),
    ("depends_on: [db]", {"depends_on": ["db"]}),
    ("depends_on: {db: {condition: service_healthy}}", {"depends_on": {"db": {"condition": "service_healthy"}}}),
    ("environment: {A: 1}\ncommand: x\nuser: app", {}),  # the image has them
    ("volumes: ['$HOME/x:/x', /data]", {"volumes": ["$HOME/x:/x", "/data"]}),
]


@pytest.mark.parametrize(("written", "expected"), TRANSLATED, ids=[written for written, _ in TRANSLATED])
def test_a_key_is_what_compose_calls_it(written: str, expected: dict[str, JsonValue]) -> None:
    assert keys_of(written) == expected


def test_every_run_time_key_has_a_meaning() -> None:
    translated = {"log_opt", "volume_driver"}
    assert translated == RUNTIME_KEYS - SAME
    assert translated | {"onbuild", "shell"} == ContainerKeys.model_fields.keys() - SAME


OVERRIDDEN = """\
ports: ["80:80"]
environment: {A: "1"}
mem_limit: 1g
dev_overrides:
  ports: ["8080:80"]
  environment: {DEBUG: yes, LEVEL: 2}
  command: serve --reload
  healthcheck: {interval: 30, test: "true"}
"""


def test_dev_overrides_replace_whole_keys() -> None:
    assert keys_of(OVERRIDDEN) == {
        "ports": ["8080:80"],
        "mem_limit": "1g",
        "environment": {"DEBUG": "yes", "LEVEL": "2"},
        "command": "serve --reload",
        "healthcheck": {"interval": "30s", "test": "true"},
    }


def test_production_is_without_dev_overrides() -> None:
    assert keys_of(OVERRIDDEN, production=True) == {"ports": ["80:80"], "mem_limit": "1g"}


def test_what_is_for_a_dockerfile_is_said_to_have_no_meaning() -> None:
    found = run_keys(service("dev_overrides: {onbuild: ['RUN x'], user: app}"), {}, production=False)
    assert found.keys == {"user": "app"}
    assert found.notes == ("services.web.dev_overrides.onbuild: is for a Dockerfile, and no part of a container",)


SECRETS: list[tuple[str, JsonValue]] = [
    ("{db: {docker: [db_password]}}", ["db_password"]),
    ("{db: {docker: [password]}}", ["db_password"]),
    (
        "{db: {docker: [{source: password, target: pw, mode: 256}]}}",
        [{"source": "db_password", "target": "pw", "mode": 256}],
    ),
    ("{db: {}}", ["db_password", "db_user"]),
    ("{db: {k8s: []}}", []),
    ("{db: {k8s: [], docker: [user]}}", ["db_user"]),
    ("{token: {}}", ["token"]),
    ("{token: {target: /t}}", [{"target": "/t", "source": "token"}]),
]


@pytest.mark.parametrize(("written", "expected"), SECRETS, ids=[written for written, _ in SECRETS])
def test_secrets_are_a_list_of_names_in_compose(written: str, expected: JsonValue) -> None:
    top = "secrets:\n  db: {password: vault_pw, user: vault_user}\n  token: {file: ./token.txt}"
    declared: dict[str, JsonValue] = {"db": {"password": "v", "user": "v"}, "token": {"file": "./token.txt"}}
    made = service(f"secrets: {written}", top)
    assert run_keys(made, declared, production=False).keys["secrets"] == expected


def test_the_services_that_a_service_needs_are_found_by_key() -> None:
    keys = keys_of(
        "depends_on: {db: {}}\nlinks: ['cache:c']\nvolumes_from: [data, 'container:x']\nnetwork_mode: 'service:vpn'"
    )
    expected = {"depends_on": ("db",), "links": ("cache",), "volumes_from": ("data",), "network_mode": ("vpn",)}
    assert references(keys) == expected
    assert references({"network_mode": "host"}) == {}


def test_the_recipe_that_compose_is_shown_has_every_key() -> None:
    text = (Path(__file__).parents[1] / "recipes/runtime.yml").read_text(encoding="utf-8")
    web = next(each for each in parse_recipe(text, "runtime.yml").recipe.services if each.name == "web")
    assert web.runtime.keys() == RUNTIME_KEYS - {"network_mode"} | {"ports", "volumes"}
    assert web.dev_overrides.keys() | web.runtime.keys() | {"onbuild", "shell"} >= ContainerKeys.model_fields.keys() - {
        "network_mode"
    }
