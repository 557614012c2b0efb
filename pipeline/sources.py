"""The file system of a project: recipes, version.txt, image.txt and the files of roles."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pipeline.collection_requirements import COLLECTIONS
from pipeline.errors import InputError, Problem, UsageError
from pipeline.fingerprint import FileEntry
from pipeline.mentions import Words, words_of
from pipeline.modules import MODULES_FILE
from pipeline.player import DEPLOYABLES, Deployable, RoleFiles
from pipeline.recipe import RoleUse
from pipeline.requirements import REQUIREMENTS_FILE
from pipeline.yaml_source import read_yaml

META_FILES = ("meta/container.yml", "meta/container.yaml")
"""What a role says about the image, as in ansible-container."""

IGNORED = (".git", "__pycache__", ".DS_Store")


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


class RoleFinder:
    """Finds roles: a name in one of the folders of the roles path, or a path relative to the recipe or project.

    `shipped` is looked through last: what the package brings, a project may have a role of its own for.
    Tasks of a recipe become roles in `scratch`, each in a folder that its content names.
    """

    def __init__(
        self,
        recipe: Path,
        project: Path,
        roles_path: tuple[Path, ...] = (),
        *,
        shipped: Path | None = None,
        scratch: Path | None = None,
    ) -> None:
        self._recipe, self._project, self._scratch = recipe, project, scratch
        self._shipped = (shipped,) if shipped else ()
        self._folders = (*roles_path, project / "roles", recipe.parent / "roles")

    def find(self, role: RoleUse) -> RoleFiles:
        """The role's files, those of its dependencies, its deployables. Raises InputError naming the recipe's line."""
        written = role.tasks or role.tasks_file
        found = self._written(role) if written else self._find(role.name, role.line, ())
        collections = self._project / COLLECTIONS
        return replace(
            found,
            deployables=tuple(self._deployable(name, role) for name in role.deployables),
            collections=Path(os.path.relpath(collections)) if collections.is_dir() else None,
        )

    def _deployable(self, name: str, role: RoleUse) -> Deployable:
        folder = self._project / "deployables" / name
        if "/" not in name and name not in (".", "..") and folder.is_dir():
            return Deployable(name, Path(os.path.relpath(folder)))
        above = self._project / "deployables"
        there = sorted(path.name for path in above.iterdir() if path.is_dir()) if above.is_dir() else []
        hint = f"there are: {', '.join(there) or 'none'}; .projmodules names those that baseimage initialize fetches"
        message = f"there is no folder deployables/{name}"
        where = f"role {role.label} deployables"
        raise InputError([Problem(os.path.relpath(self._recipe), role.line, 1, where, message, hint)])

    def _find(self, name: str, line: int, above: tuple[str, ...]) -> RoleFiles:
        places = (*self._folders, self._recipe.parent, self._project, *self._shipped)
        candidates = [folder / name for folder in places]
        folder = next((path for path in candidates if _is_role(path)), None)
        if folder is None:
            raise InputError([self._missing(name, line, above)])
        found = Path(os.path.relpath(folder))
        dependencies = tuple(
            self._find(each, line, (*above, name)) for each in _dependencies(folder) if each not in above
        )
        name = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - not the name of what a link leads to
        return RoleFiles(name, found, dependencies)

    def _written(self, role: RoleUse) -> RoleFiles:
        text = json.dumps(list(role.tasks), indent=1) if role.tasks else self._tasks_of(role)
        if self._scratch is None:
            raise UsageError("there is no folder for the tasks of a recipe")
        folder = self._scratch / hashlib.sha256(text.encode()).hexdigest()[:16] / role.name
        tasks = folder / "tasks" / "main.yml"
        if not tasks.exists():
            tasks.parent.mkdir(parents=True, exist_ok=True)
            partial = tasks.with_name(f"main.{os.getpid()}.partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(tasks)
        return RoleFiles(role.name, folder)

    def _tasks_of(self, role: RoleUse) -> str:
        """The text of a file of tasks, checked as far as it can be without Ansible."""
        path = self._recipe.parent / role.tasks_file
        try:
            text = read_text(path, "file of tasks")
        except UsageError as error:
            place = (os.path.relpath(self._recipe), role.line, 1, "roles")
            raise InputError([Problem(*place, error.message, "the path is relative to the recipe")]) from None
        if not isinstance(read_yaml(text, os.path.relpath(path)).data, list):
            raise InputError([Problem(os.path.relpath(path), 1, 1, "", "is no list of tasks")])
        return text

    def _missing(self, name: str, line: int, above: tuple[str, ...]) -> Problem:
        looked = ", ".join(dict.fromkeys(os.path.relpath(folder) for folder in self._folders))
        there, brought = (", ".join(_role_names(folders)) for folders in (self._folders, self._shipped))
        asked = f" (a dependency of {above[-1]})" if above else ""
        hint = f"looked in {looked}; there are: {there or 'none'}" + (f"; shipped: {brought}" if brought else "")
        if any((self._project / name).exists() for name in (MODULES_FILE, REQUIREMENTS_FILE)):
            hint += "; what the project names elsewhere is fetched by: baseimage initialize"
        return Problem(os.path.relpath(self._recipe), line, 1, "roles", f"there is no role {name!r}{asked}", hint)


def role_entries(role: RoleFiles) -> tuple[FileEntry, ...]:
    """Every file of a role, of its dependencies and of its deployables, sorted by path, with content hashes.

    Without the role's word about the image's configuration, which has no part in what is in a layer.
    """
    own = (entry for entry in file_entries(role.folder) if entry.path not in META_FILES)
    entries = [replace(entry, path=f"{role.name}/{entry.path}") for entry in own]
    for deployable in role.deployables:
        above = f"{DEPLOYABLES}/{deployable.name}"
        entries += [replace(entry, path=f"{above}/{entry.path}") for entry in file_entries(deployable.folder)]
    if role.collections:
        entries += [replace(entry, path=f"{COLLECTIONS}/{entry.path}") for entry in file_entries(role.collections)]
    for dependency in role.dependencies:
        entries += role_entries(dependency)
    return tuple(dict.fromkeys(entries))


def role_words(role: RoleFiles, entries: tuple[FileEntry, ...]) -> Words:
    """The words of all those files; `entries` are what `role_entries` says, so that none is read twice in a run."""
    return _words_of_files(role, entries)


@lru_cache(maxsize=100)
def _words_of_files(role: RoleFiles, _: tuple[FileEntry, ...]) -> Words:
    words = Words()
    for folder in _folders(role):
        for path in sorted(_files(folder)):
            if not (folder / path).is_symlink():
                words |= words_of((folder / path).read_bytes(), path)
    return words


def _folders(role: RoleFiles) -> Iterator[Path]:
    yield role.folder
    yield from (deployable.folder for deployable in role.deployables)
    if role.collections:
        yield role.collections
    for dependency in role.dependencies:
        yield from _folders(dependency)


def file_entries(folder: Path) -> tuple[FileEntry, ...]:
    """Every file below a folder that counts, sorted by path, with content hashes."""
    return tuple(FileEntry(path, *_entry(folder / path)) for path in sorted(_files(folder)))


def _entry(path: Path) -> tuple[str, str]:
    if path.is_symlink():
        return "link", hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    with path.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return "x" if os.access(path, os.X_OK) and path.stat().st_mode & 0o111 else "", content


def _files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            if name not in IGNORED and not name.endswith((".retry", ".pyc")):
                yield Path(place, name).relative_to(folder).as_posix()


def _is_role(path: Path) -> bool:
    return any((path / part).is_dir() for part in ("tasks", "meta", "defaults", "handlers"))


def _role_names(folders: tuple[Path, ...]) -> list[str]:
    return sorted({path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if _is_role(path)})


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
