"""What a recipe's YAML needs before and after its form is checked: keys read over, empty values, messages."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from pipeline.errors import Problem
from pipeline.recipe_schema import (
    BootstrapKeys,
    ConductorKeys,
    HealthcheckKeys,
    ImageKeys,
    Keys,
    RecipeKeys,
    RootfsKeys,
    ServiceKeys,
    SettingsKeys,
    VerifyKeys,
)
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, kind_of

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AS_WRITTEN: tuple[KeyPath, ...] = (
    *((key,) for key in ("environment", "labels", "command", "entrypoint", "user", "shell", "ports", "expose")),
    ("stop_signal",),
    *(("healthcheck", key) for key in ("test", "interval", "timeout", "start_period")),
    ("verify", "command"),
)
_KEYWORDS = """
    become become_method become_user check_mode connection delegate_to environment ignore_errors module_defaults
    no_log remote_user run_once tags when
"""
_TASK_KEYWORDS = frozenset(_KEYWORDS.split())
_IGNORED_HINTS = {
    "defaults": "write variables under `vars` of a service",
    "vars_files": "write variables under `vars` of a service",
    "roles_path": "roles are found in roles/, or named by a path",
    "registries": "name the repository in image.txt",
}
_INSTEAD = {
    "image": "write `from`",
    "build": "write `from` and `roles`",
    "containers": "write each container as a service of its own",
    "env": "write the variables under `environment`",
    "env_file": "write the variables under `environment`",
    "extends": "use an anchor and <<",
    "variables": "write `vars`",
}
_MISSING_HINTS: dict[str | int, str] = {
    "version": 'write version: "2"',
    "from": "name the base, such as from: debian:12",
    "services": "name at least one service",
}
_EXPECTED = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
}
_FORMS = {
    r"\S": "must not be empty",
    r"^\S+$": "must be a name or number without spaces",
    "^/": "must be an absolute path",
    "^[0-9a-f]{64}$": "must be 64 hexadecimal digits in lower case",
    "^[a-z][a-z0-9._-]*$": "must be the name of a suite, such as trixie",
}
_NAME_FORM = "must begin with a letter or digit, and hold only letters, digits, _ . and -"
_MODELS: dict[KeyPath, type[Keys]] = {
    (): RecipeKeys,
    ("settings",): SettingsKeys,
    ("settings", "conductor"): ConductorKeys,
    ("services", "*"): ServiceKeys,
    ("services", "*", "healthcheck"): HealthcheckKeys,
    ("services", "*", "verify"): VerifyKeys,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recipe's data ready for its form to be checked, and what was noticed so far."""

    data: JsonValue
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def prepare(source: YamlSource) -> Prepared:
    """Take away the keys that are read over (one warning each), and give texts where the recipe means texts."""
    data = copy.deepcopy(source.data)
    ignored = _take_ignored(data)
    for path in _text_paths(data):
        holder = _at(data, path[:-1])
        if isinstance(holder, dict) and path[-1] in holder:
            holder[str(path[-1])] = source.as_written(path)
    return Prepared(data, _warnings(source, ignored), (*_empty(source, data), *_variable_names(source, data)))


