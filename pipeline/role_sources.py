"""What the files of a service's roles say about its image, read from the file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.errors import InputError, Problem
from pipeline.inherited import with_its_defaults
from pipeline.player import RoleFiles
from pipeline.recipe_model import RoleUse, Service
from pipeline.role_finder import RoleFinder
from pipeline.role_meta import RoleMeta, parse_role_meta, role_variables
from pipeline.sources import META_FILES, read_text
from pipeline.unpinned import Unpinned, unpinned
from pipeline.yaml_source import JsonValue

_DEFAULTS = ("defaults/main.yml", "defaults/main.yaml")


def described(service: Service, finder: RoleFinder) -> Service:
    """The service with what its roles' meta files say below what the recipe says; of two roles the later wins.

    Raises InputError with all roles that are not there and all mistakes in the files.
    """
    problems: list[Problem] = []
    service = replace(service, roles=tuple(_as_known(role, service, finder) for role in service.roles))
    config = service.role_config
    runtime: dict[str, JsonValue] = {}
    for role in service.roles:
        try:
            for meta in _metas(finder.find(role), role, service):
                config = config.merged(meta.config)
                runtime |= meta.runtime
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return replace(service, role_config=config, runtime={**runtime, **service.runtime})


def _as_known(role: RoleUse, service: Service, finder: RoleFinder) -> RoleUse:
    return with_its_defaults(role, service.variables) if finder.stands_in(role.name) else role


def unpinned_in(service: Service, finder: RoleFinder) -> tuple[Unpinned, ...]:
    """What the tasks of a service's roles fetch that no key covers. Raises InputError for a role that is missing."""
    found = [each for role in service.roles for each in _unpinned(finder.find(role), role)]
    return tuple(dict.fromkeys(found))


def _unpinned(files: RoleFiles, role: RoleUse) -> Iterator[Unpinned]:
    for dependency in files.dependencies:
        yield from _unpinned(dependency, role)
    named = role.tasks_file or (f"tasks {role.name} of the recipe" if role.tasks else "")
    for part in ("tasks", "handlers"):
        for path in sorted((files.folder / part).rglob("*.y*ml")):
            if path.is_file():
                yield from unpinned(path.read_text(encoding="utf-8", errors="replace"), named or os.path.relpath(path))


def _metas(files: RoleFiles, role: RoleUse, service: Service) -> Iterator[RoleMeta]:
    """Those of the roles that a role depends on first."""
    for dependency in files.dependencies:
        yield from _metas(dependency, role, service)
    path = _first(files.folder, META_FILES)
    if path is None:
        return
    defaults = _first(files.folder, _DEFAULTS)
    text = read_text(defaults, "role's defaults") if defaults else ""
    variables = role_variables(text, os.path.relpath(defaults or path), service.variables, role.parameters)
    yield parse_role_meta(read_text(path, "role's container.yml"), os.path.relpath(path), variables)


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
