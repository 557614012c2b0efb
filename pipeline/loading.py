"""A project's files read and checked: the recipe, version.txt, image.txt, and where the roles are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar, cast

from pipeline import sources
from pipeline.cache_settings import NO_CACHE_SHARED, CacheSettings, cache_settings
from pipeline.ci_place import place_in_ci
from pipeline.errors import InputError, Problem, UsageError
from pipeline.gitflow import Release, release_plan
from pipeline.image_names import all_image_names, image_names
from pipeline.project import (
    SILENT,
    ImageSettings,
    Project,
    follows_gitflow,
    make_project,
    moving_tags,
    parse_image,
    parse_version_file,
)
from pipeline.recipe import DEFAULT_CONDUCTOR_BASE, ParsedRecipe, Recipe, Service, parse_recipe
from pipeline.recipe_model import FALLBACK_CONDUCTOR_BASE
from pipeline.recipe_order import chosen
from pipeline.recipe_variables import Given, VarsFile, extra_variables, named_vars_files
from pipeline.repository import Repository, read_version
from pipeline.role_finder import RoleFinder
from pipeline.role_sources import described
from pipeline.shipped import shipped_roles
from pipeline.state import state_folder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides for a run."""

    folder: Path
    recipe: str = ""
    services: tuple[str, ...] = ()
    roles_path: tuple[Path, ...] = ()
    project_name: str = ""
    refresh: bool = False
    use_cache: bool = True
    refreshed_roles: tuple[str, ...] = ()
    strategy: str = ""
    vars_files: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    vault_password_file: str = ""
    secrets: tuple[str, ...] = ()
    """What each --secret says (`secret_options`)."""
    gitflow: bool | None = None
    """Whether versions and tags follow gitflow; None: as image.txt says."""
    cache: CacheSettings | None = None
    """What is said about the shared cache; None: the command has nothing to do with it."""
    squash: bool = False
    """Whether every service is squashed, whatever the recipe says of it."""
    reproducible: bool | None = None
    """Whether images are rewritten to be the same whenever they are built; None: as the recipe says, or a release."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The project's files as values."""

    path: Path
    recipe: Recipe
    project: Project
    services: tuple[Service, ...]
    warnings: tuple[Problem, ...]
    finder: RoleFinder
    cache: CacheSettings = NO_CACHE_SHARED


def load(options: Options, environ: Mapping[str, str]) -> Loaded:
    """Read recipe, version.txt and image.txt, and find every role.

    Raises InputError with all the mistakes that were found; nothing has been started by then.
    """
    path = recipe_path(options)
    problems: list[Problem] = []
    parsed = _collect(problems, lambda: _recipe(path, options, environ, problems))
    version = _collect(problems, lambda: _version(options.folder))
    image = _collect(problems, lambda: _image(options.folder))
    if parsed is None:
        raise InputError(problems)
    recipe = _as_asked(parsed.recipe, options, environ)
    folders = tuple(path.parent / folder for folder in recipe.roles_path)
    finder = RoleFinder(
        path,
        options.folder,
        (*options.roles_path, *folders),
        shipped=shipped_roles(),
        scratch=state_folder(environ) / "tasks",
        variables=recipe.vault_files,
    )
    read = [_collect(problems, partial(described, service, finder)) for service in recipe.services]
    if not problems:
        recipe = replace(recipe, services=tuple(service for service in read if service))
    services = _collect(problems, lambda: chosen(recipe, options.services))
    _collect(problems, lambda: _known_roles(options.refreshed_roles, services or ()))
    cache = _collect(problems, lambda: _cache(options, recipe, environ))
    if version is None or image is None:
        raise InputError(dict.fromkeys(problems))
    project = _collect(problems, lambda: _project(options, recipe, version, image, environ))
    if problems or services is None or project is None or cache is None:
        raise InputError(dict.fromkeys(problems))  # several services may have the same role
    noticed = tuple(
        dict.fromkeys(warning for service in services for role in service.roles for warning in finder.warnings(role))
    )
    return Loaded(path, recipe, project, services, (*parsed.warnings, *noticed), finder, cache)


def recipe_path(options: Options) -> Path:
    """The recipe to build: a path, the name of a file in recipes/, or the project's default. Raises UsageError."""
    folder = options.folder
    if options.recipe:
        named = (Path(options.recipe), folder / options.recipe, folder / "recipes" / f"{options.recipe}.yml")
        if found := next((path for path in named if path.is_file()), None):
            return found
        raise UsageError(f"there is no recipe {options.recipe!r}", hint=_recipes_hint(folder))
    for name in ("recipes/default.yml", "container.yml"):
        if (folder / name).is_file():
            return folder / name
    raise UsageError(f"{shown(folder)} has neither recipes/default.yml nor container.yml", hint=_recipes_hint(folder))


