"""One command's run put together: the project's files read, the adapters made and joined."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal, TypeVar, cast

from platformdirs import user_cache_path

from pipeline import sources
from pipeline.ci_place import place_in_ci
from pipeline.cleaning import run_name
from pipeline.compose_document import Place
from pipeline.conductor import Conductor
from pipeline.conductor_context import image_key
from pipeline.docker_engine import DockerEngine, connect
from pipeline.docker_run import ContainerRunner, connect_runner
from pipeline.engine import ContainerId, Engine
from pipeline.errors import InputError, Problem, UsageError
from pipeline.events import Sink
from pipeline.gitflow import Release, release_plan
from pipeline.history import Keep, Recorder
from pipeline.image_names import all_image_names, image_names
from pipeline.layer_records import LayerRecords
from pipeline.locks import Locks
from pipeline.plan import LayerKey
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
from pipeline.recipe import DEFAULT_CONDUCTOR_BASE, Bootstrap, ParsedRecipe, Recipe, Service, parse_recipe
from pipeline.recipe_model import FALLBACK_CONDUCTOR_BASE
from pipeline.recipe_order import chosen
from pipeline.recipe_variables import Given, VarsFile, extra_variables, named_vars_files
from pipeline.records import EngineRecords, KnownLayers, Reuse
from pipeline.remote_bootstrap import bootstrap
from pipeline.repository import Repository, read_version
from pipeline.retrying import RetryingEngine
from pipeline.role_finder import RoleFinder
from pipeline.role_sources import described
from pipeline.roots import EngineRoots
from pipeline.shipped import shipped_roles
from pipeline.stage import Build, Tools
from pipeline.timings import Timings
from pipeline.together import Together
from pipeline.vault import Secret

OWNED = {"io.baseimage.owner": "baseimage-pipeline"}
"""The label on every volume and conductor image that is made, so that they can be found and removed again."""

SHARED_LOCKS = Path("/tmp/baseimage")  # noqa: S108 - a prefix of the user's own folder
"""Locks between all runs on this machine: wherever TMPDIR leads, they share the engine."""

CONTAINER_PREFIX = "baseimage-run"
KEPT_PREFIX = "baseimage-kept"
"""Containers of a run with --keep: the next build leaves them alone, `baseimage gc` removes them."""

HISTORY_SETTINGS = {"BASEIMAGE_HISTORY_BUILDS": 50, "BASEIMAGE_HISTORY_DAYS": 30}
"""Variables of the environment that bound the history of builds, and what they are without being set."""

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
    finder: RoleFinder


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
    recipe = _with_conductor(parsed.recipe, options, environ)
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
    if version is None or image is None:
        raise InputError(dict.fromkeys(problems))
    project = _collect(problems, lambda: _project(options, recipe, version, image, environ))
    if problems or services is None or project is None:
        raise InputError(dict.fromkeys(problems))  # several services may have the same role
    noticed = tuple(
        dict.fromkeys(warning for service in services for role in service.roles for warning in finder.warnings(role))
    )
    return Loaded(path, recipe, project, services, (*parsed.warnings, *noticed), finder)


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


def tools(
    loaded: Loaded,
    options: Options,
    engine: Engine,
    emit: Sink,
    environ: Mapping[str, str],
    together: Together | None = None,
) -> Tools:
    """The adapters, joined; one set of them is for one thread at a time."""
    together = together or in_common(environ)
    timings = Timings(emit, time.monotonic)
    emit = timings
    retrying = RetryingEngine(engine, emit, together.halt.sleep)
    finder, lock = loaded.finder, together.locks()
    settings = loaded.recipe.conductor
    secret = _secret(loaded, options, environ)
    player = Conductor(retrying, settings, emit, labels=OWNED, environ=environ, lock=lock, secret=secret)

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
        number=Locks(SHARED_LOCKS.with_name(f"{SHARED_LOCKS.name}-{os.getuid()}")).number,
        # The conductor's own root cannot be made in the conductor.
        elsewhere=None if isinstance(settings.base, Bootstrap) else partial(bootstrap, retrying, conductor, emit),
        fresh=together.fresh,
        ending=together.halt.ending,
    )
    records = EngineRecords(
        retrying,
        finder,
        layer_records(environ),
        Reuse(options.use_cache, frozenset(options.refreshed_roles)),
        seconds=timings.seconds,
    )
    return Tools(retrying, player, roots, records, emit, _nothing_to_register)


def without_engine(loaded: Loaded, environ: Mapping[str, str]) -> Callable[[Build], tuple[LayerKey, ...]]:
    """What can be said of a service's layers where no engine answers: what changed since they were last there."""
    known = KnownLayers(loaded.finder, layer_records(environ))
    return lambda build: known.explained(known.keys(build, image_key()))


