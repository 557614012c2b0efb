"""One command's run put together: the adapters made and joined."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import sources
from pipeline.aside import EngineAside
from pipeline.build_secrets import read_secrets
from pipeline.cleaning import run_name
from pipeline.compose_document import Place
from pipeline.conductor import Conductor
from pipeline.conductor_context import image_key
from pipeline.docker_engine import DockerEngine, connect
from pipeline.docker_run import ContainerRunner, connect_runner
from pipeline.engine import ContainerId, Engine
from pipeline.errors import PipelineError, UsageError
from pipeline.events import Sink, Warned
from pipeline.loading import Loaded, Options
from pipeline.locks import Locks
from pipeline.observed import Observed
from pipeline.plan import LayerKey
from pipeline.provenance import Origin
from pipeline.recipe import Bootstrap
from pipeline.records import EngineRecords, KnownLayers, Reuse
from pipeline.registry_cache import RegistryCache
from pipeline.registry_patience import registry_patience
from pipeline.remembered import Remembered
from pipeline.remote_bootstrap import bootstrap
from pipeline.repository import Repository, is_in_repository
from pipeline.retrying import RetryingEngine
from pipeline.roots import EngineRoots
from pipeline.secret_options import secret_sources
from pipeline.secret_values import NO_SECRETS, SecretValues
from pipeline.source_date import source_date
from pipeline.stage import Build, Tools
from pipeline.state import layer_records, state_folder
from pipeline.timings import Timings
from pipeline.together import Together
from pipeline.vault import Secret

if TYPE_CHECKING:
    from pipeline.attester import Attester, Wishes

OWNED = {"io.baseimage.owner": "baseimage-pipeline"}
"""The label on every volume and conductor image that is made, so that they can be found and removed again."""

SHARED_LOCKS = Path("/tmp/baseimage")  # noqa: S108 - a prefix of the user's own folder
"""Locks between all runs on this machine: wherever TMPDIR leads, they share the engine."""

CACHE_PATIENCE = 8.0
"""Seconds in which a shared cache has to answer, before what it may have is built here."""

CONTAINER_PREFIX = "baseimage-run"
KEPT_PREFIX = "baseimage-kept"
"""Containers of a run with --keep: the next build leaves them alone, `baseimage gc` removes them."""


def builds(loaded: Loaded, epoch: int | None = None) -> tuple[Build, ...]:
    """The first state of each service's build; with an epoch, images are made to be the same at any time."""
    return tuple(Build(loaded.recipe, loaded.project, service, epoch=epoch) for service in loaded.services)


def epoch(loaded: Loaded, options: Options, environ: Mapping[str, str], *, push: bool) -> int | None:
    """The time that nothing in the images is to be younger than, None where that does not matter.

    Raises UsageError, GitError.
    """
    release = loaded.project.release
    said = (options.reproducible, loaded.recipe.reproducible, push and release is not None and release.once)
    wanted = next(each for each in said if each is not None)
    return source_date(options.folder, environ) if wanted else None


def tools(
    loaded: Loaded,
    options: Options,
    engine: Engine,
    emit: Sink,
    environ: Mapping[str, str],
    together: Together | None = None,
    another: Callable[[], Engine] | None = None,
    prefix: str = "",
    secrets: SecretValues | None = None,
) -> Tools:
    """The adapters, joined; one set of them is for one thread at a time.

    `another` opens further connections to the engine, for work beside the stages, and `prefix` begins the names of
    this thread's containers; a plan needs neither. Without `secrets` (None) nobody looks whether those are given that
    roles need.
    """
    together = together or in_common(environ)
    timings = Timings(emit, time.monotonic)
    emit = timings
    retrying = RetryingEngine(engine, emit, together.halt.sleep, registry_patience(environ).trying)
    shared = _shared_cache(loaded, engine, emit, environ, together, renew=options.refresh)
    finder, lock = loaded.finder, together.locks()
    settings = loaded.recipe.conductor
    secret = _secret(loaded, options, environ)
    another = another or (lambda: engine)
    player = Conductor(
        retrying,
        settings,
        emit,
        labels=OWNED,
        environ=environ,
        lock=lock,
        aside=EngineAside(another),
        name_target=lambda: f"{prefix}_target{uuid.uuid4().hex[:12]}",
        secret=secret,
        secrets=secrets or NO_SECRETS,
    )

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
        look=Remembered(retrying.existing, state_folder(environ) / "images"),
        brought=shared.bring_root,
    )
    records = EngineRecords(
        retrying,
        finder,
        layer_records(environ),
        Reuse(options.use_cache, frozenset(options.refreshed_roles)),
        seconds=timings.seconds,
        look_up=shared.look_up,
    )
    given = None if secrets is None else frozenset(secrets.ids)
    return Tools(retrying, player, roots, records, emit, _nothing_to_register, EngineAside(another), shared, given)


def build_secrets(options: Options, environ: Mapping[str, str]) -> SecretValues:
    """The secrets that the command line gives. Raises UsageError."""
    return read_secrets(secret_sources(options.secrets), environ) if options.secrets else NO_SECRETS


def _shared_cache(
    loaded: Loaded, engine: Engine, emit: Sink, environ: Mapping[str, str], together: Together, *, renew: bool
) -> RegistryCache:
    """The registries' cache. It is worth less patience than what a build cannot do without."""
    impatient = RetryingEngine(engine, emit, together.halt.sleep, patience=CACHE_PATIENCE)
    records = layer_records(environ)
    return RegistryCache(impatient, loaded.cache, records, emit, together.registries, together.alone, renew=renew)


def without_engine(loaded: Loaded, environ: Mapping[str, str]) -> Callable[[Build], tuple[LayerKey, ...]]:
    """What can be said of a service's layers where no engine answers: what changed since they were last there."""
    known = KnownLayers(loaded.finder, layer_records(environ))
    return lambda build: known.explained(known.keys(build, image_key()))


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


def attester(
    wishes: Wishes, loaded: Loaded, options: Options, observed: Observed, environ: Mapping[str, str], run: str
) -> Attester:
    """What attaches things to pushed images; `observed` has to see the run's events."""
    from pipeline.attester import Attester, Place  # noqa: PLC0415 - only a push that attaches something needs it
    from pipeline.oci_registry import OciRegistry  # noqa: PLC0415 - the same

    return Attester(
        wishes,
        Place(options.folder, loaded.path, environ, run, _origin(wishes, loaded, options, observed, environ)),
        loaded.finder,
        observed,
        lambda name, emit, insecure: OciRegistry(name, environ, emit, insecure=insecure),
    )


def _origin(wishes: Wishes, loaded: Loaded, options: Options, emit: Sink, environ: Mapping[str, str]) -> Origin | None:
    """The commit that a provenance names: the labels', else what is checked out. No build fails for want of it."""
    from pipeline.materials import origin_of  # noqa: PLC0415 - as `attester`

    if loaded.project.release:
        return origin_of(loaded.project.release)
    if not wishes.provenance or not is_in_repository(options.folder):
        return None
    try:
        return Repository(options.folder, environ).origin()
    except PipelineError as error:
        emit(Warned(f"the provenance names no commit: {error.message}", error.hint))
        return None


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
