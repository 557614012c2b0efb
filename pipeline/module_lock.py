"""The lock file: which commit or version each module is at, so that another machine gets the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipeline.collection_ranges import meets
from pipeline.errors import InputError, Problem
from pipeline.modules import Module, path_mistake, without_credentials
from pipeline.yaml_source import YamlSource, read_yaml

LOCK_FILE = "projmodules.lock"
_HEAD = "# Written by `baseimage initialize`; belongs under version control. --update moves it to newer commits.\n"
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CONTENT = re.compile(r"[0-9a-f]{64}")
_KEYS = ("url", "wanted", "commit", "version", "content")


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A module's commit or version, and what was asked for when it was chosen.

    `content` is a hash of the files of what is installed, and so no checkout that git could look through.
    """

    path: str
    url: str
    wanted: str
    commit: str = ""
    version: str = ""
    content: str = ""

    def holds_for(self, module: Module) -> bool:
        """Whether the module is still the one that was locked; another URL, branch or tag makes the entry stale."""
        same = (self.url, self.wanted) == (without_credentials(module.url), module.wanted)
        return same and (not module.needed or meets(self.version, module.version))


def entry_of(module: Module, commit: str = "", version: str = "", content: str = "") -> LockEntry:
    """The entry for a module that is there; credentials of its URL stay out of the file."""
    return LockEntry(module.path, without_credentials(module.url), module.wanted, commit, version, content)


def placed(module: Module, lock: Mapping[str, LockEntry]) -> Module:
    """The module where the lock file says that it goes, if only what it holds could tell that."""
    url = without_credentials(module.url)
    path = next((entry.path for entry in lock.values() if entry.url == url), "") if module.unplaced else ""
    return replace(module, path=path, unplaced=False) if path else module


def lock_text(entries: Iterable[LockEntry]) -> str:
    """The lock file's text: YAML, sorted by path, the same for the same entries."""
    lines = [_HEAD, "---\nversion: 1\nmodules:"]
    ordered = sorted(entries, key=lambda entry: entry.path)
    for entry in ordered:
        lines.append(f"\n  {_quoted(entry.path)}:\n    url: {_quoted(entry.url)}\n")
        said = ((key, getattr(entry, key)) for key in _KEYS[1:])
        lines.append("\n".join(f"    {key}: {_quoted(value)}" for key, value in said if value))
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
            entries[path] = LockEntry(path, *(str(source.at(("modules", path, key)) or "") for key in _KEYS))
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
    commit, content = str(values.get("commit", "")), str(values.get("content", ""))
    if not values.get("url") or not (commit or content):
        return "needs a url, and a commit or content"
    if (commit and not _FULL.fullmatch(commit)) or (content and not _CONTENT.fullmatch(content)):
        return "needs a full commit, and a content of 64 digits"
    return ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
