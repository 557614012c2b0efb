"""The modules of a project put together: .projmodules, requirements.yml and the lock file read, the rest joined."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import loading, sources, state
from pipeline.checkout import Wishes
from pipeline.errors import InputError, Problem
from pipeline.events import Sink, Warned
from pipeline.fetching import Fetcher, Plan
from pipeline.galaxy import Galaxy
from pipeline.git import Git
from pipeline.locks import Locks
from pipeline.module_lock import LOCK_FILE, LockEntry, lock_text, parse_lock
from pipeline.modules import MODULES_FILE, Module, checked_paths, parse_modules
from pipeline.processes import Workers
from pipeline.requirements import REQUIREMENTS_FILE, parse_requirements


@dataclass(frozen=True, slots=True)
class Declared:
    """What a project's files say about folders that come from elsewhere."""

    modules: tuple[Module, ...]
    lock: dict[str, LockEntry]
    files: tuple[str, ...]
    """The names of those files of the project that were there."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A folder that `clean` removed, or why it was kept."""

    path: str
    kept: str


class Workspace:
    """A project's modules. Nothing is read before it is asked for."""

    def __init__(self, folder: Path, environ: Mapping[str, str], emit: Sink) -> None:
        self._folder, self._emit = folder, emit
        self._workers = Workers()
        self._git = Git(environ, self._workers)
        self._locks = Locks(state.state_folder(environ) / "locks")
        galaxy = Galaxy(environ, self._workers)
        self._fetcher = Fetcher(folder, self._git, self._workers, emit, time.monotonic, galaxy.install)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process of this machine works on this project's modules."""
        with self._locks(f"modules-{str(self._folder.resolve()).strip('/')}"):
            yield

    def declared(self) -> Declared:
        """Read all three files. Raises InputError with all mistakes."""
        problems: list[Problem] = []
        files: list[str] = []
        modules: list[Module] = []
        lock: dict[str, LockEntry] = {}
        for name in (MODULES_FILE, REQUIREMENTS_FILE, LOCK_FILE):
            path = self._folder / name
            if path.exists():
                files.append(name)
                try:
                    text = sources.read_text(path, "list of modules")
                    if name == LOCK_FILE:
                        lock = parse_lock(text, loading.shown(path))
                    else:
                        modules += self._modules_of(path, text)
                except InputError as error:
                    problems += error.problems
        declared = checked_paths(tuple(modules), problems)
        kept = {module.path: lock[module.path] for module in declared if module.path in lock}
        return Declared(declared, kept, tuple(files))

    def _modules_of(self, path: Path, text: str) -> tuple[Module, ...]:
        shown = loading.shown(path)
        if path.name == MODULES_FILE:
            return parse_modules(text, self._git.config(path, shown), shown)
        return parse_requirements(text, shown)

    def plan(self, declared: Declared, wishes: Wishes) -> tuple[Plan, ...]:
        """What is to be done about each module; see `Fetcher.plan`."""
        return self._fetcher.plan(declared.modules, declared.lock, wishes)

    def carry_out(self, plans: tuple[Plan, ...], declared: Declared) -> None:
        """Do it; see `Fetcher.carry_out`. What git would commit into the project is warned of."""
        if plans:
            self._fetcher.carry_out(plans, declared.lock)
            self._warn_of_tracked(plans)

    def clean(self, *, dry_run: bool) -> tuple[Cleaned, ...]:
        """Remove what the lock file names and can be fetched again; says what became of each folder that is there."""
        path = self._folder / LOCK_FILE
        text = sources.read_text(path, "lock file") if path.exists() else lock_text(())
        entries = parse_lock(text, loading.shown(path)).values()
        outcomes = ((entry.path, self._fetcher.remove(entry, dry_run=dry_run)) for entry in entries)
        return tuple(Cleaned(path, kept) for path, kept in outcomes if kept is not None)

    def _warn_of_tracked(self, plans: tuple[Plan, ...]) -> None:
        paths = tuple(plan.module.path for plan in plans)
        ignored = self._git.ignores(self._folder, paths)
        open_paths = [path for path in paths if ignored is not None and path not in ignored]
        if open_paths:
            message = f"git does not ignore {', '.join(open_paths)}"
            lines = ", ".join(f"/{path}/" for path in open_paths)
            self._emit(Warned(message, f"add to .gitignore: {lines}", MODULES_FILE))


def bring_missing(folder: Path, environ: Mapping[str, str], emit: Sink, *, offline: bool) -> None:
    """Fetch the modules whose folders are not there; the others are not looked at. Raises InputError, SourcesError.

    Without .projmodules and requirements.yml, and where nothing is missing, no network is used.
    """
    if not any((folder / name).exists() for name in (MODULES_FILE, REQUIREMENTS_FILE)):
        return
    workspace = Workspace(folder, environ, emit)
    declared = workspace.declared()
    if not any(missing(folder, module) for module in declared.modules):
        return
    with workspace.alone():
        absent = tuple(module for module in declared.modules if missing(folder, module))
        plans = workspace.plan(Declared(absent, declared.lock, declared.files), Wishes(offline=offline))
        workspace.carry_out(plans, declared)


def missing(folder: Path, module: Module) -> bool:
    """Whether a module's folder is not there, or holds nothing."""
    place = folder / module.path
    return not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir()))
