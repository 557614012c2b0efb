"""Bringing the folders that come from elsewhere: several at once, each whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline import checkout
from pipeline.checkout import Checkout, Decision, Wishes
from pipeline.errors import GalaxyError, GitError, PipelineError, Problem, SourcesError
from pipeline.events import Sink, StepCached, StepFailed, StepFinished, StepStarted, Transfer
from pipeline.galaxy import Galaxy, Installed, content_of
from pipeline.git import Git
from pipeline.module_lock import LOCK_FILE, LockEntry, entry_of
from pipeline.modules import ARCHIVES, Module, masked
from pipeline.placing import put_in_place
from pipeline.processes import Workers

AT_ONCE = 4
"""Modules that are fetched at the same time."""

_ELSEWHERE = re.compile(r"\w[\w+.-]*://|[^/]+:")


@dataclass(frozen=True, slots=True)
class Plan:
    """A module, what stands in its place, what will be done about it, and the entry of the lock file to keep to."""

    module: Module
    found: Checkout
    decision: Decision
    locked: LockEntry | None = None

    @property
    def step(self) -> str:
        """The id of its step in events."""
        return f"initialize/{self.module.path}"

    @property
    def commit(self) -> str:
        """The commit to keep to, "" where there is none."""
        return self.locked.commit if self.locked else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of plans: new entries of the lock file by path, and every failure and refusal."""

    entries: dict[str, LockEntry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Fetcher:
    """Fetches modules into the folders of a project."""

    def __init__(
        self, project: Path, git: Git, galaxy: Galaxy, workers: Workers, emit: Sink, clock: Callable[[], float]
    ) -> None:
        self._project, self._git, self._galaxy = project, git, galaxy
        self._workers, self._emit, self._clock = workers, emit, clock

    def plan(self, modules: tuple[Module, ...], lock: Mapping[str, LockEntry], wishes: Wishes) -> tuple[Plan, ...]:
        """Look at every module's folder and decide; nothing is changed, and no network is used."""
        return tuple(self._plan(module, lock.get(module.path), wishes) for module in modules)

    def carry_out(self, plans: tuple[Plan, ...], lock: Mapping[str, LockEntry]) -> Outcome:
        """Do what was planned. What succeeds stays, whatever becomes of the others."""
        outcome = Outcome()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
            try:
                for future in [pool.submit(self._one, plan, lock) for plan in plans]:
                    try:
                        if entry := future.result():
                            outcome.entries[entry.path] = entry
                    except SourcesError as error:
                        outcome.problems.extend(error.problems)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._workers.end()
                raise
        return outcome

    def remove(self, entry: LockEntry, *, dry_run: bool) -> str | None:
        """Remove a module's folder if all of it can be fetched again.

        Returns "" when it was (or with `dry_run` would be) removed, else why it is kept; None when it is not there.
        """
        folder = self._project / entry.path
        if self._through_a_link(entry.path):
            return "is reached through a symbolic link"
        try:
            found = self._inspect(entry.path, installed=bool(entry.content))
        except GitError as error:
            return f"cannot be looked into: {error.message}"
        if found.place == "missing":
            return None
        address = self._address(entry.url)
        if entry.url.endswith(ARCHIVES) and address.startswith("/") and not Path(address).exists():
            return f"was installed from {entry.url}, which is not there"
        kept = checkout.keeps_users_work(address, entry, found)
        if not kept and not dry_run:
            shutil.rmtree(folder)
            with suppress(OSError):  # others are in there
                folder.parent.rmdir()
        return kept

    def _plan(self, module: Module, entry: LockEntry | None, wishes: Wishes) -> Plan:
        resolved = self._resolved(module)
        locked = replace(entry, url=self._resolved(replace(module, url=entry.url)).url) if entry else None
        kept = locked if locked and locked.holds_for(resolved) else None
        try:
            found = self._inspect(module.path, installed=module.archive)
        except GitError as error:
            hint = "mend the repository, or move it away"
            return Plan(module, Checkout("repository"), Decision("refuse", error.message, hint), kept)
        decision = checkout.decide(resolved, found, locked, wishes)
        return Plan(module, found, decision, None if wishes.update else kept)

    def _inspect(self, path: str, *, installed: bool) -> Checkout:
        if self._through_a_link(path):
            return Checkout("link")
        found = self._git.inspect(self._project / path)
        return (
            replace(found, content=content_of(self._project / path)) if found.place == "folder" and installed else found
        )

    def _one(self, plan: Plan, lock: Mapping[str, LockEntry]) -> LockEntry | None:
        """The entry of the lock file for what is there in the end, None for what was there before any lock file."""
        module, step = plan.module, plan.step
        if plan.decision.work == "keep":
            kept = plan.locked if module.archive else entry_of(module, plan.found.commit)
            at = _shown(kept) if kept else ""
            self._emit(StepCached(step, "", module.path, "", f"at {at}" if at else "is there"))
            return replace(kept, url=entry_of(module).url) if kept else None
        self._emit(StepStarted(step, "", module.path, "", masked(module.url)))
        started = self._clock()
        try:
            entry = self._work(plan, lock)
        except (PipelineError, OSError) as error:
            failed = _failure(plan, error)
            self._emit(StepFailed(step, self._clock() - started, failed.message))
            raise SourcesError([failed]) from error
        detail = " of ".join(part for part in (_shown(entry), module.wanted) if part)
        self._emit(StepFinished(step, self._clock() - started, detail))
        return entry

    def _work(self, plan: Plan, lock: Mapping[str, LockEntry]) -> LockEntry:
        module = self._resolved(plan.module)
        folder = self._project / module.path
        if plan.decision.work == "refuse":
            raise GitError(masked(plan.decision.reason))
        if module.archive:
            return self._bring_installed(plan, module, lock)
        if plan.decision.work == "move":
            return entry_of(plan.module, self._git.move(folder, module, plan.commit, self._progress(plan)))
        commit = put_in_place(
            folder, lambda beside: self._git.clone(beside, module, plan.commit, self._progress(plan)), lambda _: folder
        )
        return entry_of(plan.module, commit)

    def _bring_installed(self, plan: Plan, module: Module, lock: Mapping[str, LockEntry]) -> LockEntry:
        """Install what is no checkout: it goes to where what came says that it belongs."""

        def place(entry: LockEntry) -> Path:
            if module.unplaced and not self._may_replace(entry, lock.get(entry.path)):
                raise GalaxyError(f"{entry.path} is there, and is something else", hint="move it away")
            return self._project / entry.path

        return put_in_place(self._project / module.path, lambda beside: self._install(plan, module, beside), place)

    def _install(self, plan: Plan, module: Module, beside: Path) -> LockEntry:
        """Install into a folder that does not exist yet; the entry for what came, if it is what was wanted."""
        if module.git:
            commit, installed = self._from_repository(plan, module, beside)
        else:
            version = plan.locked.version if plan.locked else ""
            commit, installed = "", self._galaxy.install(module, beside, version)
        if not module.unplaced and installed.path != module.path:
            raise GalaxyError(f"what came is {installed.path}", hint="name it by what it is")
        placed = replace(plan.module, path=installed.path)
        entry = entry_of(placed, commit, installed.version, content_of(beside))
        if plan.locked and not commit and plan.locked.content != entry.content:
            hint = "if that is meant, take it with: baseimage initialize --update"
            raise GalaxyError(f"what came is not what {LOCK_FILE} names", hint=hint)
        return entry

    def _may_replace(self, entry: LockEntry, known: LockEntry | None) -> bool:
        """Whether nothing is lost in the place of what came: it is free, or holds the same, or what came before."""
        found = self._inspect(entry.path, installed=True)
        as_it_came = found.content in (entry.content, known.content if known else "")
        return found.place in ("missing", "empty") or (found.place == "folder" and as_it_came)

    def _from_repository(self, plan: Plan, module: Module, beside: Path) -> tuple[str, Installed]:
        """Install a collection from a commit of a repository: the commit, and what came."""
        source = beside.with_name(f"{beside.name}-source")
        address, _, within = module.url.partition("#")
        try:
            commit = self._git.clone(source, replace(module, url=address), plan.commit, self._progress(plan))
            folder = source / within.strip("/")
            if not (folder / "galaxy.yml").is_file():
                raise GalaxyError("there is no galaxy.yml in the repository", hint="name its folder: URL#FOLDER")
            return commit, self._galaxy.install(replace(module, url=str(folder)), beside)
        finally:
            shutil.rmtree(source, ignore_errors=True)

    def _progress(self, plan: Plan) -> Callable[[int], None]:
        return lambda received: self._emit(Transfer(plan.step, plan.module.path, "receiving", received, 0))

    def _through_a_link(self, path: str) -> bool:
        """Whether any part of a module's path below the project is a symbolic link."""
        place = self._project
        for part in path.split("/"):
            place /= part
            if place.is_symlink():
                return True
        return False

    def _resolved(self, module: Module) -> Module:
        """The module with an address that holds anywhere; a name of Galaxy's does as it is."""
        of_galaxy = module.archive and not module.git and not module.url.endswith(ARCHIVES)
        return module if of_galaxy else replace(module, url=self._address(module.url))

    def _address(self, url: str) -> str:
        """A URL; a relative path is one relative to the project."""
        if _ELSEWHERE.match(url) or url.startswith("/"):
            return url
        return os.path.normpath(self._project.resolve() / url)


def _shown(entry: LockEntry) -> str:
    """An entry's commit or version, for people."""
    return entry.commit[:12] or entry.version


def _failure(plan: Plan, error: PipelineError | OSError) -> Problem:
    module = plan.module
    said = error.message if isinstance(error, PipelineError) else f"{error.strerror}: {error.filename}"
    if plan.decision.work == "refuse":
        return module.problem(f"{said} (from {module.url})", plan.decision.hint)
    hint = error.hint if isinstance(error, PipelineError) else ""
    return module.problem(f"{module.path} cannot be fetched from {module.url}: {said}", hint)
