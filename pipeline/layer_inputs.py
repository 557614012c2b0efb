"""What each layer of a service is made of, read from the project's files; no engine is needed for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.disclosure import in_clear
from pipeline.fingerprint import digest, role_inputs
from pipeline.image_config import ImageConfig
from pipeline.mentions import visible, words_of_values
from pipeline.player import RoleFiles
from pipeline.recipe_model import DEFAULT_CONDUCTOR_BASE, FALLBACK_CONDUCTOR_BASE, Recipe, RoleUse, Service
from pipeline.role_finder import RoleFinder
from pipeline.sources import role_entries, role_words


@dataclass(frozen=True, slots=True)
class LayerInputs:
    """Digests of inputs by name, the values that may be read by anybody, and where roles' files lie.

    `facts` says that facts about the target can be seen from there, `hardware` those about the machine's hardware.
    """

    digests: dict[str, str]
    shown: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    hardware: bool = False
    facts: bool = False


def inputs_of_role(role: RoleUse, service: Service, recipe: Recipe, finder: RoleFinder, conductor: str) -> LayerInputs:
    """What a role's layer is made of. Raises InputError when there is no such role."""
    files = finder.find(role)
    entries = role_entries(files)
    words = role_words(files, entries)
    variables = visible(service.variables, role.parameters, words)
    settings: dict[str, Any] = {"gather_facts": role.gather_facts, "python": service.python}
    digests = role_inputs(
        files=entries,
        parameters=role.parameters,
        variables=variables,
        settings=settings | dict(_conductor_settings(recipe)) | _secrets(role),
        conductor=conductor,
    )
    shown = {f"parameter {name}": text for name, text in in_clear(role.parameters, words.words).items()}
    shown |= {f"variable {name}": text for name, text in in_clear(variables, words.words).items()}
    shown |= {f"setting {name}": str(value).lower() for name, value in settings.items()}
    written = role.tasks_file or "the recipe's tasks"
    places = {role.name: written} if role.tasks or role.tasks_file else dict(_places(files))
    # The names alone see nothing: `ansible_become` among the variables is set, not asked for.
    all_words = words | words_of_values([*service.variables.values(), *role.parameters.values()])
    return LayerInputs(digests, shown, places, all_words.hardware, all_words.facts)


def inputs_of_image(service: Service) -> LayerInputs:
    """What the finished image is made of above its last layer."""
    config = asdict(service.config.normalised())
    digests = {f"config {name}": digest(value) for name, value in config.items()}
    digests["verify"] = digest(service.verify)
    if service.squash:
        digests["squash"] = digest(service.squash)
    if service.role_config != ImageConfig():
        digests["meta container.yml of a role"] = digest(service.role_config.normalised())
    return LayerInputs(digests)


def _conductor_settings(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """What the recipe says about the conductor. The default's two forms hold the same distribution's packages."""
    conductor = recipe.conductor
    if conductor.base not in (DEFAULT_CONDUCTOR_BASE, FALLBACK_CONDUCTOR_BASE):
        yield "conductor's base", asdict(conductor.base)
    for name, value in conductor.environment.items():
        yield f"conductor's environment {name}", value


def _secrets(role: RoleUse) -> dict[str, Any]:
    """Which build secrets a role may see: names and places, never values."""
    return {"build secrets": [[each.id, each.target, each.mode] for each in role.secrets]} if role.secrets else {}


def _places(files: RoleFiles) -> Iterator[tuple[str, str]]:
    yield files.name, files.folder.as_posix()
    for dependency in files.dependencies:
        yield from _places(dependency)
