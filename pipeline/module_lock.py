"""The lock file: which commit each module is at, so that another machine gets the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import InputError, Problem
from pipeline.modules import Module, path_mistake, without_credentials
from pipeline.yaml_source import YamlSource, read_yaml

LOCK_FILE = "projmodules.lock"
_HEAD = "# Written by `baseimage initialize`; belongs under version control. --update moves it to newer commits.\n"
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_KEYS = ("url", "wanted", "commit")


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A module's commit, and what was asked for when it was chosen."""

    path: str
    url: str
    wanted: str
    commit: str

    def holds_for(self, module: Module) -> bool:
        """Whether the module is still the one that was locked; another URL, branch or tag makes the entry stale."""
        return (self.url, self.wanted) == (without_credentials(module.url), module.wanted)


def entry_of(module: Module, commit: str) -> LockEntry:
    """The entry for a module at a commit; credentials of its URL stay out of the file."""
    return LockEntry(module.path, without_credentials(module.url), module.wanted, commit)


def lock_text(entries: Iterable[LockEntry]) -> str:
    """The lock file's text: YAML, sorted by path, the same for the same entries."""
    lines = [_HEAD, "---\nversion: 1\nmodules:"]
    ordered = sorted(entries, key=lambda entry: entry.path)
    for entry in ordered:
        lines.append(f"\n  {_quoted(entry.path)}:\n    url: {_quoted(entry.url)}\n")
        if entry.wanted:
            lines.append(f"    wanted: {_quoted(entry.wanted)}\n")
        lines.append(f"    commit: {_quoted(entry.commit)}")
    return "".join(lines) + ("\n" if ordered else " {}\n")


def parse_lock(text: str, file: str) -> dict[str, LockEntry]:
    """The entries by path. Raises InputError with all mistakes."""
    source = read_yaml(text, file)
    modules, problems = source.at(("modules",)), list(source.problems)
    if source.at(("version",)) != 1 or not isinstance(modules, dict):
        raise InputError([*problems, Problem(file, 1, 1, "", "this is no lock file of version 1", _AGAIN)])
    entries = {}
    for path in modules:
        if mistake := _mistake(source, path):
            problems.append(source.problem(("modules", path), mistake, _AGAIN))
        else:
            url, wanted, commit = (str(source.at(("modules", path, key)) or "") for key in _KEYS)
            entries[path] = LockEntry(path, url, wanted, commit)
    if problems:
        raise InputError(problems)
    return entries


_AGAIN = "remove the file and run: baseimage initialize"


def _mistake(source: YamlSource, path: str) -> str:
    values = source.at(("modules", path))
    if wrong := path_mistake(path):
        return wrong
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return "must be a map of texts"
    if unknown := sorted(values.keys() - set(_KEYS)):
        return f"unknown key {unknown[0]}"
    if not values.get("url") or not _FULL.fullmatch(str(values.get("commit", ""))):
        return "needs a url and a full commit"
    return ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