def problems_of(error: ValidationError, source: YamlSource) -> tuple[Problem, ...]:
    """The mistakes that pydantic found, each with its place, in our words."""
    found = []
    for each in error.errors(include_url=False):
        path = _known_path(each["loc"], source)
        match each["type"]:
            case "none_required":  # pydantic's word for "or leave the key out"
                continue
            case "extra_forbidden":
                message, hint = "unknown key", _near(path, source)
            case "missing":
                path = (*path, each["loc"][-1])
                message, hint = "is missing", _MISSING_HINTS.get(each["loc"][-1], "")
            case kind:
                message, hint = _words(kind, each["msg"], each["input"], each.get("ctx", {}))
        found.append(source.problem(path, message, hint))
    return tuple(found)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems by place; of several about one key only the first that was found."""
    first: dict[tuple[int, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.line, problem.column, problem.path), problem)
    return tuple(first[key] for key in sorted(first))


def _scopes(data: JsonValue) -> Iterator[tuple[KeyPath, type[Keys]]]:
    """The maps that have keys to be read over."""
    yield (), RecipeKeys
    yield ("settings",), SettingsKeys
    yield ("settings", "conductor"), ConductorKeys
    services = _at(data, ("services",))
    for name in services if isinstance(services, dict) else ():
        yield ("services", name), ServiceKeys


def _take_ignored(data: JsonValue) -> dict[tuple[type[Keys], str], list[KeyPath]]:
    taken: dict[tuple[type[Keys], str], list[KeyPath]] = {}
    for path, model in _scopes(data):
        holder = _at(data, path)
        for key in list(holder) if isinstance(holder, dict) else ():
            if key in model.ignored:
                taken.setdefault((model, key), []).append((*path, key))
            if isinstance(holder, dict) and (key in model.ignored or (not path and key.startswith("x-"))):
                del holder[key]
    return taken


def _warnings(source: YamlSource, ignored: dict[tuple[type[Keys], str], list[KeyPath]]) -> tuple[Problem, ...]:
    warnings = []
    for (_, key), (first, *others) in ignored.items():
        lines = ", ".join(str(source.line(path)) for path in others)
        also = f" (also on line {lines})" if others else ""
        message = f"has no meaning for an image and is ignored{also}"
        warnings.append(source.problem(first, message, _IGNORED_HINTS.get(key, "")))
    return in_order(warnings)


def _text_paths(data: JsonValue) -> Iterator[KeyPath]:
    yield ("version",)
    yield ("settings", "conductor", "environment")
    services = _at(data, ("services",))
    for name in services if isinstance(services, dict) else ():
        for path in _AS_WRITTEN:
            yield ("services", name, *path)


def _empty(source: YamlSource, data: JsonValue) -> Iterator[Problem]:
    """Keys and items without a value; variables and parameters may have none."""
    if data is None:
        yield source.problem((), "the file is empty", "write a recipe: version, services")
    for path in source.places:
        if path and _holds(data, path) and _at(data, path) is None and not _is_free(path):
            yield source.problem(path, "has no value", 'give it one, or take the key away ("" is an empty text)')


def _is_free(path: KeyPath) -> bool:
    match path:
        case ("services", _, "vars", _, *_) | ("services", _, "roles", _, _, *_):
            return True
        case _:
            return False


def _variable_names(source: YamlSource, data: JsonValue) -> Iterator[Problem]:
    """Variables and parameters that Ansible would refuse, or would not take for one."""
    for path in source.places:
        match path:
            case ("services", _, "vars", str(name)) | ("services", _, "roles", _, "vars", str(name)):
                yield from _variable_name(source, path, name)
            case ("services", _, "roles", _, str(name)) if _holds(data, path):
                yield from _variable_name(source, path, name)
                if name in _TASK_KEYWORDS:
                    message = "is a keyword of Ansible, which no parameter of a role can be called"
                    yield source.problem(path, message, "write it at the tasks of the role")
            case _:
                pass


def _variable_name(source: YamlSource, path: KeyPath, name: str) -> Iterator[Problem]:
    if not _VARIABLE.fullmatch(name):
        better = re.sub(r"\W", "_", name)
        hint = f"did you mean {better}?" if _VARIABLE.fullmatch(better) else ""
        yield source.problem(path, "cannot name a variable: letters, digits and _ are allowed, no digit first", hint)


def _words(kind: str, message: str, value: object, context: dict[str, Any]) -> tuple[str, str]:
    """A message and a hint for one of pydantic's errors."""
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, is {kind_of(value)}", ""
    messages = {
        "literal_error": "must be {expected}, is {found}",
        "too_short": "must not be empty",
        "too_long": "must have at most {max_length} items",
        "string_too_long": "must have at most {max_length} characters",
        "greater_than": "must be more than {gt:g}, is {value}",
        "greater_than_equal": "must be at least {ge:g}, is {value}",
        "string_pattern_mismatch": "{form}, is {found}",
    }
    form = _FORMS.get(str(context.get("pattern")), _NAME_FORM)
    text = messages.get(kind, "{message}")
    facts = {
        "message": message[:1].lower() + message[1:],
        **context,
        "form": form,
        "found": _shown(value),
        "value": value,
    }
    return text.format_map(facts), str(context.get("hint", ""))


def _near(path: KeyPath, source: YamlSource) -> str:
    key, known = str(path[-1]), _known_keys(path[:-1], source)
    if near := get_close_matches(key.lower(), known, n=1):
        return f"did you mean {near[0]}?"
    return _INSTEAD.get(key, f"known are {', '.join(known)}")


def _known_keys(holder: KeyPath, source: YamlSource) -> tuple[str, ...]:
    shape = tuple(
        "*" if index and holder[index - 1] in ("services", "roles") else part for index, part in enumerate(holder)
    )
    model = _MODELS.get(shape)
    bases = (model for model in (BootstrapKeys, RootfsKeys, ImageKeys) if (*holder, model.known()[0]) in source.places)
    return (model or next(bases, ImageKeys)).known()


def _known_path(location: tuple[int | str, ...], source: YamlSource) -> KeyPath:
    """The part of pydantic's location that stands in the file: names of alternatives drop out."""
    path: KeyPath = ()
    for part in location:
        if (*path, part) in source.places:
            path = (*path, part)
    return path


def _at(data: JsonValue, path: KeyPath) -> JsonValue:
    return YamlSource("", data).at(path)


def _holds(data: JsonValue, path: KeyPath) -> bool:
    holder = _at(data, path[:-1])
    return path[-1] in holder if isinstance(holder, dict) else isinstance(holder, list)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else kind_of(value)
