"""YAML text as plain data that still knows where each value stands and how it was written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from pipeline.errors import InputError, Problem

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
KeyPath = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, counted from 1."""

_MOST_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
_WITHOUT_BASE_60 = {f"{_TAG}int": _INT, f"{_TAG}float": _FLOAT}


@dataclass(frozen=True, slots=True)
class YamlSource:
    """What a YAML file says: the data, where each key or item stands, each scalar as written, and small mistakes."""

    file: str
    data: JsonValue
    places: dict[KeyPath, Place] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def at(self, path: KeyPath) -> JsonValue:
        """The value at a path, None where there is none."""
        value = self.data
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def as_written(self, path: KeyPath) -> JsonValue:
        """The value at a path with every scalar below it as the text that stands in the file; nulls stay None."""
        value = self.at(path)
        if isinstance(value, dict):
            return {key: self.as_written((*path, key)) for key in value}
        if isinstance(value, list):
            return [self.as_written((*path, index)) for index in range(len(value))]
        return self.texts.get(path)

    def line(self, path: KeyPath) -> int:
        """The line on which a key or item begins, or that of the nearest one above it."""
        return self.place(path)[0]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A mistake at a path, with its place."""
        return Problem(self.file, *self.place(path), path_text(path), message, hint)

    def place(self, path: KeyPath) -> Place:
        """Where a key or item begins, or the nearest one above it; (0, 0) where nothing is known."""
        return next((self.places[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.places), (0, 0))


def read_yaml(text: str, file: str) -> YamlSource:
    """Read one YAML document with the safe tags only.

    Booleans, octal numbers and null are those of YAML 1.1, as Ansible reads them; numbers to base 60 (22:22) and
    dates stay text. Anchors and merge keys work. Keys given twice, keys that are no text, unknown tags and numbers
    without a finite value are listed in `problems`. Raises InputError when the text is no YAML at all.
    """
    try:
        return _Reader(file).read(_Loader(text).get_single_node())
    except yaml.MarkedYAMLError as error:
        raise InputError([_syntax_problem(file, error)]) from error
    except yaml.reader.ReaderError as error:
        place = _place_of(text, int(error.position))
        message = f"a character that YAML does not allow: {error.reason}"
        raise InputError([Problem(file, *place, "", message)]) from error
    except RecursionError:
        raise InputError([Problem(file, 0, 0, "", "lists and maps are nested too deeply")]) from None


def path_text(path: KeyPath) -> str:
    """A key path as people write it: services.web.roles[0]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def kind_of(value: object) -> str:
    """What a value is, in the words of a message, such as "a list" or "a number"."""
    kinds = {dict: "a map", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without numbers to base 60 and without dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, _WITHOUT_BASE_60.get(tag, form)) for tag, form in rules if tag != f"{_TAG}timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Reader:
    """Turns the nodes of one document into a YamlSource."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._places: dict[KeyPath, Place] = {}
        self._texts: dict[KeyPath, str] = {}
        self._problems: dict[tuple[int, int, str], Problem] = {}
        self._open: list[yaml.Node] = []
        self._left = _MOST_VALUES
        make = yaml.constructor.SafeConstructor()
        self._makers: dict[str, Callable[[yaml.ScalarNode], JsonValue]] = {
            f"{_TAG}str": make.construct_yaml_str,
            f"{_TAG}int": make.construct_yaml_int,
            f"{_TAG}float": make.construct_yaml_float,
            f"{_TAG}bool": make.construct_yaml_bool,
            f"{_TAG}null": make.construct_yaml_null,
        }

    def read(self, root: yaml.Node | None) -> YamlSource:
        """The whole document; an empty one is None."""
        data = None if root is None else self._value(root, (), root)
        return YamlSource(self._file, data, self._places, self._texts, tuple(self._problems.values()))

    def _value(self, node: yaml.Node, path: KeyPath, place: yaml.Node) -> JsonValue:
        self._places[path] = _start(place)
        self._spend(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            self._unknown_tag(node, path)
            return None
        self._open.append(node)
        value = self._map(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        self._open.pop()
        return value

    def _map(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, JsonValue]:
        pairs = self._pairs(node, path)
        return {name: self._value(value, (*path, name), key) for name, (key, value) in pairs.items()}

    def _list(self, node: yaml.Node, path: KeyPath) -> list[JsonValue]:
        return [self._value(item, (*path, index), item) for index, item in enumerate(node.value)]

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Keys and values, those of merge keys first and overruled by the map's own."""
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                for source in self._merge_sources(value, path):
                    merged = {**self._pairs(source, path), **merged}
                    self._open.pop()
            elif key.tag != f"{_TAG}str" or not isinstance(key, yaml.ScalarNode):
                self._not_text(key, path)
            elif key.value in own:
                first = _start(own[key.value][0])[0]
                self._add(key, (*path, key.value), f"this key stands on line {first} already", "keep one of the two")
            else:
                own[key.value] = (key, value)
        return {**merged, **own}

    def _merge_sources(self, value: yaml.Node, path: KeyPath) -> Iterator[yaml.MappingNode]:
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            self._spend(source, path)
            if isinstance(source, yaml.MappingNode):
                self._open.append(source)
                yield source
            else:
                self._add(source, path, "<< takes a map, or a list of maps", "name an anchor: <<: *common")

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> JsonValue:
        if node.tag not in self._makers:
            self._unknown_tag(node, path)
            return None
        try:
            value = self._makers[node.tag](node)
        except (ValueError, KeyError, IndexError):
            self._add(node, path, f"{node.value!r} is not what its tag says", "take the tag away")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._add(node, path, f"{node.value} has no finite value", "put it in quotes if a text is meant")
        if value is not None:
            self._texts[path] = node.value
        return value

    def _not_text(self, key: yaml.Node, path: KeyPath) -> None:
        if isinstance(key, yaml.ScalarNode):
            self._add(key, path, f"the key {key.value or 'null'} is no text", f'put it in quotes: "{key.value}"')
        else:
            self._add(key, path, "a list or a map cannot be a key")

    def _unknown_tag(self, node: yaml.Node, path: KeyPath) -> None:
        tag = node.tag.replace(_TAG, "!!")
        hint = "only plain texts, numbers, booleans, lists and maps are"
        self._add(node, path, f"the tag {tag} is not allowed", hint)

    def _spend(self, node: yaml.Node, path: KeyPath) -> None:
        """Stop at an anchor that holds itself, and at anchors that multiply without end."""
        self._left -= 1
        reason = ""
        if any(node is above for above in self._open):
            reason = "an anchor holds itself"
        elif self._left < 0:
            reason = f"anchors make more than {_MOST_VALUES} values of this file"
        if reason:
            raise InputError([Problem(self._file, *_start(node), path_text(path), reason)])

    def _add(self, node: yaml.Node, path: KeyPath, message: str, hint: str = "") -> None:
        place = _start(node)
        self._problems.setdefault((*place, message), Problem(self._file, *place, path_text(path), message, hint))


def _start(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    hint = "indent with spaces" if "'\\t'" in str(error.problem) else ""
    context = f" ({error.context})" if error.context else ""
    return Problem(file, *place, "", f"this is not valid YAML: {error.problem}{context}", hint)


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
