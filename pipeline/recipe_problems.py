"""What a recipe's YAML needs before and after its form is checked: keys read over, empty values, messages."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from pipeline.errors import Problem
from pipeline.recipe_bases import BootstrapKeys, BuiltServiceKeys, ImageKeys, RootfsKeys
from pipeline.recipe_checks import empty_values, undeclared_secrets, variable_names, wrong_build_secrets
from pipeline.recipe_keys import Keys
from pipeline.recipe_runtime import RUNTIME_KEYS
from pipeline.recipe_schema import (
    BudgetKeys,
    ConductorKeys,
    ContainerKeys,
    HealthcheckKeys,
    RecipeKeys,
    ServiceKeys,
    SettingsKeys,
    TasksKeys,
    VerifyKeys,
)
from pipeline.recipe_secrets import SecretKeys
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, kind_of

AS_WRITTEN: tuple[KeyPath, ...] = (
    *((key,) for key in ("environment", "labels", "command", "entrypoint", "user", "shell", "ports", "expose")),
    *((key,) for key in ("stop_signal", "hostname", "domainname", "restart", "cpuset", "stop_grace_period")),
    *(("healthcheck", key) for key in ("test", "interval", "timeout", "start_period")),
    ("verify", "command"),
)
_INSTEAD = {
    "image": "write `from`",
    "build": "write `from` and `roles`",
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
    "^[A-Za-z0-9_]+$": "must be made of letters, digits and _",
    "^[0-9a-f]{64}$": "must be 64 hexadecimal digits in lower case",
    "^[a-z][a-z0-9._-]*$": "must be the name of a suite, such as trixie",
    "^0?[0-7]{3}$": 'must be the mode of a file in octal digits, such as "0400"',
}
_NAME_FORM = "must begin with a letter or digit, and hold only letters, digits, _ . and -"
_ONLY_AT_RUN_TIME = "only means something at run time; `baseimage compose` passes it on"
_AT_RUN_TIME: dict[type[Keys], dict[str, str]] = {
    RecipeKeys: {
        **dict.fromkeys(("volumes", "networks", "secrets"), _ONLY_AT_RUN_TIME),
        "registries": "is not looked at by `baseimage push`, which goes by image.txt",
    },
    ServiceKeys: dict.fromkeys((*RUNTIME_KEYS, "dev_overrides"), _ONLY_AT_RUN_TIME),
}
_MODELS: dict[KeyPath, type[Keys]] = {
    (): RecipeKeys,
    ("settings",): SettingsKeys,
    ("settings", "conductor"): ConductorKeys,
    ("services", "*"): ServiceKeys,
    ("services", "*", "dev_overrides"): ContainerKeys,
    ("services", "*", "healthcheck"): HealthcheckKeys,
    ("services", "*", "verify"): VerifyKeys,
    ("services", "*", "verify", "budget"): BudgetKeys,
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
    noticed = _take_ignored(data)
    put_texts(data, source, _text_paths(data))
    if source.data is None:
        return Prepared(data, (), (source.problem((), "the file is empty", "write a recipe: version, services"),))
    problems = (
        *empty_values(source),
        *variable_names(source, data),
        *undeclared_secrets(source),
        *wrong_build_secrets(source),
    )
    return Prepared(data, _warnings(source, noticed), problems)


def put_texts(data: JsonValue, source: YamlSource, paths: Iterable[KeyPath] = AS_WRITTEN) -> None:
    """Put what is written in place of the numbers and booleans that YAML makes of it, where texts are meant."""
    for path in paths:
        holder = _at(data, path[:-1])
        if isinstance(holder, dict) and path[-1] in holder:
            holder[str(path[-1])] = source.as_written(path)


def problems_of(error: ValidationError, source: YamlSource, below: KeyPath = ()) -> tuple[Problem, ...]:
    """The mistakes that pydantic found in the map at `below`, each with its place, in our words."""
    found = []
    for each in error.errors(include_url=False):
        path = _known_path((*below, *each["loc"]), source)
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
    """Problems by place; of several about one key, or with the same words at one place, only the first."""
    first: dict[tuple[int, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.line, problem.column, problem.path), problem)
    said = {(each.line, each.column, each.message): key for key, each in reversed(first.items())}
    return tuple(first[key] for key in sorted(said.values()))


def _scopes(data: JsonValue) -> Iterator[tuple[KeyPath, type[Keys]]]:
    """The maps that have keys to be read over."""
    yield (), RecipeKeys
    yield ("settings",), SettingsKeys
    yield ("settings", "conductor"), ConductorKeys
    services = _at(data, ("services",))
    for name in services if isinstance(services, dict) else ():
        yield ("services", name), ServiceKeys


def _take_ignored(data: JsonValue) -> dict[tuple[str, str], list[KeyPath]]:
    """Remove what is read over; where, by key and reason. What only matters at run time is noticed and stays."""
    noticed: dict[tuple[str, str], list[KeyPath]] = {}
    for path, model in _scopes(data):
        holder = _at(data, path)
        for key in list(holder) if isinstance(holder, dict) else ():
            if key in model.ignored:
                noticed.setdefault((key, f"is ignored: it {model.ignored[key]}"), []).append((*path, key))
            elif reason := _AT_RUN_TIME.get(model, {}).get(key):
                noticed.setdefault((key, reason), []).append((*path, key))
            if isinstance(holder, dict) and (key in model.ignored or (not path and key.startswith("x-"))):
                del holder[key]
    return noticed


def _warnings(source: YamlSource, noticed: dict[tuple[str, str], list[KeyPath]]) -> tuple[Problem, ...]:
    warnings = []
    for (_, reason), (first, *others) in noticed.items():
        lines = ", ".join(dict.fromkeys(str(source.line(path)) for path in others))
        also = f" (also on line {lines})" if lines and lines != str(source.line(first)) else ""
        warnings.append(source.problem(first, f"{reason}{also}"))
    return in_order(warnings)


def _text_paths(data: JsonValue) -> Iterator[KeyPath]:
    yield ("version",)
    yield ("settings", "conductor", "environment")
    services = _at(data, ("services",))
    for name in services if isinstance(services, dict) else ():
        for path in AS_WRITTEN:
            yield ("services", name, *path)
            if path[0] != "verify":
                yield ("services", name, "dev_overrides", *path)


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
    return _INSTEAD.get(key, f"known are {', '.join(name for name in known if name not in RUNTIME_KEYS)}")


def _known_keys(holder: KeyPath, source: YamlSource) -> tuple[str, ...]:
    shape = tuple(
        "*" if index and holder[index - 1] in ("services", "roles") else part for index, part in enumerate(holder)
    )
    model = _MODELS.get(shape)
    kinds = (BootstrapKeys, RootfsKeys, BuiltServiceKeys, TasksKeys, ImageKeys, SecretKeys)
    bases = (model for model in kinds if (*holder, model.known()[0]) in source.places)
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


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else kind_of(value)
