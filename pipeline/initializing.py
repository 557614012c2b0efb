"""The modules of a project put together: .projmodules, requirements.yml and the lock file read, the rest joined."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline import loading, sources, state
from pipeline.checkout import Wishes
from pipeline.errors import InputError, Problem, SourcesError
from pipeline.events import Sink, Warned
from pipeline.fetching import Fetcher, Plan
from pipeline.galaxy import Galaxy, needs, unmet
from pipeline.git import Git
from pipeline.locks import Locks
from pipeline.module_lock import LOCK_FILE, LockEntry, lock_text, parse_lock, placed
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
        galaxy = Galaxy(folder, environ, self._workers)
        self._fetcher = Fetcher(folder, self._git, galaxy, self._workers, emit, time.monotonic)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process of this machine works on this project's modules."""
        with self._locks(f"modules-{str(self._folder.resolve()).strip('/')}"):
            yield

    def declared(self) -> Declared:
        """Read all three files, and what collections that are there need. Raises InputError with all mistakes."""
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
        named = checked_paths(tuple(placed(module, lock) for module in modules), problems)
        return Declared((*named, *needs(self._folder, named)), lock, tuple(files))

    def _modules_of(self, path: Path, text: str) -> tuple[Module, ...]:
        shown = loading.shown(path)
        if path.name == MODULES_FILE:
            return parse_modules(text, self._git.config(path, shown), shown)
        return parse_requirements(text, shown)

    def plan(self, declared: Declared, wishes: Wishes) -> tuple[Plan, ...]:
        """What is to be done about each module that the files name; see `Fetcher.plan`."""
        named = tuple(module for module in declared.modules if not module.needed)
        return self._fetcher.plan(named, declared.lock, wishes)

    def carry_out(
        self, plans: tuple[Plan, ...], declared: Declared, wishes: Wishes, *, only_missing: bool = False
    ) -> None:
        """Do it, and then the same for what collections need that are there now; see `Fetcher.carry_out`.

        The lock file is written; what git would commit into the project is warned of. With `only_missing`, what
        they need is left alone where it is there. Raises SourcesError with every failure and refusal.
        """
        entries, problems, done = dict(declared.lock), [], list(plans)
        known, waiting = tuple(module for module in declared.modules if not module.needed), plans
        while True:
            outcome = self._fetcher.carry_out(waiting, entries)
            entries |= outcome.entries
            problems += outcome.problems
            known = tuple(placed(module, entries) for module in known)
            more = tuple(module for module in needs(self._folder, known) if module.path not in _paths(known))
            if not more:
                break
            known = (*known, *more)
            wanted = tuple(module for module in more if not only_missing or missing(self._folder, module))
            waiting = self._fetcher.plan(wanted, entries, wishes)
            done += waiting
        problems += unmet(self._folder, known)
        self._write({path: entry for path, entry in entries.items() if problems or path in _paths(known)})
        self._warn_of_tracked(_paths(placed(plan.module, entries) for plan in done))
        if problems:
            raise SourcesError(problems)

    def _write(self, entries: Mapping[str, LockEntry]) -> None:
        path, text = self._folder / LOCK_FILE, lock_text(entries.values())
        if not entries and not path.exists():
            return
        with suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == text:
                return
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)

    def clean(self, *, dry_run: bool) -> tuple[Cleaned, ...]:
        """Remove what the lock file names and can be fetched again; says what became of each folder that is there."""
        path = self._folder / LOCK_FILE
        text = sources.read_text(path, "lock file") if path.exists() else lock_text(())
        entries = parse_lock(text, loading.shown(path)).values()
        outcomes = ((entry.path, self._fetcher.remove(entry, dry_run=dry_run)) for entry in entries)
        return tuple(Cleaned(path, kept) for path, kept in outcomes if kept is not None)

    def _warn_of_tracked(self, paths: tuple[str, ...]) -> None:
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
        wishes = Wishes(offline=offline)
        absent = tuple(module for module in declared.modules if missing(folder, module))
        plans = workspace.plan(Declared(absent, declared.lock, declared.files), wishes)
        workspace.carry_out(plans, declared, wishes, only_missing=True)


def missing(folder: Path, module: Module) -> bool:
    """Whether a module's folder is not there, or holds nothing."""
    place = folder / module.path
    return not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir()))


def _paths(modules: Iterable[Module]) -> tuple[str, ...]:
    return tuple(module.path for module in modules)
