"""The roles of a Galaxy requirements file, as modules of the project."""

from __future__ import annotations

import re

from pipeline.collection_requirements import parse_collections, texts_of
from pipeline.errors import InputError, Problem
from pipeline.modules import ARCHIVES, Module, names_reference, path_mistake
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, kind_of, read_yaml

REQUIREMENTS_FILE = "requirements.yml"
ROLE_KEYS = ("src", "name", "version", "scm")
_PARTS = ("src", "version", "name")
_GALAXY_NAME = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def parse_requirements(text: str, file: str) -> tuple[Module, ...]:
    """What a requirements file names: a list of roles, or a map with `roles` and `collections`.

    A role goes to roles/NAME, a collection to collections/ansible_collections/NAMESPACE/NAME.
    A src that is a git repository (scm: git, git+…, ….git, git@…) is one here too; another is a tar file or a name
    of Galaxy's. Raises InputError with all mistakes.
    """
    source = read_yaml(text, file)
    problems = list(source.problems)
    modules = [
        module for path in _role_paths(source, problems) if (module := _role(source, path, problems)) is not None
    ]
    modules += parse_collections(source, problems)
    if problems:
        raise InputError(problems)
    return tuple(modules)


def _role_paths(source: YamlSource, problems: list[Problem]) -> list[KeyPath]:
    """Where each role stands in the file."""
    data = source.data
    if data is None:
        return []
    if isinstance(data, list):
        return [(index,) for index in range(len(data))]
    if not isinstance(data, dict):
        problems.append(source.problem((), "must be a list of roles, or a map with `roles`"))
        return []
    unknown = [key for key in data if key not in ("roles", "collections")]
    problems += [source.problem((key,), "unknown key", "known are roles, collections") for key in unknown]
    roles = data.get("roles") or []
    if not isinstance(roles, list):
        problems.append(source.problem(("roles",), f"must be a list, and is {kind_of(roles)}"))
        return []
    return [("roles", index) for index in range(len(roles))]


def _role(source: YamlSource, path: KeyPath, problems: list[Problem]) -> Module | None:
    value = source.as_written(path)
    before = len(problems)
    said = _said(source, path, value, problems)
    src, version = said.get("src") or said.get("name", ""), said.get("version", "")
    git = _is_git(src, said.get("scm", ""))
    address = src.removeprefix("git+")
    name = said.get("name") if said.get("src") and said.get("name") else _name_of(address)
    folder = f"roles/{name}"
    if len(problems) > before:
        return None
    if not src:
        problems.append(source.problem(path, "has neither src nor name", "add src: https://…/NAME.git"))
    elif "/" in str(name) or path_mistake(folder):
        problems.append(source.problem(path, f"{name!r} cannot name a role", "add name: NAME"))
    elif version and not names_reference(version):
        problems.append(source.problem((*path, "version"), f"{version!r} is no branch, tag or commit"))
    elif address.startswith("-") or not (git or _is_archive(address) or _GALAXY_NAME.fullmatch(address)):
        message = f"{src!r} is neither a git repository, nor a tar file, nor a name of Galaxy's"
        problems.append(source.problem(path, message, "say scm: git, or write NAMESPACE.NAME"))
    if len(problems) > before:
        return None
    line = source.line(path)
    return Module(f"role {name}", folder, address, version=version, archive=not git, file=source.file, line=line)


def _said(source: YamlSource, path: KeyPath, value: JsonValue, problems: list[Problem]) -> dict[str, str]:
    """The keys of one role; a text alone is its src, and may be SRC,VERSION,NAME."""
    if isinstance(value, str):
        return dict(zip(_PARTS, (part.strip() for part in value.split(",")), strict=False))
    said = texts_of(source, path, value, ROLE_KEYS, problems)
    if said.get("scm", "git") != "git":
        problems.append(source.problem((*path, "scm"), f"{said.pop('scm')!r} is not supported", "git is"))
    return said


def _is_git(src: str, scm: str) -> bool:
    """As ansible-galaxy takes it; an address of GitHub's that is no tar file is a repository."""
    if scm == "git" or src.startswith(("git+", "git@", "git://", "ssh://")) or src.endswith(".git"):
        return True
    return "github.com" in src and src.startswith("http") and not _is_archive(src)


def _is_archive(src: str) -> bool:
    return src.endswith(ARCHIVES)


def _name_of(address: str) -> str:
    """The role's name by default: the last part of its address, without what comes behind a dot there."""
    if "/" not in address and ":" not in address and not _is_archive(address):
        return address
    last = re.split(r"[/:]", address.rstrip("/"))[-1]
    for ending in (".git", *ARCHIVES):
        last = last.removesuffix(ending)
    return last
