"""What a role says about the image in its meta/container.yml, as roles for ansible-container do."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from pipeline.errors import InputError
from pipeline.image_config import ImageConfig
from pipeline.recipe import image_config
from pipeline.recipe_checks import empty_values
from pipeline.recipe_draft import Draft
from pipeline.recipe_filling import fill_strictly
from pipeline.recipe_problems import in_order, problems_of, put_texts
from pipeline.recipe_runtime import RUNTIME_KEYS
from pipeline.recipe_schema import ContainerKeys
from pipeline.recipe_variables import settled
from pipeline.yaml_source import JsonValue, read_yaml

_OF_A_SERVICE = ("from", "roles", "container_name", "docker", "k8s", "openshift", "dev_overrides")
"""Keys that only a recipe decides about; in a role's file they are read over."""


@dataclass(frozen=True, slots=True)
class RoleMeta:
    """What a role wants of the image, and of containers when they run."""

    config: ImageConfig = field(default_factory=ImageConfig)
    runtime: dict[str, JsonValue] = field(default_factory=dict)


def parse_role_meta(text: str, file: str, variables: Mapping[str, JsonValue]) -> RoleMeta:
    """Read a role's container.yml: a map with the keys of a service; templates know the variables.

    Raises InputError with all mistakes.
    """
    written = read_yaml(text, file)
    if written.data is None:
        return RoleMeta()
    draft = Draft(written)
    for key in (*_OF_A_SERVICE, *_examples(written.data)):
        draft.remove((key,))
    problems = [*written.problems, *fill_strictly(draft, draft.texts_below(()), dict(variables))]
    source = draft.source()
    problems += empty_values(source)
    data = copy.deepcopy(source.data)
    put_texts(data, source)
    try:
        keys = ContainerKeys.model_validate(data)
    except ValidationError as error:
        raise InputError(in_order((*problems, *problems_of(error, source)))) from error
    if problems:
        raise InputError(in_order(problems))
    given = data if isinstance(data, dict) else {}
    return RoleMeta(image_config(keys), {key: value for key, value in given.items() if key in RUNTIME_KEYS})


def _examples(data: JsonValue) -> list[str]:
    """Keys that are no key of a service but the name of a whole one, with its image: how the role might be used."""
    keys = data if isinstance(data, dict) else {}
    return [
        key
        for key, value in keys.items()
        if key not in ContainerKeys.known() and isinstance(value, dict) and "image" in value
    ]


def role_variables(
    defaults: str, file: str, variables: Mapping[str, JsonValue], parameters: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """What the templates of a role's container.yml know: parameters win over variables, these over defaults.

    `defaults` is the text of the role's defaults. What only Ansible can fill in is not among them.
    """
    data = read_yaml(defaults, file).data
    return settled({**(data if isinstance(data, dict) else {}), **variables, **parameters})
