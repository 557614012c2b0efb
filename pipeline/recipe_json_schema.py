"""The form of a recipe as a JSON Schema, which editors complete and check by."""

from __future__ import annotations

from typing import Any

from pipeline.recipe_schema import RecipeKeys

_TEMPLATE = {"$ref": "#/$defs/Template"}
_WITHOUT_TEMPLATES = ("MatrixKeys", "RegistryKeys")
_MAPS = ("properties", "patternProperties", "$defs")
_LISTS = ("anyOf", "oneOf", "allOf")
_SCHEMAS = ("items", "additionalProperties")


def recipe_schema() -> dict[str, Any]:
    """The schema; keys that begin with x- are free at the top level, to hold anchors.

    A recipe that `parse_recipe` takes is valid under it. It refuses less: what a text says (references, ports,
    signals, templates) and whether names are known is for `parse_recipe`.
    """
    schema = _tidied(RecipeKeys.model_json_schema())
    definitions = schema["$defs"]
    for name, definition in definitions.items():
        if name not in _WITHOUT_TEMPLATES:
            for key, value in definition.get("properties", {}).items():
                definition["properties"][key] = _or_template(value)
    _with_containers(definitions["ServiceKeys"])
    definitions["Template"] = {"type": "string", "pattern": r"\{\{|\{%", "description": "A text with Jinja in it."}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A recipe of baseimage"}
    return {**head, **schema, "patternProperties": {"^x-": True}}


def _with_containers(service: dict[str, Any]) -> None:
    """Let a service be several: what it has not itself, its containers have."""
    keys = {"container_name": {"type": "string"}}
    service["properties"]["containers"] = {
        "description": "Several images in the place of this one, each called SERVICE-CONTAINER_NAME.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "required": [*keys], "properties": keys},
    }
    del service["required"]
    service["anyOf"] = [{"required": ["from"]}, {"required": ["containers"]}]


def _tidied(schema: Any) -> Any:
    """Without titles and defaults, which say nothing that the key does not; a whole number is a number too."""
    if not isinstance(schema, dict):
        return schema
    tidied: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _MAPS:
            tidied[key] = {name: _tidied(each) for name, each in value.items()}
        elif key in _LISTS:
            tidied["anyOf" if key == "oneOf" else key] = [_tidied(each) for each in value]
        elif key in _SCHEMAS:
            tidied[key] = _tidied(value)
        elif key not in ("title", "default", "discriminator"):
            tidied[key] = value
    return tidied


def _or_template(schema: dict[str, Any]) -> dict[str, Any]:
    """A value that may be a template as well; its description stays outside, where editors look for it."""
    about: dict[str, Any] = {key: schema[key] for key in ("description", "deprecated") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in about}
    return {**about, "anyOf": [rest, _TEMPLATE]} if rest else about
