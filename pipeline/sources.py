"""The file system of a project: recipes, version.txt, image.txt, and the files of roles as they are counted."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pipeline import dockerignore
from pipeline.collection_requirements import COLLECTIONS
from pipeline.errors import UsageError
from pipeline.fingerprint import FileEntry
from pipeline.mentions import Words, all_of, words_of
from pipeline.player import DEPLOYABLES, RoleFiles
from pipeline.processes import first_line
from pipeline.role_includes import Include, includes
from pipeline.role_tree import TreeEntry, entries

META_FILES = ("meta/container.yml", "meta/container.yaml")
"""What a role says about the image, as in ansible-container."""


def read_text(path: Path, what: str, hint: str = "") -> str:
    """A text file of the project. Raises UsageError when it is missing, unreadable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: the {what} is missing", hint=hint) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the {what} is not UTF-8 text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"{path}: the {what} cannot be read: {error.strerror}") from None


def read_vault_password(path: Path, environ: Mapping[str, str]) -> str:
    """The password in a file, or that a program prints, as Ansible has it. Raises UsageError, without the password."""
    try:
        if os.access(path, os.X_OK) and path.is_file():
            found = first_line((os.path.abspath(path),), environ)  # noqa: PTH100 - as it is called
        else:
            found = "".join(read_text(path, "vault password").splitlines()[:1])
    except OSError as error:
        raise UsageError(f"{path}: no vault password comes from there: {error}") from None
    if not found.strip():
        raise UsageError(f"{path}: the vault password is empty")
    return found.strip()


def every_role(role: RoleFiles) -> Iterator[RoleFiles]:
    """A role and all those that come with it."""
    yield role
    for dependency in role.dependencies:
        yield from every_role(dependency)


def role_entries(role: RoleFiles) -> tuple[FileEntry, ...]:
    """Every file of a role, of those that come with it and of its deployables, by path, with content hashes.

    Without the role's word about the image's configuration, which has no part in what is in a layer.
    """
    found: list[FileEntry] = []
    for each in every_role(role):
        own = (entry for entry in file_entries(each.folder) if entry.path not in META_FILES)
        found += [replace(entry, path=f"{each.name}/{entry.path}") for entry in own]
        for deployable in each.deployables:
            above = f"{DEPLOYABLES}/{deployable.name}"
            sent = deployable_entries(deployable.folder)
            found += [replace(entry, path=f"{above}/{entry.path}") for entry in sent]
        if each.collections:
            found += [replace(entry, path=f"{COLLECTIONS}/{entry.path}") for entry in file_entries(each.collections)]
        for number, path in enumerate(each.variables):
            found.append(FileEntry(f"variables/{number}", *_entry(TreeEntry(path.name, path))))
    return tuple(dict.fromkeys(found))


def role_words(role: RoleFiles, entries: tuple[FileEntry, ...]) -> Words:
    """The words of all those files; `entries` are what `role_entries` says, so that none is read twice in a run."""
    return _words_of_files(role, entries)


@lru_cache(maxsize=100)
def _words_of_files(role: RoleFiles, _: tuple[FileEntry, ...]) -> Words:
    return all_of(
        words_of(entry.source.read_bytes(), entry.path)
        for folder in _folders(role)
        for entry in entries(folder)
        if not entry.is_link
    )


def _folders(role: RoleFiles) -> Iterator[Path]:
    for each in every_role(role):
        yield each.folder
        yield from (deployable.folder for deployable in each.deployables)
        if each.collections:
            yield each.collections


def file_entries(folder: Path) -> tuple[FileEntry, ...]:
    """Every file below a folder that counts, sorted by path, with content hashes; see `role_tree.entries`."""
    return tuple(FileEntry(entry.path, *_entry(entry)) for entry in entries(folder))


def deployable_entries(folder: Path) -> tuple[FileEntry, ...]:
    """Every file of an application's source that its .dockerignore lets through; links stay links.

    Raises UsageError when the .dockerignore cannot be read.
    """
    found = entries(folder, keep_links=True)
    if (folder / dockerignore.FILE).exists():
        kept = dockerignore.let_through(folder)
        found = (entry for entry in found if entry.path in kept)
    return tuple(FileEntry(entry.path, *_entry(entry)) for entry in found)


def role_includes(folder: Path) -> Iterator[Include]:
    """Every include_role and import_role of a role's tasks and handlers."""
    for part in ("tasks", "handlers"):
        for path in sorted((folder / part).rglob("*.y*ml")):
            with contextlib.suppress(UsageError):
                yield from includes(read_text(path, "file of tasks"), os.path.relpath(path))


def _entry(entry: TreeEntry) -> tuple[str, str]:
    if entry.is_link:
        return "link", hashlib.sha256(str(entry.source.readlink()).encode()).hexdigest()
    with entry.source.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    executable = os.access(entry.source, os.X_OK) and entry.source.stat().st_mode & 0o111
    return "x" if executable else "", content
