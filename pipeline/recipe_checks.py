"""Mistakes in a recipe that do not show in the form of its keys: values that are missing, names, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.errors import Problem
from pipeline.recipe_variables import VARIABLE
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource

_KEYWORDS = """
    become become_method become_user check_mode connection delegate_to environment ignore_errors module_defaults
    no_log remote_user run_once tags when
"""
_TASK_KEYWORDS = frozenset(_KEYWORDS.split())


def empty_values(source: YamlSource) -> Iterator[Problem]:
    """Keys and items without a value; variables and parameters may have none."""
    for path in source.places:
        if path and source.at(path) is None and _holds(source.data, path) and not _is_free(path):
            yield source.problem(path, "has no value", 'give it one, or take the key away ("" is an empty text)')


def _is_free(path: KeyPath) -> bool:
    match path:
        case ("services", _, "vars", _, *_) | ("services", _, "roles", _, _, *_) | ("defaults", _, *_):
            return True
        case ("services", _, "docker" | "k8s" | "openshift", _, *_):
            return True
        case (str(key), *_):
            return key.startswith("x-")
        case _:
            return False


def variable_names(source: YamlSource, data: JsonValue) -> Iterator[Problem]:
    """Variables and parameters that Ansible would refuse, or would not take for one."""
    for path in source.places:
        match path:
            case (
                ("services", _, "vars", str(name))
                | ("defaults", str(name))
                | ("services", _, "roles", _, "vars", str(name))
            ):
                yield from _variable_name(source, path, name)
            case ("services", _, "roles", _, str(name)) if _holds(data, path):
                yield from _variable_name(source, path, name)
                if name in _TASK_KEYWORDS:
                    message = "is a keyword of Ansible, which no parameter of a role can be called"
                    yield source.problem(path, message, "write it at the tasks of the role")
            case _:
                pass


def undeclared_secrets(source: YamlSource) -> Iterator[Problem]:
    """A service's secrets that the top of the recipe does not have."""
    declared = source.at(("secrets",))
    known = declared if isinstance(declared, dict) else {}
    for path in source.places:
        match path:
            case ("services", _, "secrets", str(name)) if name not in known:
                yield source.problem(path, "is no secret of this recipe", "declare it at the top, under `secrets`")
            case _:
                pass


def wrong_build_secrets(source: YamlSource) -> Iterator[Problem]:
    """A build secret that is named twice in one place, and variables that would hide where all of them are."""
    for path in source.places:
        match path:
            case ("services", _, "build_secrets") | ("services", _, "roles", _, "build_secrets"):
                yield from _named_twice(source, path)
            case ("services", _, "vars", "build_secrets") | ("services", _, "roles", _, "vars", "build_secrets"):
                message = "is the variable by which roles find their build secrets"
                yield source.problem(path, message, "name the secrets one level higher, or call the variable otherwise")
            case _:
                pass


def _named_twice(source: YamlSource, path: KeyPath) -> Iterator[Problem]:
    listed = source.at(path)
    named: set[JsonValue] = set()
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        secret = each.get("id") if isinstance(each, dict) else each
        if isinstance(secret, str):
            if secret in named:
                yield source.problem((*path, index), f"{secret} is named twice", "keep one of the two")
            named.add(secret)


def _variable_name(source: YamlSource, path: KeyPath, name: str) -> Iterator[Problem]:
    if not VARIABLE.fullmatch(name):
        better = re.sub(r"\W", "_", name)
        hint = f"did you mean {better}?" if VARIABLE.fullmatch(better) else ""
        yield source.problem(path, "cannot name a variable: letters, digits and _ are allowed, no digit first", hint)


def _holds(data: JsonValue, path: KeyPath) -> bool:
    """Whether the place is there, with or without a value."""
    holder = YamlSource("", data).at(path[:-1])
    return path[-1] in holder if isinstance(holder, dict) else isinstance(holder, list)
