"""Which roles a role's own tasks pull in: include_role and import_role, found without running anything; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import InputError
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, read_yaml

_ACTIONS = {
    f"{prefix}{action}": action
    for prefix in ("", "ansible.builtin.", "ansible.legacy.")
    for action in ("include_role", "import_role")
}
_BLOCKS = ("block", "rescue", "always")
_NAME = re.compile(r"""\bname=(?P<quote>["']?)(?P<name>[^"'\s]+)(?P=quote)""")
_OF_A_COLLECTION = re.compile(r"\w+\.\w+\.\w+")


@dataclass(frozen=True, slots=True)
class Include:
    """One include_role or import_role; `name` as written."""

    name: str
    file: str
    line: int
    required: bool
    """Whether Ansible asks for the role before anything runs, whatever a `when` says: import_role."""

    @property
    def templated(self) -> bool:
        """Whether the name is only known when the role is played."""
        return "{{" in self.name or "{%" in self.name

    @property
    def of_a_collection(self) -> bool:
        """Whether the name is that of a role in a collection: namespace.collection.role."""
        return bool(_OF_A_COLLECTION.fullmatch(self.name))


def includes(text: str, file: str) -> tuple[Include, ...]:
    """Every role that a file of tasks or handlers names, in order. A file that is no YAML names none: Ansible tells."""
    if "_role" not in text:
        return ()  # most files: reading them as YAML would cost a large role a tenth of a second
    try:
        source = read_yaml(text, file)
    except InputError:
        return ()
    return tuple(_of_tasks(source, source.data, ()))


def _of_tasks(source: YamlSource, tasks: JsonValue, path: KeyPath) -> Iterator[Include]:
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if not isinstance(task, dict):
            continue
        here = (*path, index)
        for key, value in task.items():
            if key in _BLOCKS:
                yield from _of_tasks(source, value, (*here, key))
            elif key in _ACTIONS and (name := _name(value) or _name(task.get("args"))):
                yield Include(name, source.file, source.line((*here, key)), _ACTIONS[key] == "import_role")


def _name(arguments: JsonValue) -> str:
    if isinstance(arguments, dict):
        return str(arguments.get("name") or arguments.get("role") or "")
    match = _NAME.search(arguments) if isinstance(arguments, str) else None
    return match["name"] if match else ""
