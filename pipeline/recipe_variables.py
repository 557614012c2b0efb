"""The variables of a recipe's templates: its defaults, vars files, the environment and the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.errors import InputError, Problem, UsageError
from pipeline.templates import is_template, render
from pipeline.yaml_source import JsonValue, KeyPath, Place, YamlSource, path_text, read_yaml

PREFIX = "AC_"
"""The environment's AC_HTTP_PORT is the variable http_port, as in ansible-container."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class VarsFile:
    """A file of variables: a map, in JSON where its name ends so, else in YAML."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """What a recipe's templates get from outside; of two that say the same, the later field wins."""

    files: tuple[VarsFile, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A vars file as a recipe names it, and where."""

    name: str
    place: Place
    path: str


def named_vars_files(text: str, file: str) -> tuple[NamedFile, ...]:
    """The files under settings.vars_files; what is wrong there is for `parse_recipe` to say."""
    try:
        source = read_yaml(text, file)
    except InputError:
        return ()
    given = source.at(("settings", "vars_files"))
    found = []
    for index, name in enumerate(given if isinstance(given, list) else ()):
        path: KeyPath = ("settings", "vars_files", index)
        if isinstance(name, str) and name.strip():
            found.append(NamedFile(name, source.place(path), path_text(path)))
    return tuple(found)


def extra_variables(pairs: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE as the command line gives them; a later one wins. Raises UsageError."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not VARIABLE.fullmatch(name):
            raise UsageError(f"{pair!r} is not NAME=VALUE", hint="write -e http_port=8080")
        found[name] = value
    return found


def recipe_variables(source: YamlSource, given: Given) -> tuple[dict[str, JsonValue], tuple[Problem, ...]]:
    """Every variable by its name, and the mistakes in the vars files.

    The command line wins over the environment, this over the vars files (a later one over an earlier one), and
    these over the recipe's defaults. Values may be templates of one another.
    """
    defaults = source.at(("defaults",))
    variables: dict[str, JsonValue] = dict(defaults) if isinstance(defaults, dict) else {}
    problems: list[Problem] = []
    for file in given.files:
        try:
            variables |= _read(file)
        except InputError as error:
            problems += error.problems
    variables |= {
        name.removeprefix(PREFIX).lower(): value
        for name, value in given.environment.items()
        if name.startswith(PREFIX) and name != PREFIX
    }
    return settled({**variables, **given.extra}), tuple(problems)


def settled(variables: Mapping[str, JsonValue], known: Mapping[str, JsonValue] | None = None) -> dict[str, JsonValue]:
    """Variables with their templates filled in from one another and from `known`; what cannot be is left out."""
    done = {name: value for name, value in variables.items() if not _has_template(value)}
    waiting = {name: value for name, value in variables.items() if name not in done}
    scope = {name: value for name, value in (known or {}).items() if name not in variables}
    progress = True
    while waiting and progress:
        progress = False
        for name, value in list(waiting.items()):
            try:
                done[name] = _filled(value, {**scope, **done})
            except UsageError:
                continue
            del waiting[name]
            progress = True
    return done


def _has_template(value: JsonValue) -> bool:
    match value:
        case dict():
            return any(_has_template(each) for each in value.values())
        case list():
            return any(_has_template(each) for each in value)
        case _:
            return is_template(value)


def _filled(value: JsonValue, scope: Mapping[str, JsonValue]) -> JsonValue:
    match value:
        case dict():
            return {key: _filled(each, scope) for key, each in value.items()}
        case list():
            return [_filled(each, scope) for each in value]
        case str() if is_template(value):
            return render(value, scope)
        case _:
            return value


def _read(file: VarsFile) -> dict[str, JsonValue]:
    if file.name.endswith(".json"):
        data = _json(file)
    else:
        source = read_yaml(file.text, file.name)
        if source.problems:
            raise InputError(source.problems)
        data = source.data
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError([Problem(file.name, 1, 1, "", "must be a map of variables", "write NAME: VALUE")])
    return data


def _json(file: VarsFile) -> JsonValue:
    try:
        data: JsonValue = json.loads(file.text)
    except json.JSONDecodeError as error:
        raise InputError([Problem(file.name, error.lineno, error.colno, "", f"this is no JSON: {error.msg}")]) from None
    except RecursionError:
        raise InputError([Problem(file.name, 0, 0, "", "lists and maps are nested too deeply")]) from None
    return data
