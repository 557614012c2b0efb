"""The collections of a Galaxy requirements file, as modules of the project."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches

from pipeline.errors import Problem
from pipeline.modules import Module, names_reference
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, kind_of

COLLECTIONS = "collections/ansible_collections"
"""Where a project's collections are: Ansible looks there, beside the play."""

KEYS = ("name", "version", "source", "type")
_NAME = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_FILE = re.compile(r"(?:.*/)?([a-z][a-z0-9_]*)-([a-z][a-z0-9_]*)-[^/]+\.tar\.gz")
_TYPES = ("galaxy", "file", "url", "git")
_GIT = ("git+", "git@", "git://", "ssh://")


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
    if len(problems) > before:
        return None
    name, kind = said.get("name", ""), said.get("type", "")
    line = source.line(path)
    if kind and kind not in _TYPES:
        known = f"known are {', '.join(_TYPES)}"
        problems.append(source.problem((*path, "type"), f"a collection of type {kind!r} cannot be brought", known))
        return None
    if kind == "git" or name.startswith(_GIT):
        module = _of_repository(name, said.get("version", ""))
        if wrong := _wrong_repository(module):
            problems.append(source.problem(path, wrong, "write name: https://…/NAME.git, type: git, version: main"))
            return None
        return replace(module, file=source.file, line=line)
    found = _NAME.fullmatch(name) or _FILE.fullmatch(name)
    if not found:
        message = f"{name!r} is neither NAMESPACE.NAME nor a file NAMESPACE-NAME-VERSION.tar.gz"
        problems.append(source.problem(path, message, "for a repository, say type: git"))
        return None
    return Module(
        f"collection {found[1]}.{found[2]}",
        place_of(f"{found[1]}.{found[2]}"),
        name,
        version="" if said.get("version") == "*" else said.get("version", ""),
        archive=True,
        collection=True,
        server=said.get("source", ""),
        file=source.file,
        line=line,
    )


def place_of(name: str) -> str:
    """Where the collection NAMESPACE.NAME goes."""
    return f"{COLLECTIONS}/{name.replace('.', '/')}"


def needed_collection(name: str, version: str, by: Module) -> Module | None:
    """The collection that another one depends on, in any version that is asked for; None for what is no name."""
    if not _NAME.fullmatch(name):
        return None
    label = f"collection {name}, which {by.label.partition(',')[0].removeprefix('collection ')} needs"
    module = Module(label, place_of(name), name, version=version, archive=True, collection=True, needed=True)
    return replace(module, file=by.file, line=by.line)


def _of_repository(name: str, version: str) -> Module:
    """A collection in a repository: [git+]URL[#FOLDER][,VERSION], as ansible-galaxy takes it.

    Only its content says what it is called: until then its path is none that a collection can have.
    """
    url, _, behind = name.removeprefix("git+").partition(",")
    wanted = behind or ("" if version in ("*", "HEAD") else version)
    last = re.split(r"[/:]", url.partition("#")[0].rstrip("/"))[-1].removesuffix(".git")
    return Module(
        f"collection in {last}",
        f"{COLLECTIONS}/{last}.git",
        url,
        version=wanted,
        archive=True,
        collection=True,
        git=True,
        unplaced=True,
    )


def _wrong_repository(module: Module) -> str:
    folder = module.url.partition("#")[2]
    if module.url.startswith("-") or not module.url.partition("#")[0]:
        return f"{module.url!r} is no address of a repository"
    if ".." in folder.split("/"):
        return f"{folder!r} leads out of the repository"
    if module.version and not names_reference(module.version):
        return f"{module.version!r} is no branch, tag or commit"
    return ""


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
