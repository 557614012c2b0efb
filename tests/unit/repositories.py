"""Git repositories of a test's own, and a project that takes modules from them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.checkout import Wishes
from pipeline.errors import SourcesError
from pipeline.events import Event
from pipeline.fetching import Plan
from pipeline.initializing import Workspace

AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A. Nobody"), ("EMAIL", "nobody@example.org"))
}


def git(folder: Path, *words: str) -> str:
    """What git says, run in a folder without anybody's settings."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **AUTHOR}  # noqa: TID251 - a test's edge
    command = ["git", "-c", "init.defaultBranch=main", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout.strip()


@dataclass
class Repository:
    """A repository with a work tree, from which others fetch."""

    folder: Path

    def __post_init__(self) -> None:
        """Make it, with one commit."""
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "--quiet")
        self.first = self.commit("tasks/main.yml", "- debug:\n")

    def commit(self, path: str, text: str) -> str:
        """Write a file and commit it; the commit."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        git(self.folder, "add", ".")
        git(self.folder, "commit", "--quiet", "-m", text)
        return self.tip

    @property
    def tip(self) -> str:
        """The commit of HEAD."""
        return git(self.folder, "rev-parse", "HEAD")


@dataclass
class Home:
    """A project folder whose modules are fetched for real; `events` is what a display was told."""

    folder: Path
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True)

    def write(self, path: str, text: str) -> Path:
        """A file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def modules(self, **urls: str | Path) -> None:
        """A .projmodules with one role for each name."""
        sections = (f'[submodule "{name}"]\n\tpath = roles/{name}\n\turl = {url}\n' for name, url in urls.items())
        self.write(".projmodules", "".join(sections))

    @property
    def environ(self) -> dict[str, str]:
        """An environment without anybody's settings of git."""
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251 - a test's edge
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "BASEIMAGE_STATE": str(self.folder.parent / "state"),
        }

    def initialize(self, wishes: Wishes | None = None) -> tuple[Plan, ...]:
        """As the command does it. Raises SourcesError, InputError."""
        workspace = Workspace(self.folder, self.environ, self.events.append)
        declared = workspace.declared()
        plans = workspace.plan(declared, wishes or Wishes())
        workspace.carry_out(plans, declared, wishes or Wishes())
        return plans

    def refusals(self, wishes: Wishes | None = None) -> list[str]:
        """The problems of an `initialize` that has to fail."""
        try:
            self.initialize(wishes)
        except SourcesError as error:
            return [str(problem) for problem in error.problems]
        raise AssertionError("nothing was refused")

    def at(self, path: str) -> str:
        """The commit that a module is at."""
        return git(self.folder / path, "rev-parse", "HEAD")
