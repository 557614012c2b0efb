"""The work as roles and playbooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.work import Files, Folders, Lines, Packages, Role, Task, Tree, User, Work

Play = list[dict[str, Any]]
Copying = Callable[[Tree], dict[str, Any]]
"""The task that a builder brings many files into the image with."""

TIDY_UP = {
    "name": "Remove package lists and archives",
    "ansible.builtin.shell": "rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
}
"""Without it, builders without caches of their own would leave 160 MB behind."""


def write_role(folder: Path, role: Role, copying: Copying, *, update: bool) -> None:
    """The role below `folder`; `update`: the package lists have to be fetched by the role itself."""
    file = folder / role.name / "tasks" / "main.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    tasks = [_task(task, copying, update=update) for task in role.tasks]
    file.write_text(json.dumps(tasks, indent=1), encoding="utf-8")


def playbook(work: Work, *, tidy: bool, variables: dict[str, Any] | None = None) -> str:
    """A playbook that plays the roles, and at last removes what installing left where `tidy`."""
    play: dict[str, Any] = {"hosts": "all", "roles": [role.name for role in work]}
    if variables:
        play["vars"] = variables
    if tidy:
        play["post_tasks"] = [TIDY_UP]
    return json.dumps([play], indent=1)


def unpacking(archive: Path, tree: Tree) -> dict[str, Any]:
    """The quickest way to bring many files over a connection: one archive."""
    return {"ansible.builtin.unarchive": {"src": str(archive), "dest": tree.path}}


def _task(task: Task, copying: Copying, *, update: bool) -> dict[str, Any]:
    match task:
        case Packages(names):
            parameters = {"name": list(names), "install_recommends": False} | ({"update_cache": True} if update else {})
            return {"name": "Install the packages", "ansible.builtin.apt": parameters}
        case Folders(paths):
            wanted = {"path": "{{ item }}", "state": "directory", "mode": "0755"}
            return _looped("Make the folders", "ansible.builtin.file", wanted, list(paths))
        case Files(texts, mode):
            wanted = {"dest": "{{ item.path }}", "content": "{{ item.text }}", "mode": mode}
            items = [{"path": path, "text": text} for path, text in texts]
            return _looped("Write the files", "ansible.builtin.copy", wanted, items)
        case Lines(path, lines):
            wanted = {"path": path, "line": "{{ item }}"}
            return _looped("Add the lines", "ansible.builtin.lineinfile", wanted, list(lines))
        case User(name):
            return {"name": "Add the user", "ansible.builtin.user": {"name": name, "create_home": True}}
        case Tree():
            return {"name": "Copy the files", **copying(task)}


def _looped(name: str, module: str, parameters: dict[str, Any], items: list[Any]) -> dict[str, Any]:
    """A loop, or for one item a plain task as one would write it."""
    if len(items) > 1:
        return {"name": name, module: parameters, "loop": items}
    return {"name": name, module: {key: _filled(value, items[0]) for key, value in parameters.items()}}


def _filled(value: Any, item: Any) -> Any:
    if value == "{{ item }}":
        return item
    if isinstance(item, dict):
        return {f"{{{{ item.{key} }}}}": text for key, text in item.items()}.get(value, value)
    return value
