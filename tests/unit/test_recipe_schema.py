"""The JSON Schema of a recipe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.recipe_schema import recipe_schema


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
    assert service["required"] == ["from"]
    assert {"roles", "vars", "command", "healthcheck", "verify"} <= service["properties"].keys()
    assert "base" not in service["properties"]


@pytest.mark.parametrize(("model", "key"), [("ServiceKeys", "container_name"), ("SettingsKeys", "vault_files")])
def test_a_key_that_is_read_over_is_marked_as_deprecated(model: str, key: str) -> None:
    assert definition(model)["properties"][key]["deprecated"] is True


def test_numbers_and_booleans_may_stand_for_texts_in_an_environment() -> None:
    assert json.dumps(["string", "number", "boolean"]) in json.dumps(
        definition("ServiceKeys")["properties"]["environment"]
    )


def test_any_key_of_a_role_may_be_a_parameter() -> None:
    assert definition("RoleKeys")["additionalProperties"] is True
