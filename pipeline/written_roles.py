"""Tasks of a recipe made a role, with the project's files and templates that they name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.player import RoleFiles
from pipeline.sources import read_text
from pipeline.task_files import named_in_tasks, named_in_template
from pipeline.yaml_source import JsonValue

_FOLDERS = ("files", "templates")


def write_role(name: str, text: str, tasks: JsonValue, scratch: Path, places: tuple[Path, ...]) -> RoleFiles:
    """The role of a text of tasks, in a folder below `scratch` that its content names.

    What the tasks name in the folders files and templates of `places`, the first that has it, is linked to.
    """
    links = dict(_links(tasks, places))
    content = json.dumps([text, {path: str(target) for path, target in links.items()}], sort_keys=True)
    folder = scratch / hashlib.sha256(content.encode()).hexdigest()[:16] / name
    if not (folder / "tasks/main.yml").exists():
        for path, target in links.items():
            _link(folder / path, target)
        _write(folder / "tasks/main.yml", text)
    return RoleFiles(name, folder)


def _links(tasks: JsonValue, places: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    named = named_in_tasks(tasks)
    for kind in _FOLDERS:
        roots = [Path(os.path.realpath(place / kind)) for place in places if (place / kind).is_dir()]
        found = _found(kind, named, roots)
        if kind == "templates":
            found = _with_included(found, roots)
        for path, target in found.items():
            if not any(path.startswith(f"{other}/") for other in found):
                yield f"{kind}/{path}", target


def _found(kind: str, named: Iterable[str], roots: list[Path]) -> dict[str, Path]:
    """What there is of these names, by its path in the first root that has any of it."""
    found: dict[str, Path] = {}
    for name in named:
        pattern = name.removeprefix(f"{kind}/")
        matches = ([(root, path) for path in _matches(root, pattern)] for root in roots)
        first = next((each for each in matches if each), [])
        found |= {path.relative_to(root).as_posix(): path for root, path in first}
    return found


def _matches(root: Path, pattern: str) -> list[Path]:
    if (root / pattern).exists():
        return [root / pattern]
    return sorted(root.glob(pattern)) if "*" in pattern else []


def _with_included(found: dict[str, Path], roots: list[Path]) -> dict[str, Path]:
    """The templates, and those that they include, and these in turn."""
    whole: dict[str, Path] = {}
    while found.keys() - whole.keys():
        more = {path: target for path, target in found.items() if path not in whole}
        whole |= more
        texts = (read_text(target, "template") for target in more.values() if target.is_file())
        found = _found("templates", [name for text in texts for name in named_in_template(text)], roots)
    return whole


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(target)


def _write(file: Path, text: str) -> None:
    """Write a file last and whole: where it is, the role is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
