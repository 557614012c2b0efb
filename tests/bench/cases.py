"""What is measured: the cases in order, each with the job of a round and the state that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from tests.bench.peers.peer import Job
from tests.bench.work import SERVER, Work, cell, mark, tree, trivial_roles, trivial_tasks

Before = Literal["", "packages", "layers"]


@dataclass(frozen=True)
class Case:
    """One measurement. `job` is called with a text that no other round and no other run has.

    `before`: what earlier builds have to have left, for builders that keep it. `most`: no more rounds than these,
    unless the number of rounds is said.
    """

    name: str
    title: str
    job: Callable[[str], Job]
    before: Before = ""
    most: int = 99

    @property
    def group(self) -> str:
        """What the command line calls it, with its kin: roles-1, roles-10 and roles-30 are `roles`."""
        return self.name.partition("-")[0]

    def earlier(self, unique: str) -> Job:
        """A build that leaves what the case starts from."""
        return replace(self.job(unique), reuse=True, packages=True)


CELLS = 12
ROLES = (1, 10, 30)
TASKS = (10, 60)
FILES = 50_000


def _always(name: str, *works: Work, reuse: bool = False, packages: bool = True) -> Callable[[str], Job]:
    job = Job(name, works, reuse=reuse, packages=packages)
    return lambda _: job


def _last(unique: str) -> Job:
    return Job("last", ((mark("first", "the same"), SERVER, mark("last", unique)),), reuse=True)


def _first(unique: str) -> Job:
    return Job("first", ((mark("first", unique), SERVER, mark("last", "the same")),), reuse=True)


def _matrix(count: int) -> Case:
    works = tuple((SERVER, cell(number)) for number in range(1, count + 1))
    title = f"{count} cells" if count > 1 else "one cell"
    return Case(f"matrix-{count}", title, _always(f"matrix-{count}", *works), "packages", most=1)


CASES = (
    Case("cold", "cold, package cache empty", _always("cold", (SERVER,), packages=False)),
    Case("warm", "cold, package cache warm", _always("warm", (SERVER,)), "packages"),
    Case("nothing", "nothing changed", _always("nothing", (SERVER,), reuse=True), "layers"),
    Case("last", "last role changed", _last, "layers"),
    Case("first", "first role changed", _first, "layers"),
    _matrix(1),
    _matrix(CELLS),
    *(
        Case(f"roles-{count}", f"{count} trivial roles", _always(f"roles-{count}", trivial_roles(count)), most=3)
        for count in ROLES
    ),
    *(
        Case(f"tasks-{count}", f"{count} trivial tasks", _always(f"tasks-{count}", (trivial_tasks(count),)), most=3)
        for count in TASKS
    ),
    Case("files", f"copy of {FILES:,} files", _always("files", (tree(FILES),)), most=3),
)
