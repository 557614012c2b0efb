"""The JSON Schema of a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli.main import cli
from pipeline.errors import InputError
from pipeline.recipe import parse_recipe
from pipeline.recipe_json_schema import recipe_schema

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(recipe_schema())
SHA = "0123456789abcdef" * 4


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = recipe_schema()["$defs"][name]
    return found


def test_the_schema_is_plain_json_and_the_same_every_time() -> None:
    assert json.loads(json.dumps(recipe_schema())) == recipe_schema()


def test_the_schema_asks_for_a_version_and_services_and_refuses_unknown_keys() -> None:
    schema = recipe_schema()
    assert schema["required"] == ["version", "services"]
    assert schema["properties"]["version"]["enum"] == ["2", 2]
    assert schema["additionalProperties"] is False
    assert "^x-" in schema["patternProperties"]


def test_a_service_is_described_by_its_keys_as_they_are_written() -> None:
    service = definition("ServiceKeys")
    assert service["anyOf"] == [{"required": ["from"]}, {"required": ["containers"]}]
    assert {"roles", "vars", "command", "healthcheck", "verify"} <= service["properties"].keys()
    assert "base" not in service["properties"]


@pytest.mark.parametrize(("model", "key"), [("ServiceKeys", "container_name"), ("SettingsKeys", "k8s_auth")])
def test_a_key_that_is_read_over_is_marked_as_deprecated(model: str, key: str) -> None:
    assert definition(model)["properties"][key]["deprecated"] is True


def test_numbers_and_booleans_may_stand_for_texts_in_an_environment() -> None:
    assert json.dumps(["string", "number", "boolean"]) in json.dumps(
        definition("ServiceKeys")["properties"]["environment"]
    )


def test_any_key_of_a_role_may_be_a_parameter() -> None:
    assert definition("RoleKeys")["additionalProperties"] is True


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(recipe_schema())


def test_the_schema_in_the_docs_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(cli, ["schema"])
    assert printed.exit_code == 0
    kept = (ROOT / "docs/recipe.schema.json").read_text(encoding="utf-8")
    assert kept == printed.output, "write it again: python -m pipeline schema > docs/recipe.schema.json"


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yml")), ids=lambda path: path.name)
def test_a_shipped_recipe_is_valid_and_names_the_schema_to_editors(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=../docs/recipe.schema.json"
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests/recipes").glob("*.yml")), ids=lambda path: path.name)
def test_a_recipe_of_the_tests_is_valid(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


def of_service(keys: str) -> str:
    return f'version: "2"\ndefaults: {{t: debian, n: 5, on_: true}}\nservices: {{web: {{{keys}}}, db: {{from: x}}}}\n'


GOOD = [
    of_service(keys)
    for keys in (
        "from: debian",
        "from: db",
        "from: {service: db}",
        "from: {image: debian}",
        "from: {bootstrap: trixie, path_excludes: []}",
        f"from: {{rootfs: a.tar, sha256: {SHA}}}",
        'from: "{{ t }}:12"',
        "from: x, roles: [a, {role: b, any: [1], gather_facts: false, cache: never, vars: {}}]",
        "from: x, roles: [{tasks: [{name: a, b.c.d: {}}], name: x, vars: {a: 1}}, {tasks: a.yml, cache: never}]",
        "from: x, vars: {a: null, b: [1.5]}",
        "from: x, command: [a, 1, true], entrypoint: a b, environment: [A=1], labels: {a: 1}, user: 5",
        "from: x, environment: {A: 1, B: true, C: x}, ports: [80, '1:2'], expose: ['5'], volumes: [/a, 'b:/c']",
        "from: x, healthcheck: {test: [CMD, a], interval: 5, retries: 3}, stop_signal: 15, shell: [/bin/sh, -c]",
        "from: x, healthcheck: {disable: true}, onbuild: [RUN a], working_dir: /a",
        "from: x, verify: false, python: base",
        "from: x, verify: {run: true, ready_seconds: 5, stop_seconds: 0.5, allow: [/a]}",
        "from: x, mem_limit: 512, cpu_shares: 0.5, memswap_limit: 1g, tty: true, restart: no, dns: 192.0.2.1",
        "from: x, depends_on: [a], networks: {a: {}}, ulimits: {a: 1}, hostname: 5, stop_grace_period: 10s",
        "from: x, dev_overrides: {command: a, tty: true, ports: [80]}, k8s: {a: null}, container_name: x",
        'from: x, tty: "{{ on_ }}", pids_limit: "{{ n }}", verify: "{{ on_ }}"',
        'from: x, healthcheck: {test: a, retries: "{{ n }}"}',
        "from: x, matrix: {a: [1, x, true, 1.5], exclude: [{a: 1}], include: [{a: 5, b: [x]}], name: 'w-{{ a }}'}",
    )
] + [
    'version: 2\nservices: {a: {from: x}}\nx-any: {a: null}\ntags: ["{service}:{version}"]\n',
    'version: "2"\nservices: {a: {from: x}}\nsettings: {project_name: a, conductor: {strategy: docker, save: true}}\n',
    'version: "2"\nservices: {a: {from: x}}\nsettings: {conductor_base: {image: x}, vars_files: [], k8s_auth: {}}\n',
    'version: "2"\nservices: {a: {user: b, containers: [{container_name: c, from: x, ports: [80]}]}}\n',
    'version: "2"\nservices: {a: {from: x}}\nvolumes: {a: {docker: {}}}\nnetworks: {b: {}}\n',
    'version: "2"\nservices: {a: {from: x}}\nregistries: {a: {url: b, repository_prefix: ""}}\nsecrets: {a: {b: c}}\n',
]
BAD = [
    of_service(keys)
    for keys in (
        "roles: []",
        "form: debian",
        "from: 5",
        "from: {suite: trixie}",
        "from: {bootstrap: Trixie}",
        "from: {rootfs: a.tar}",
        "from: {rootfs: a.tar, sha256: abc}",
        "from: x, roles: a",
        "from: x, roles: [5]",
        "from: x, roles: [{rol: a}]",
        "from: x, roles: [{role: a, cache: daily}]",
        "from: x, roles: [{tasks: []}]",
        "from: x, roles: [{tasks: [a]}]",
        "from: x, roles: [{tasks: a.yml, other: 1}]",
        "from: x, environment: null",
        "from: x, environment: {A: null}",
        "from: x, environment: {A: [1]}",
        "from: x, command: {a: b}",
        "from: x, working_dir: a",
        "from: x, ports: 80",
        "from: x, volumes: {x: null}",
        "from: x, healthcheck: {test: a, retries: 0}",
        "from: x, healthcheck: {test: a, retrys: 1}",
        "from: x, verify: maybe",
        "from: x, verify: {ready_seconds: 0}",
        "from: x, python: venv",
        "from: x, tty: 5",
        "from: x, restart: [a]",
        "from: x, dev_overrides: {roles: []}",
        "from: x, matrix: {a: x}",
        "from: x, matrix: {a: []}",
        "from: x, matrix: {a: [[1]]}",
        "from: x, shell: []",
    )
] + [
    "services: {a: {from: x}}\n",
    'version: "1"\nservices: {a: {from: x}}\n',
    'version: "2"\n',
    'version: "2"\nservices: {}\n',
    'version: "2"\nservices: []\n',
    "- a\n",
    'version: "2"\nservices: {a: {from: x}}\nservice: {}\n',
    'version: "2"\nservices: {a: {from: x}}\nsettings: {conductor: {strategy: free}}\n',
    'version: "2"\nservices: {a: {from: x}}\nsettings: {vars_files: a.yml}\n',
    'version: "2"\nservices: {a: {from: x}}\nvolumes: {a: null}\n',
    'version: "2"\nservices: {a: {from: x}}\nregistries: {a: {namespace: b}}\n',
    'version: "2"\nservices: {a: {from: x}}\ntags: [5]\n',
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_parser_takes_is_valid(text: str) -> None:
    parse_recipe(text, "recipe.yml")
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_the_parser_refuses_too(text: str) -> None:
    with pytest.raises(InputError):
        parse_recipe(text, "recipe.yml")
    assert not VALIDATOR.is_valid(yaml.safe_load(text))
