"""One command's run put together: the project's files read, the adapters made and joined."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar, cast

from platformdirs import user_cache_path

from pipeline import sources
from pipeline.ci_place import place_in_ci
from pipeline.cleaning import run_name
from pipeline.conductor import Conductor
from pipeline.docker_engine import DockerEngine, connect
from pipeline.engine import ContainerId
from pipeline.errors import InputError, Problem, UsageError
from pipeline.events import Sink
from pipeline.gitflow import Release, release_plan
from pipeline.image_names import all_image_names, image_names
from pipeline.locks import Locks
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
from pipeline.recipe import DEFAULT_CONDUCTOR_BASE, BaseImage, Bootstrap, Recipe, Service, parse_recipe
from pipeline.records import EngineRecords
from pipeline.remote_bootstrap import bootstrap
from pipeline.repository import Repository, read_version
from pipeline.retrying import RetryingEngine
from pipeline.roots import EngineRoots
from pipeline.stage import Build, Tools

OWNED = {"io.baseimage.owner": "baseimage-pipeline"}
"""The label on every volume and conductor image that is made, so that they can be found and removed again."""

CONDUCTOR_IMAGE = "debian:trixie-slim"
"""What the conductor starts from where its root cannot be bootstrapped."""

CONTAINER_PREFIX = "baseimage-run"
KEPT_PREFIX = "baseimage-kept"
"""Containers of a run with --keep: the next build leaves them alone, `baseimage gc` removes them."""

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
    strategy: str = ""
    gitflow: bool | None = None
    """Whether versions and tags follow gitflow; None: as image.txt says."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The project's files as values."""

    path: Path
    recipe: Recipe
    project: Project
    services: tuple[Service, ...]
    warnings: tuple[Problem, ...]
    finder: sources.RoleFinder


def load(options: Options, environ: Mapping[str, str]) -> Loaded:
    """Read recipe, version.txt and image.txt, and find every role.

    Raises InputError with all the mistakes that were found; nothing has been started by then.
    """
    path = recipe_path(options)
    problems: list[Problem] = []
    parsed = _collect(problems, lambda: parse_recipe(sources.read_text(path, "recipe"), shown(path)))
    version = _collect(problems, lambda: _version(options.folder))
    image = _collect(problems, lambda: _image(options.folder))
    if parsed is None:
        raise InputError(problems)
    recipe = _with_conductor(parsed.recipe, options, environ)
    finder = sources.RoleFinder(path, options.folder, options.roles_path)
    for role in (role for service in recipe.services for role in service.roles):
        _collect(problems, lambda role=role: finder.find(role))  # type: ignore[misc]
    services = _collect(problems, lambda: _chosen(recipe, options.services))
    if version is None or image is None:
        raise InputError(problems)
    project = _collect(problems, lambda: _project(options, recipe, version, image, environ))
    if problems or services is None or project is None:
        raise InputError(problems)
    return Loaded(path, recipe, project, services, parsed.warnings, finder)


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


def builds(loaded: Loaded) -> tuple[Build, ...]:
    """The first state of each service's build."""
    return tuple(Build(loaded.recipe, loaded.project, service) for service in loaded.services)


def names(loaded: Loaded) -> dict[str, tuple[str, ...]]:
    """What the images of each service are called."""
    return {service.name: image_names(loaded.project, service.name, loaded.recipe.tags) for service in loaded.services}


def release_of(folder: Path, environ: Mapping[str, str]) -> Release:
    """The version and tags that gitflow gives to a build of this folder. Raises UsageError, InputError, GitError."""
    return _release(folder, read_version(folder), moving_tags(_version(folder), _image(folder)), environ)


def tools(loaded: Loaded, options: Options, engine: DockerEngine, emit: Sink, environ: Mapping[str, str]) -> Tools:
    """The adapters, joined."""
    retrying = RetryingEngine(engine, emit)
    finder, lock = loaded.finder, Locks(state_folder(environ) / "locks")
    settings = loaded.recipe.conductor
    player = Conductor(retrying, settings, emit, labels=OWNED, environ=environ, lock=lock)

    def conductor(step: str) -> ContainerId:
        player.start(player.build(roots.ensure(settings.base, step).id, step))
        return player.container()

    roots = EngineRoots(
        retrying,
        emit,
        folder=loaded.path.parent,
        labels=OWNED,
        environ=environ,
        lock=lock,
        refresh=options.refresh,
        # Package caches are the engine's, whatever folder keeps the records.
        number=Locks(Path(tempfile.gettempdir(), f"baseimage-{os.getuid()}")).number,
        # The conductor's own root cannot be made in the conductor.
        elsewhere=None if isinstance(settings.base, Bootstrap) else partial(bootstrap, retrying, conductor, emit),
    )
    records = EngineRecords(retrying, finder, state_folder(environ) / "layers", use_cache=options.use_cache)
    return Tools(retrying, player, roots, records, emit, _nothing_to_register)


def open_engine(environ: Mapping[str, str], *, keep: bool = False) -> DockerEngine:
    """The engine that DOCKER_HOST or the docker context names; its containers are named after this run.

    The names hold host, process and start time, so that a later run can tell what a killed one left behind;
    a label would do that too, but would be committed into every image. Raises EngineUnreachableError.
    """
    prefix = KEPT_PREFIX if keep else CONTAINER_PREFIX
    return connect(environ, container_prefix=run_name(prefix, socket.gethostname(), os.getpid(), int(time.time())))


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where records of layers are kept: BASEIMAGE_STATE, else the user's cache folder."""
    return Path(environ["BASEIMAGE_STATE"]) if environ.get("BASEIMAGE_STATE") else user_cache_path("baseimage-pipeline")


def _nothing_to_register(undo: Callable[[], None]) -> None:
    """The runner puts its own in this place."""


def _collect(problems: list[Problem], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except InputError as error:
        problems += error.problems
    except UsageError as error:
        problems.append(Problem("", 0, 0, "", error.message, error.hint))
    return None


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


def _release(folder: Path, version: str, also: tuple[str, ...], environ: Mapping[str, str]) -> Release:
    return release_plan(Repository(folder, environ).situation(version, place_in_ci(environ)), also)


def _with_conductor(recipe: Recipe, options: Options, environ: Mapping[str, str]) -> Recipe:
    """The recipe with the command line's strategy, and a conductor that this machine can make.

    Without mmdebstrap the default conductor starts from an image, and roots are then bootstrapped in it.
    """
    conductor = recipe.conductor
    if options.strategy:
        conductor = replace(conductor, strategy=cast("Literal['mitogen', 'docker']", options.strategy))
    if conductor.base == DEFAULT_CONDUCTOR_BASE and not shutil.which("mmdebstrap", path=environ.get("PATH")):
        conductor = replace(conductor, base=BaseImage(CONDUCTOR_IMAGE))
    return replace(recipe, conductor=conductor)


def _chosen(recipe: Recipe, names: tuple[str, ...]) -> tuple[Service, ...]:
    known = {service.name: service for service in recipe.services}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"the recipe has no service {', '.join(unknown)}", hint=f"it has {', '.join(known)}")
    return tuple(service for service in recipe.services if not names or service.name in names)


def _recipes_hint(folder: Path) -> str:
    names = sorted(path.stem for path in (folder / "recipes").glob("*.yml"))
    return f"recipes here: {', '.join(names)}" if names else "give the path of a recipe, or --project FOLDER"
