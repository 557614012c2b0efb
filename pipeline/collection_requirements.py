"""The collections of a Galaxy requirements file, as modules of the project."""

from __future__ import annotations

import re
from difflib import get_close_matches

from pipeline.errors import Problem
from pipeline.modules import Module
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, kind_of

COLLECTIONS = "collections/ansible_collections"
"""Where a project's collections are: Ansible looks there, beside the play."""

KEYS = ("name", "version", "source", "type")
_NAME = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_FILE = re.compile(r"(?:.*/)?([a-z][a-z0-9_]*)-([a-z][a-z0-9_]*)-[^/]+\.tar\.gz")
_TYPES = ("galaxy", "file", "url")


def parse_collections(source: YamlSource, problems: list[Problem]) -> list[Module]:
    """The collections under `collections`; mistakes are added to `problems`."""
    given = source.data.get("collections") if isinstance(source.data, dict) else None
    if given is None:
        return []
    if not isinstance(given, list):
        problems.append(source.problem(("collections",), f"must be a list, and is {kind_of(given)}"))
        return []
    paths = (("collections", index) for index in range(len(given)))
    return [module for path in paths if (module := _collection(source, path, problems)) is not None]


def _collection(source: YamlSource, path: KeyPath, problems: list[Problem]) -> Module | None:
    before = len(problems)
    said = _said(source, path, problems)
    name, kind = said.get("name", ""), said.get("type", "")
    found = _NAME.fullmatch(name) or _FILE.fullmatch(name)
    if len(problems) > before:
        return None
    if kind and kind not in _TYPES:
        message = f"a collection of type {kind!r} cannot be brought"
        problems.append(source.problem((*path, "type"), message, "name it as on Galaxy, or build a tar file of it"))
    elif not found:
        message = f"{name!r} is neither NAMESPACE.NAME nor a file NAMESPACE-NAME-VERSION.tar.gz"
        problems.append(source.problem(path, message, "other collections cannot be brought"))
    if found is None or len(problems) > before:
        return None
    return Module(
        f"collection {found[1]}.{found[2]}",
        f"{COLLECTIONS}/{found[1]}/{found[2]}",
        name,
        version="" if said.get("version") == "*" else said.get("version", ""),
        archive=True,
        collection=True,
        server=said.get("source", ""),
        file=source.file,
        line=source.line(path),
    )


def _said(source: YamlSource, path: KeyPath, problems: list[Problem]) -> dict[str, str]:
    """The keys of one collection; a text alone is its name, and may be NAME:VERSION."""
    value = source.as_written(path)
    if isinstance(value, str):
        name, _, version = value.partition(":") if _NAME.match(value) else (value, "", "")
        return {"name": name, "version": version}
    return texts_of(source, path, value, KEYS, problems)


def texts_of(
    source: YamlSource, path: KeyPath, value: JsonValue, known: tuple[str, ...], problems: list[Problem]
) -> dict[str, str]:
    """The texts of a map that may hold the known keys; what is wrong with it is added to the problems."""
    if not isinstance(value, dict):
        problems.append(source.problem(path, f"must be a map or a text, and is {kind_of(value)}"))
        return {}
    said = {}
    for key, given in value.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            problems.append(source.problem((*path, key), "unknown key", hint))
        elif not isinstance(given, str) or not given:
            problems.append(source.problem((*path, key), "must be a text"))
        else:
            said[key] = given
    return said