def shown(path: Path) -> str:
    """A path as the user would write it: relative to where they are."""
    return os.path.relpath(path)


def names(loaded: Loaded) -> dict[str, tuple[str, ...]]:
    """What the images of each service are called."""
    return {service.name: image_names(loaded.project, service.name, loaded.recipe.tags) for service in loaded.services}


def release_of(folder: Path, environ: Mapping[str, str]) -> Release:
    """The version and tags that gitflow gives to a build of this folder. Raises UsageError, InputError, GitError."""
    return _release(folder, read_version(folder), moving_tags(_version(folder), _image(folder)), environ)


def _collect(problems: list[Problem], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except InputError as error:
        problems += error.problems
    except UsageError as error:
        problems.append(Problem("", 0, 0, "", error.message, error.hint))
    return None


def _known_roles(names: tuple[str, ...], services: tuple[Service, ...]) -> None:
    """Raises UsageError for a role that no service has; nothing is known to be wrong without services."""
    known = {name for service in services for role in service.roles for name in (role.name, role.label)}
    known |= {label for service in services for label in service.role_labels}
    for name in names if services else ():
        if name not in known:
            raise UsageError(
                f"--refresh: no service has the role {name!r}", hint=f"there are: {', '.join(sorted(known))}"
            )


def _recipe(path: Path, options: Options, environ: Mapping[str, str], problems: list[Problem]) -> ParsedRecipe:
    """The recipe, its templates filled in. A vars file that cannot be read is added to the problems."""
    text = sources.read_text(path, "recipe")
    files = []
    for named in named_vars_files(text, shown(path)):
        found = (path.parent / named.name, options.folder / named.name)
        file = next((each for each in found if each.is_file()), found[0])
        try:
            files.append(VarsFile(shown(file), sources.read_text(file, "vars file")))
        except UsageError as error:
            problems.append(Problem(shown(path), *named.place, named.path, error.message, error.hint))
    files += [VarsFile(shown(file), sources.read_text(file, "vars file")) for file in options.vars_files]
    given = Given(tuple(files), environ, extra_variables(options.variables))
    return parse_recipe(text, shown(path), given)


def _version(folder: Path) -> ImageSettings:
    hint = "write one line such as 0.1.0 into it"
    return parse_version_file(sources.read_text(folder / "version.txt", "version", hint), shown(folder / "version.txt"))


def _image(folder: Path) -> ImageSettings:
    path = folder / "image.txt"
    return parse_image(sources.read_text(path, "image settings"), shown(path)) if path.exists() else SILENT


def _project(
    options: Options, recipe: Recipe, version: ImageSettings, image: ImageSettings, environ: Mapping[str, str]
) -> Project:
    project = make_project(
        folder=options.folder.resolve().name,
        cli=ImageSettings(project=options.project_name),
        recipe=ImageSettings(project=recipe.project_name or ""),
        version_file=version,
        image_file=image,
        tags=recipe.tags,
    )
    if follows_gitflow(version, image) if options.gitflow is None else options.gitflow:
        plan = _release(options.folder, project.version, moving_tags(version, image), environ)
        project = replace(project, version=plan.version, release=plan)
    all_image_names(project, tuple(service.name for service in recipe.services))
    return project


def _cache(options: Options, recipe: Recipe, environ: Mapping[str, str]) -> CacheSettings:
    if options.cache is None:
        return NO_CACHE_SHARED
    in_recipe = CacheSettings(recipe.cache_from, recipe.cache_to)
    return cache_settings(options.cache, in_recipe, environ, place_in_ci(environ))


def _release(folder: Path, version: str, also: tuple[str, ...], environ: Mapping[str, str]) -> Release:
    return release_plan(Repository(folder, environ).situation(version, place_in_ci(environ)), also)


def _as_asked(recipe: Recipe, options: Options, environ: Mapping[str, str]) -> Recipe:
    """The recipe with what the command line says, and a conductor that this machine can make.

    Without mmdebstrap the default conductor starts from an image, and roots are then bootstrapped in it.
    """
    conductor = recipe.conductor
    if options.strategy:
        conductor = replace(conductor, strategy=cast("Literal['mitogen', 'docker']", options.strategy))
    if conductor.base == DEFAULT_CONDUCTOR_BASE and not shutil.which("mmdebstrap", path=environ.get("PATH")):
        conductor = replace(conductor, base=FALLBACK_CONDUCTOR_BASE)
    services = tuple(replace(each, squash=each.squash or options.squash) for each in recipe.services)
    return replace(recipe, conductor=conductor, services=services)


def _recipes_hint(folder: Path) -> str:
    names = sorted(path.stem for path in (folder / "recipes").glob("*.yml"))
    return f"recipes here: {', '.join(names)}" if names else "give the path of a recipe, or --project FOLDER"
