"""Where roles are: by name in the folders of the roles path, by path, in the package, or written in the recipe."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.collection_requirements import COLLECTIONS
from pipeline.errors import InputError, Problem, UsageError
from pipeline.inherited import stand_in
from pipeline.modules import MODULES_FILE
from pipeline.player import Deployable, RoleFiles
from pipeline.recipe_model import RoleUse
from pipeline.requirements import REQUIREMENTS_FILE
from pipeline.role_includes import Include
from pipeline.role_tree import leaving_links
from pipeline.sources import every_role, read_text, role_includes
from pipeline.written_roles import write_role
from pipeline.yaml_source import read_yaml


class RoleFinder:
    """Finds roles: a name in one of the folders of the roles path, or a path relative to the recipe or project.

    `shipped` is looked through last: what the package brings, a project may have a role of its own for.
    Tasks of a recipe become roles in `scratch`, each in a folder that its content names. `variables` are files for
    every play, relative to the recipe.
    """

    def __init__(
        self,
        recipe: Path,
        project: Path,
        roles_path: tuple[Path, ...] = (),
        *,
        shipped: Path | None = None,
        scratch: Path | None = None,
        variables: tuple[str, ...] = (),
    ) -> None:
        self._recipe, self._project, self._scratch = recipe, project, scratch
        self._variables = tuple(recipe.parent / name for name in variables)
        self._shipped = (shipped,) if shipped else ()
        self._folders = (*roles_path, project / "roles", recipe.parent / "roles")

    def find(self, role: RoleUse) -> RoleFiles:
        """The role's files, its deployables, and every role that it depends on, includes or imports by name.

        Raises InputError with all mistakes: a role that is not there, two of the same name, links that lead elsewhere.
        """
        written = role.tasks or role.tasks_file
        found = self._written(role) if written else self._find(role.name, role.line, ())
        roles = tuple(every_role(found))
        problems = [*self._of_one_name(roles, role.line), *self._links(roles), *self._no_files()]
        if problems:
            raise InputError(problems)
        collections = self._project / COLLECTIONS
        return replace(
            found,
            deployables=tuple(self._deployable(name, role) for name in role.deployables),
            collections=Path(os.path.relpath(collections)) if collections.is_dir() else None,
            variables=tuple(Path(os.path.relpath(path)) for path in self._variables),
        )

    def _no_files(self) -> Iterator[Problem]:
        for path in self._variables:
            if not path.is_file():
                hint = "the path is relative to the recipe"
                message = f"{os.path.relpath(path)}: the file of variables is missing"
                yield Problem(os.path.relpath(self._recipe), 0, 0, "settings.vault_files", message, hint)

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

    def warnings(self, role: RoleUse) -> tuple[Problem, ...]:
        """A role that another is played for, and includes of it and its like whose roles are not sent."""
        found = (self._substituted(role),) if self.stands_in(role.name) else ()
        return found + tuple(
            Problem(include.file, include.line, 1, "", message, hint)
            for each in every_role(self.find(role))
            for include in role_includes(each.folder)
            for message, hint in self._unsent(include)
        )

    def _substituted(self, role: RoleUse) -> Problem:
        message = f"the project has no {role.name}: the shipped role {stand_in(role.name)} is played for it"
        hint = "it takes the same variables; a role of that name in the project goes before it"
        return Problem(os.path.relpath(self._recipe), role.line, 1, "roles", message, hint)

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

    def stands_in(self, name: str) -> bool:
        """Whether a shipped role is played for one of this name, which the project does not have."""
        return bool(stand_in(name)) and self._own(name) is None

    def _folder(self, name: str) -> Path | None:
        shipped = (place / (stand_in(name) or name) for place in self._shipped)
        return self._own(name) or next((path for path in shipped if _is_role(path)), None)

    def _own(self, name: str) -> Path | None:
        places = (*self._folders, self._recipe.parent, self._project)
        return next((place / name for place in places if _is_role(place / name)), None)

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
        inside = [os.path.realpath(folder) for folder in (self._project, *self._folders, *self._shipped)]
        for role in dict.fromkeys(roles):
            for link, target in leaving_links(role.folder):
                within = any(target.is_relative_to(folder) for folder in inside)
                if not within or not target.exists():
                    what = "out of the project" if not within else "nowhere"
                    message = f"this link leads {what}, to {link.readlink()}, where the conductor cannot follow"
                    hint = "put the file itself there, or let a task make the link (state: link)"
                    yield Problem(str(link), 0, 0, "", message, hint)

    def _written(self, role: RoleUse) -> RoleFiles:
        if self._scratch is None:
            raise UsageError("there is no folder for the tasks of a recipe")
        text = json.dumps(list(role.tasks), indent=1) if role.tasks else self._text_of(role)
        tasks = list(role.tasks) or read_yaml(text, role.tasks_file).data
        places = (self._recipe.parent, self._project)
        return write_role(role.name, text, [tasks, role.parameters], self._scratch, places)

    def _text_of(self, role: RoleUse) -> str:
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
