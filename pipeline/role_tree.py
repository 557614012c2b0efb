"""The files of one role as they are sent and counted: what Ansible needs, with links that would dangle resolved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

IGNORED = (".git", "__pycache__", ".DS_Store")
_IGNORED_ENDS = (".retry", ".pyc")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file or link of a role: its path in the role, and where its content is on this machine."""

    path: str
    source: Path
    is_link: bool = False
    """Whether it is kept as a link. One that leaves the role is not: its content is sent in its place."""


def entries(folder: Path, *, keep_links: bool = False) -> Iterator[TreeEntry]:
    """Every file of a role, sorted. Links that stay in the role are links; others stand for what they lead to.

    With `keep_links` every link is one, wherever it leads.
    """
    role = "" if keep_links else os.path.realpath(folder)
    yield from sorted(_walk(folder, "", role, ()), key=lambda entry: entry.path)


def leaving_links(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The links of a role that lead out of it, each with the path that it leads to."""
    role = os.path.realpath(folder)
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _ignored(name))
        for path in (Path(place, name) for name in sorted((*names, *folders))):
            if path.is_symlink() and not _ignored(path.name) and not _stays(path, role):
                yield path, Path(os.path.realpath(path))


def copy_role(folder: Path, target: Path) -> None:
    """Copy a role's files, with modes; empty folders too."""
    for place, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not _ignored(name)]
        (target / Path(place).relative_to(folder)).mkdir(parents=True, exist_ok=True)
    for entry in entries(folder):
        copy = target / entry.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_link:
            copy.symlink_to(entry.source.readlink())
        else:
            shutil.copy2(entry.source, copy)


def _walk(folder: Path, prefix: str, role: str, above: tuple[str, ...]) -> Iterator[TreeEntry]:
    real = os.path.realpath(folder)
    if real in above:
        return  # a link to a folder that it stands in
    with os.scandir(folder) as found:
        children = [Path(each.path) for each in found if not _ignored(each.name)]
    for child in children:
        path = f"{prefix}{child.name}"
        if child.is_symlink() and _stays(child, role):
            yield TreeEntry(path, child, is_link=True)
        elif child.is_dir():
            yield from _walk(child, f"{path}/", role, (*above, real))
        elif child.is_file():
            yield TreeEntry(path, child)


def _stays(link: Path, role: str) -> bool:
    """Whether a link also leads to the same place where the role is copied to; without a role, any does."""
    if not role:
        return True
    target = os.path.realpath(link)
    return not link.readlink().is_absolute() and (target == role or target.startswith(f"{role}{os.sep}"))


def _ignored(name: str) -> bool:
    return name in IGNORED or name.endswith(_IGNORED_ENDS)