def layer_records(environ: Mapping[str, str]) -> LayerRecords:
    """The records of layers in the state folder."""
    return LayerRecords(state_folder(environ) / "layers")


def recorded(emit: Sink, environ: Mapping[str, str]) -> Sink:
    """A sink that also keeps what happens in the history of builds. Raises UsageError for settings that are none."""
    builds, days = (_whole_number(environ, name, kept) for name, kept in HISTORY_SETTINGS.items())
    return Recorder(emit, history_folder(environ), Keep(builds, days)) if builds else emit


def history_folder(environ: Mapping[str, str]) -> Path:
    """Where the history of builds is."""
    return state_folder(environ) / "builds"


def in_common(environ: Mapping[str, str]) -> Together:
    """What all builds of a run share; its locks are between all runs that keep their records in the same folder."""
    return Together(state_folder(environ) / "locks")


def open_engine(environ: Mapping[str, str], *, keep: bool = False) -> DockerEngine:
    """The engine that DOCKER_HOST or the docker context names; its containers are named after this run.

    The names hold host, process and start time, so that a later run can tell what a killed one left behind;
    a label would do that too, but would be committed into every image. Raises EngineUnreachableError.
    """
    prefix = KEPT_PREFIX if keep else CONTAINER_PREFIX
    return connect(environ, container_prefix=run_name(prefix, socket.gethostname(), os.getpid(), int(time.time())))


def open_runner(environ: Mapping[str, str]) -> ContainerRunner:
    """For containers of finished images, on the same engine. Raises EngineUnreachableError."""
    return connect_runner(environ)


def place(folder: Path, environ: Mapping[str, str]) -> Place:
    """What ~ and $PWD mean on the host's side of a volume: the user's home and the project's folder."""
    return Place(environ.get("HOME") or str(Path.home()), str(folder.resolve()))


def another_engine(environ: Mapping[str, str], prefix: str, job: int) -> DockerEngine:
    """The same one over connections of its own, for another thread: the SDK's client is not made for several.

    `prefix` is that of the run, so that its containers count among those of the run.
    """
    return connect(environ, container_prefix=f"{prefix}_{job}")


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where records of layers are kept: BASEIMAGE_STATE, else the user's cache folder."""
    return Path(environ["BASEIMAGE_STATE"]) if environ.get("BASEIMAGE_STATE") else user_cache_path("baseimage-pipeline")


def _whole_number(environ: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environ.get(name) or str(otherwise)
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"{name} must be a whole number, is {text!r}", hint="0 builds keep no history")
    return int(text)


def _nothing_to_register(undo: Callable[[], None]) -> None:
    """The runner puts its own in this place."""


def _secret(loaded: Loaded, options: Options, environ: Mapping[str, str]) -> Secret | None:
    """Reads the vault password when a role is played; the file has to be there before. Raises UsageError."""
    in_recipe = loaded.recipe.vault_password_file
    origins = {
        "--vault-password-file": options.vault_password_file,
        "ANSIBLE_VAULT_PASSWORD_FILE": environ.get("ANSIBLE_VAULT_PASSWORD_FILE", ""),
        "settings.vault_password_file": in_recipe and str(loaded.path.parent / Path(in_recipe).expanduser()),
    }
    origin, given = next(((name, path) for name, path in origins.items() if path), ("", ""))
    if not given:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise UsageError(f"{path}: the vault password's file is missing", hint=f"{origin} names it")
    return cache(partial(sources.read_vault_password, path, environ))


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
        conductor = replace(conductor, base=FALLBACK_CONDUCTOR_BASE)
    return replace(recipe, conductor=conductor)


def _recipes_hint(folder: Path) -> str:
    names = sorted(path.stem for path in (folder / "recipes").glob("*.yml"))
    return f"recipes here: {', '.join(names)}" if names else "give the path of a recipe, or --project FOLDER"
