"""What is built, said once: roles, Dockerfiles and deploys are written from it, and images checked against it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Packages:
    """Debian packages, without what they recommend; no package lists and archives stay behind."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Folders:
    """Folders of mode 0755."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Files:
    """Files of one mode: pairs of path and text."""

    texts: tuple[tuple[str, str], ...]
    mode: str = "0644"


@dataclass(frozen=True)
class Lines:
    """Lines of a file, added where they are not in it."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class User:
    """A user with a home."""

    name: str


@dataclass(frozen=True)
class Tree:
    """A folder of many small files; see trees.py."""

    path: str
    count: int


Task = Packages | Folders | Files | Lines | User | Tree


@dataclass(frozen=True)
class Role:
    """Tasks that belong together: a role of Ansible, consecutive lines of a Dockerfile."""

    name: str
    tasks: tuple[Task, ...]


Work = tuple[Role, ...]
"""What one image is made of, in order."""

_SERVICES = {"cron": "cron -f", "sshd": "/usr/sbin/sshd -D", "syslog-ng": "syslog-ng -F --no-caps"}

SERVER = Role(
    "server",
    (
        Packages(("tini", "runit", "cron", "openssh-server", "syslog-ng-core")),
        Folders((*(f"/etc/service/{name}" for name in _SERVICES), "/etc/my_init.d", "/srv/app", "/srv/data")),
        Files(
            tuple((f"/etc/service/{name}/run", f"#!/bin/sh\nexec {command}\n") for name, command in _SERVICES.items()),
            mode="0755",
        ),
        Lines("/etc/ssh/sshd_config", ("PermitRootLogin prohibit-password", "PasswordAuthentication no", "UseDNS no")),
        User("app"),
    ),
)
"""A small server: the work that the project's figures are about."""


def mark(name: str, text: str) -> Role:
    """A role of one file, whose text is what changes between builds."""
    return Role(name, (Files(((f"/srv/{name}.txt", f"{text}\n"),)),))


def cell(number: int) -> Role:
    """What one cell of a matrix has for itself."""
    return Role("cell", (Folders(("/srv/cell",)), Files((("/srv/cell/number.txt", f"{number}\n"),))))


def trivial_roles(count: int) -> Work:
    """Roles of one task each."""
    return tuple(mark(f"role{number:02}", f"role {number}") for number in range(1, count + 1))


def trivial_tasks(count: int) -> Role:
    """One role of many tasks: a folder, a file in it, a line in that, and again."""
    kinds = (_folder, _file, _line)
    return Role("tasks", tuple(kinds[number % 3](number // 3) for number in range(count)))


def tree(count: int) -> Role:
    """A role that brings many files."""
    return Role("tree", (Folders(("/srv/tree",)), Tree("/srv/tree", count)))


def shared(works: tuple[Work, ...]) -> Work:
    """The roles that all of several works begin with."""
    first = works[0]
    count = 0
    while count < len(first) and all(work[: count + 1] == first[: count + 1] for work in works):
        count += 1
    return first[:count]


def installs(work: Work) -> bool:
    """Whether there are packages to install."""
    return any(isinstance(task, Packages) for role in work for task in role.tasks)


def _folder(number: int) -> Task:
    return Folders((f"/srv/tasks{number:02}",))


def _file(number: int) -> Task:
    return Files(((f"/srv/tasks{number:02}/file.txt", f"file {number}\n"),))


def _line(number: int) -> Task:
    return Lines(f"/srv/tasks{number:02}/file.txt", ("one more line",))
