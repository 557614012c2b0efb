"""What tasks fetch that no key covers: it may be something else tomorrow, with the same files and variables.

Only what a task says about itself is looked at; a value that is a template is not known, and not spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import InputError
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, read_yaml

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_UPDATES = re.compile(r"\b(apt|apt-get|apk|dnf|yum)\s+(-\S+\s+)*(update|upgrade|dist-upgrade)\b")
_INNER = ("block", "rescue", "always")
_SHELLS = ("shell", "command", "raw")
_NO = ("", "no", "false", "False")


@dataclass(frozen=True, slots=True)
class Unpinned:
    """One thing that no key covers, and where it stands."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def unpinned(text: str, file: str) -> tuple[Unpinned, ...]:
    """Everything of that kind in a file of tasks, in order; nothing in what is no such file."""
    try:
        source = read_yaml(text, file)
    except InputError:  # Ansible will say what is wrong with it
        return ()
    return tuple(_in_list(source, ()))


def _in_list(source: YamlSource, path: KeyPath) -> Iterator[Unpinned]:
    tasks = source.at(path)
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if not isinstance(task, dict):
            continue
        for key, arguments in task.items():
            if key in _INNER:
                yield from _in_list(source, (*path, index, key))
                continue
            for what in _of_module(key.rpartition(".")[2], arguments):
                yield Unpinned(source.file, source.line((*path, index, key)), what)


def _of_module(module: str, arguments: JsonValue) -> Iterator[str]:
    if module in _SHELLS and (found := _UPDATES.search(_command(arguments))):
        yield f"{module}: {found.group()}"
    if not isinstance(arguments, dict):
        return
    if arguments.get("state") == "latest":
        yield f"{module}: state: latest"
    if str(arguments.get("upgrade", "")) not in _NO:
        yield f"{module}: upgrade: {arguments['upgrade']}"
    if module == "get_url" and not arguments.get("checksum"):
        yield "get_url without a checksum"
    if module == "git" and not _is_pinned(arguments.get("version")):
        yield "git without a commit"


def _command(arguments: JsonValue) -> str:
    if isinstance(arguments, dict):
        arguments = arguments.get("cmd") or arguments.get("argv") or ""
    return " ".join(map(str, arguments)) if isinstance(arguments, list) else str(arguments)


def _is_pinned(version: JsonValue) -> bool:
    return isinstance(version, str) and bool(_COMMIT.fullmatch(version) or "{{" in version)
