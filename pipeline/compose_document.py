"""A Compose file out of a recipe: the services that run, with their images, as a plain document.

There is no `version` (Compose calls it obsolete, and docker-compose 1.29 does without) and no `name` (1.29 refuses
it): the project's name is given on the command line, as `compose_name` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import InputError, Problem, UsageError
from pipeline.image_keys import host_side, volume_path
from pipeline.image_names import image_names
from pipeline.project import Project
from pipeline.recipe_model import BuiltService, Recipe, Service
from pipeline.run_keys import Keys, RunKeys, references, run_keys, secret_names
from pipeline.yaml_source import JsonValue

_OTHER_DOLLARS = re.compile(r"\$(?!\{(?:HOME|PWD)\}|(?:HOME|PWD)(?!\w))")
_ENGINE_BLOCKS = ("docker", "k8s", "openshift")
_SAYS_THAT_IT_RUNS = ("command", "entrypoint")


@dataclass(frozen=True, slots=True)
class Place:
    """Where containers run: what ~ and $PWD stand for on the host."""

    home: str
    folder: str


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A document, the images of its services by their names, and what the reader should know about it."""

    document: Keys
    images: dict[str, str]
    notes: tuple[str, ...] = ()


def compose_file(
    recipe: Recipe,
    project: Project,
    names: tuple[str, ...] = (),
    *,
    production: bool = False,
    place: Place | None = None,
) -> ComposeFile:
    """The Compose file of a recipe: of the named services and those that they depend on, or of all that run.

    A service that others are built on is left out unless something says that it runs: a key of its own for run time,
    a command, or another service that depends on it. With a `place` the host's side of volumes is filled in; without
    one Compose does that. Raises InputError for a service that depends on one that the recipe does not have, and
    UsageError for a name that it does not have.
    """
    known = {service.name: service for service in recipe.services}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"the recipe has no service {', '.join(unknown)}", hint=f"it has {', '.join(known)}")
    secrets = _map(recipe.runtime.get("secrets"))
    found = {name: run_keys(service, secrets, production=production) for name, service in known.items()}
    _check_references(recipe, found)
    chosen = _with_what_they_need(names or _those_that_run(recipe, found), found)
    images = {name: image_names(project, name)[0] for name in known if name in chosen}
    document: Keys = {
        "services": {name: _service(image, found[name].keys, place) for name, image in images.items()},
        **_top_level(recipe, {name: found[name] for name in images}),
    }
    notes = [note for name in images for note in found[name].notes]
    return ComposeFile(document, images, (*notes, *_secret_notes(secrets)))


def compose_name(project: str) -> str:
    """The project's name as Compose takes it: lower-case letters, digits, - and _."""
    return re.sub(r"[^a-z0-9_-]+", "-", project.lower())


def _service(image: str, keys: Keys, place: Place | None) -> JsonValue:
    volumes = keys.get("volumes")
    named: Keys = {"image": image, **keys}
    if isinstance(volumes, list):
        named["volumes"] = [_volume(str(each), place) for each in volumes]
    return {key: value if key == "volumes" else _escaped(value) for key, value in named.items()}


def _volume(entry: str, place: Place | None) -> str:
    if place is None:
        return _OTHER_DOLLARS.sub("$$", entry)
    return host_side(entry, home=place.home, folder=place.folder).replace("$", "$$")


def _escaped(value: JsonValue) -> JsonValue:
    """Compose would take $NAME for a variable of its own; in a recipe it is a text."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def _those_that_run(recipe: Recipe, found: Mapping[str, RunKeys]) -> tuple[str, ...]:
    below = {service.base.name for service in recipe.services if isinstance(service.base, BuiltService)}
    return tuple(
        service.name
        for service in recipe.services
        if service.name not in below or found[service.name].keys or _has_command(service)
    )


def _has_command(service: Service) -> bool:
    return any(getattr(service.config, key) is not None for key in _SAYS_THAT_IT_RUNS)


def _with_what_they_need(names: tuple[str, ...], found: Mapping[str, RunKeys]) -> set[str]:
    needed, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [each for others in references(found[name].keys).values() for each in others]
    return needed


def _check_references(recipe: Recipe, found: Mapping[str, RunKeys]) -> None:
    problems = [
        Problem(
            recipe.file,
            service.line,
            1,
            f"services.{service.name}.{key}",
            f"the recipe has no service {name!r}",
            f"it has {', '.join(found)}",
        )
        for service in recipe.services
        for key, names in references(found[service.name].keys).items()
        for name in names
        if name not in found
    ]
    if problems:
        raise InputError(problems)


def _top_level(recipe: Recipe, found: Mapping[str, RunKeys]) -> Keys:
    """Volumes, networks and secrets: those that the recipe declares, and those that its services use."""
    volumes: Keys = {name: _for_docker(value) for name, value in _map(recipe.runtime.get("volumes")).items()}
    networks: Keys = dict(_map(recipe.runtime.get("networks")))
    for used in found.values():
        driver: Keys = {"driver": used.volume_driver} if used.volume_driver else {}
        for name in _volume_names(used.keys.get("volumes")):
            volumes.setdefault(name, driver)
        for name in _network_names(used.keys.get("networks")):
            networks.setdefault(name, {})
    secrets: Keys = {}
    for name, value in _map(recipe.runtime.get("secrets")).items():
        files = secret_names(name, value).values()
        secrets |= {each: {"file": f"./secrets/{each}"} for each in files} if files else {name: value}
    parts = {"volumes": volumes, "networks": networks, "secrets": secrets}
    return {key: _escaped(value) for key, value in parts.items() if value}


def _for_docker(value: JsonValue) -> JsonValue:
    """A volume's keys: those for docker, without the blocks for engines that nothing is deployed to."""
    keys = _map(value)
    return {**{key: each for key, each in keys.items() if key not in _ENGINE_BLOCKS}, **_map(keys.get("docker"))}


def _volume_names(value: JsonValue) -> list[str]:
    entries = [str(each) for each in value] if isinstance(value, list) else []
    return [each.partition(":")[0] for each in entries if ":" in each and volume_path(each)]


def _network_names(value: JsonValue) -> list[str]:
    return [str(name) for name in value if name != "default"] if isinstance(value, (list, dict)) else []


def _secret_notes(secrets: Mapping[str, JsonValue]) -> list[str]:
    return [
        f"secrets.{name}.{key}: vaults are not read; the value has to be in the file secrets/{file}"
        for name, value in secrets.items()
        for key, file in secret_names(name, value).items()
    ]


def _map(value: JsonValue) -> Keys:
    return value if isinstance(value, dict) else {}
