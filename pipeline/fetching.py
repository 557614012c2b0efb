"""Bringing the folders that come from elsewhere: several at once, each whole or not at all, and the lock file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import checkout
from pipeline.checkout import Checkout, Decision, Wishes
from pipeline.errors import GitError, PipelineError, Problem, SourcesError
from pipeline.events import Sink, StepCached, StepFailed, StepFinished, StepStarted, Transfer
from pipeline.git import Git
from pipeline.module_lock import LOCK_FILE, LockEntry, entry_of, lock_text
from pipeline.modules import ARCHIVES, Module, masked
from pipeline.processes import Workers

AT_ONCE = 4
"""Modules that are fetched at the same time."""

_ELSEWHERE = re.compile(r"\w[\w+.-]*://|[^/]+:")
Install = Callable[[Module, Path], str]
"""Brings what is no git repository into a folder that does not exist yet; says what came."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A module, what stands in its place, and what will be done about it."""

    module: Module
    found: Checkout
    decision: Decision
    locked: str = ""

    @property
    def step(self) -> str:
        """The id of its step in events."""
        return f"initialize/{self.module.path}"


class Fetcher:
    """Fetches modules into the folders of a project."""

    def __init__(
        self, project: Path, git: Git, workers: Workers, emit: Sink, clock: Callable[[], float], install: Install
    ) -> None:
        self._project, self._git, self._workers = project, git, workers
        self._emit, self._clock, self._install = emit, clock, install

    def plan(self, modules: tuple[Module, ...], lock: Mapping[str, LockEntry], wishes: Wishes) -> tuple[Plan, ...]:
        """Look at every module's folder and decide; nothing is changed, and no network is used."""
        return tuple(self._plan(module, lock, wishes) for module in modules)

    def carry_out(self, plans: tuple[Plan, ...], lock: Mapping[str, LockEntry]) -> None:
        """Do what was planned, and write the lock: `lock`, with the new entries of what succeeded.

        What succeeds stays, whatever becomes of the others. Raises SourcesError with every failure and refusal.
        """
        problems: list[Problem] = []
        commits: dict[str, str] = {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
            try:
                running = [(plan, pool.submit(self._one, plan)) for plan in plans]
                for plan, future in running:
                    try:
                        commits[plan.module.path] = future.result()
                    except SourcesError as error:
                        problems += error.problems
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._workers.end()
                raise
        new = {
            plan.module.path: entry_of(plan.module, commits[plan.module.path])
            for plan in plans
            if commits.get(plan.module.path)
        }
        self._write({**lock, **new})
        if problems:
            raise SourcesError(problems)

    def remove(self, entry: LockEntry, *, dry_run: bool) -> str | None:
        """Remove a module's folder if all of it can be fetched again.

        Returns "" when it was (or with `dry_run` would be) removed, else why it is kept; None when it is not there.
        """
        folder = self._project / entry.path
        if self._through_a_link(entry.path):
            return "is reached through a symbolic link"
        try:
            found = self._git.inspect(folder)
        except GitError as error:
            return f"cannot be looked into: {error.message}"
        if found.place == "missing":
            return None
        kept = checkout.keeps_users_work(self._address(entry.url), entry.commit, found)
        if not kept and not dry_run:
            shutil.rmtree(folder)
            with suppress(OSError):  # others are in there
                folder.parent.rmdir()
        return kept

    def _plan(self, module: Module, lock: Mapping[str, LockEntry], wishes: Wishes) -> Plan:
        entry = lock.get(module.path)
        locked = entry.commit if entry and entry.holds_for(module) else ""
        try:
            found = Checkout("link") if self._through_a_link(module.path) else self._git.inspect(self._at(module))
        except GitError as error:
            hint = "mend the repository, or move it away"
            return Plan(module, Checkout("repository"), Decision("refuse", error.message, hint), locked)
        resolved = self._resolved(module)
        return Plan(module, found, checkout.decide(resolved, found, locked, wishes), "" if wishes.update else locked)

    def _one(self, plan: Plan) -> str:
        """The commit that the module is at in the end, "" for one without commits."""
        module, step = plan.module, plan.step
        if plan.decision.work == "keep":
            at = plan.found.commit[:12]
            self._emit(StepCached(step, "", module.path, "", f"at {at}" if at else "is there"))
            return plan.found.commit
        self._emit(StepStarted(step, "", module.path, "", masked(module.url)))
        started = self._clock()
        try:
            commit = self._work(plan)
        except (PipelineError, OSError) as error:
            failed = _failure(plan, error)
            self._emit(StepFailed(step, self._clock() - started, failed.message))
            raise SourcesError([failed]) from error
        detail = " of ".join(part for part in (commit[:12], module.wanted) if part)
        self._emit(StepFinished(step, self._clock() - started, detail))
        return "" if module.archive else commit

    def _work(self, plan: Plan) -> str:
        module = self._resolved(plan.module)
        folder = self._at(module)

        def progress(received: int) -> None:
            self._emit(Transfer(plan.step, module.path, "receiving", received, 0))

        match plan.decision.work:
            case "move":
                return self._git.move(folder, module, plan.locked, progress)
            case "fetch" | "replace":
                return self._bring(folder, lambda beside: self._make(beside, module, plan.locked, progress))
            case _:
                raise GitError(masked(plan.decision.reason))

    def _make(self, beside: Path, module: Module, locked: str, progress: Callable[[int], None]) -> str:
        if module.archive:
            return self._install(module, beside)
        return self._git.clone(beside, module, locked, progress)

    def _bring(self, folder: Path, make: Callable[[Path], str]) -> str:
        """Make a folder beside its place and put it there when it is whole."""
        beside = folder.with_name(f".{folder.name}.baseimage-partial")
        before = folder.with_name(f".{folder.name}.baseimage-before")
        folder.parent.mkdir(parents=True, exist_ok=True)
        for stale in (beside, before):
            shutil.rmtree(stale, ignore_errors=True)
        try:
            made = make(beside)
            if folder.is_dir() and any(folder.iterdir()):
                folder.rename(before)
            try:
                beside.rename(folder)
            except OSError:
                if before.exists():
                    before.rename(folder)
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
        return made

    def _write(self, entries: Mapping[str, LockEntry]) -> None:
        path, text = self._project / LOCK_FILE, lock_text(entries.values())
        if not entries and not path.exists():
            return
        with suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == text:
                return
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)

    def _at(self, module: Module) -> Path:
        return self._project / module.path

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
        of_galaxy = module.archive and not module.url.endswith(ARCHIVES)
        return module if of_galaxy else replace(module, url=self._address(module.url))

    def _address(self, url: str) -> str:
        """A URL; a relative path is one relative to the project."""
        if _ELSEWHERE.match(url) or url.startswith("/"):
            return url
        return os.path.normpath(self._project.resolve() / url)


def _failure(plan: Plan, error: PipelineError | OSError) -> Problem:
    module = plan.module
    said = error.message if isinstance(error, PipelineError) else f"{error.strerror}: {error.filename}"
    if plan.decision.work == "refuse":
        return module.problem(f"{said} (from {module.url})", plan.decision.hint)
    hint = error.hint if isinstance(error, PipelineError) else ""
    return module.problem(f"{module.path} cannot be fetched from {module.url}: {said}", hint)
