"""The file system of a project: recipes, version.txt, image.txt and the files of roles."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import InputError, Problem, UsageError
from pipeline.fingerprint import FileEntry
from pipeline.player import RoleFiles
from pipeline.processes import first_line
from pipeline.recipe import RoleUse
from pipeline.role_includes import Include, includes
from pipeline.role_tree import TreeEntry, entries, leaving_links
from pipeline.yaml_source import read_yaml


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


class RoleFinder:
    """Finds roles: a name in one of the folders of the roles path, or a path relative to the recipe or project."""

    def __init__(self, recipe: Path, project: Path, roles_path: tuple[Path, ...] = ()) -> None:
        self._recipe, self._project = recipe, project
        self._folders = (*roles_path, project / "roles", recipe.parent / "roles")

    def find(self, role: RoleUse) -> RoleFiles:
        """The role's files and those of every role that it depends on, includes or imports by name.

        Raises InputError with all mistakes: a role that is not there, two of the same name, links that lead elsewhere.
        """
        found = self._find(role.name, role.line, ())
        roles = tuple(every_role(found))
        problems = [*self._of_one_name(roles, role.line), *self._links(roles)]
        if problems:
            raise InputError(problems)
        return found

    def warnings(self, role: RoleUse) -> tuple[Problem, ...]:
        """Includes of the role and of those that it pulls in whose roles are not sent, and so cannot be played."""
        return tuple(
            Problem(include.file, include.line, 1, "", message, hint)
            for each in every_role(self.find(role))
            for include in role_includes(each.folder)
            for message, hint in self._unsent(include)
        )

    def _unsent(self, include: Include) -> Iterator[tuple[str, str]]:
        if include.templated:
            message = f"the included role {include.name!r} is only known when it is played, so it is not sent along"
            yield message, "name it under dependencies in meta/main.yml, or write an include for each role"
        elif not include.required and not include.of_a_collection and self._folder(include.name) is None:
            yield f"there is no role {include.name!r}", "the task fails unless its `when` skips it"

    def _find(self, name: str, line: int, above: tuple[str, ...]) -> RoleFiles:
        folder = self._folder(name)
        if folder is None:
            raise InputError([self._missing(name, line, above)])
        found = Path(os.path.relpath(folder))
        above = (*above, name)
        wanted = [each for each in (*_dependencies(folder), *self._included(found)) if each not in above]
        dependencies = tuple(self._find(each, line, above) for each in dict.fromkeys(wanted))
        name = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - not the name of what a link leads to
        return RoleFiles(name, found, dependencies)

    def _folder(self, name: str) -> Path | None:
        candidates = [folder / name for folder in self._folders] + [self._recipe.parent / name, self._project / name]
        return next((path for path in candidates if _is_role(path)), None)

    def _included(self, folder: Path) -> Iterator[str]:
        """Roles that tasks name and that are to be sent; a missing one is a mistake only where it is imported."""
        for include in role_includes(folder):
            there = self._folder(include.name) is not None
            if not include.templated and (there or (include.required and not include.of_a_collection)):
                yield include.name

    def _of_one_name(self, roles: tuple[RoleFiles, ...], line: int) -> Iterator[Problem]:
        """Roles are sent into one folder, by name."""
        first: dict[str, RoleFiles] = {}
        for role in roles:
            other = first.setdefault(role.name, role)
            if os.path.realpath(other.folder) != os.path.realpath(role.folder):
                message = f"two roles that are played together are called {role.name!r}: {other.folder}, {role.folder}"
                hint = "rename one of them: Ansible knows a role by the last part of its path"
                yield Problem(os.path.relpath(self._recipe), line, 1, "roles", message, hint)

    def _links(self, roles: tuple[RoleFiles, ...]) -> Iterator[Problem]:
        """What a link leads to is sent in its place where it is a part of the project or of a roles path."""
        inside = [os.path.realpath(folder) for folder in (self._project, *self._folders)]
        for role in dict.fromkeys(roles):
            for link, target in leaving_links(role.folder):
                within = any(target.is_relative_to(folder) for folder in inside)
                if not within or not target.exists():
                    what = "out of the project" if not within else "nowhere"
                    message = f"this link leads {what}, to {link.readlink()}, where the conductor cannot follow"
                    hint = "put the file itself there, or let a task make the link (state: link)"
                    yield Problem(str(link), 0, 0, "", message, hint)

    def _missing(self, name: str, line: int, above: tuple[str, ...]) -> Problem:
        looked = ", ".join(dict.fromkeys(os.path.relpath(folder) for folder in self._folders))
        names = sorted(
            {path.name for folder in self._folders if folder.is_dir() for path in folder.iterdir() if _is_role(path)}
        )
        asked = f" (a dependency of {above[-1]})" if above else ""
        hint = f"looked in {looked}; there are: {', '.join(names) or 'none'}"
        return Problem(os.path.relpath(self._recipe), line, 1, "roles", f"there is no role {name!r}{asked}", hint)


def every_role(role: RoleFiles) -> Iterator[RoleFiles]:
    """A role and all those that come with it."""
    yield role
    for dependency in role.dependencies:
        yield from every_role(dependency)


def role_entries(role: RoleFiles) -> tuple[FileEntry, ...]:
    """Every file of a role and of those that come with it, by path, with content hashes."""
    return tuple(
        dict.fromkeys(
            FileEntry(f"{each.name}/{entry.path}", *_entry(entry))
            for each in every_role(role)
            for entry in entries(each.folder)
        )
    )


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


def _is_role(path: Path) -> bool:
    return any((path / part).is_dir() for part in ("tasks", "meta", "defaults", "handlers"))


def _dependencies(folder: Path) -> tuple[str, ...]:
    path = next(
        (folder / "meta" / name for name in ("main.yml", "main.yaml") if (folder / "meta" / name).is_file()), None
    )
    if path is None:
        return ()
    wanted = read_yaml(read_text(path, "role's meta file"), os.path.relpath(path)).at(("dependencies",))
    names = [
        each.get("role") or each.get("name") if isinstance(each, dict) else each
        for each in (wanted if isinstance(wanted, list) else ())
    ]
    return tuple(str(name) for name in names if name)
