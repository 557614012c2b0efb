"""A recipe on its way from what is written to what is meant; every value keeps its place in the file."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pipeline.errors import Problem
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource

T = TypeVar("T")


class Draft:
    """A YamlSource that can be changed. The one it is made from stays as it is."""

    def __init__(self, source: YamlSource) -> None:
        self._file, self._data = source.file, copy.deepcopy(source.data)
        self._places, self._texts = dict(source.places), dict(source.texts)

    def source(self) -> YamlSource:
        """What it says now; the mistakes of the YAML are those of the first source."""
        return YamlSource(self._file, self._data, self._places, self._texts)

    def at(self, path: KeyPath) -> JsonValue:
        """The value at a path, None where there is none."""
        return self.source().at(path)

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A mistake at a path, with its place."""
        return self.source().problem(path, message, hint)

    def services(self) -> tuple[str, ...]:
        """The names of the services whose keys are a map."""
        services = self.at(("services",))
        if not isinstance(services, dict):
            return ()
        return tuple(name for name, keys in services.items() if isinstance(keys, dict))

    def put(self, path: KeyPath, value: JsonValue) -> None:
        """Set a value in a map or list that is there; all of it stands where the old value, or its holder, stood."""
        place = self.source().place(path)
        if isinstance(self.at(path), (dict, list)):
            self._forget(path)
        holder = self.at(path[:-1])
        if isinstance(holder, dict):
            holder[str(path[-1])] = value
        elif isinstance(holder, list):
            holder[int(path[-1])] = value
        for each, found in _values(value, path):
            self._places[each] = place
            if found is not None and not isinstance(found, (list, dict)):
                self._texts[each] = found if isinstance(found, str) else json.dumps(found)

    def remove(self, path: KeyPath) -> None:
        """Take a key of a map away."""
        holder = self.at(path[:-1])
        if isinstance(holder, dict):
            holder.pop(str(path[-1]), None)
        self._forget(path)

    def move(self, old: KeyPath, new: KeyPath) -> None:
        """Take a value of a map to a key of another map, in the place of what is there; it keeps its place."""
        value, places, texts = self.at(old), _below(self._places, old), _below(self._texts, old)
        self.remove(old)
        self._forget(new)
        holder = self.at(new[:-1])
        if isinstance(holder, dict):
            holder[str(new[-1])] = value
        self._places |= {(*new, *rest): place for rest, place in places.items()}
        self._texts |= {(*new, *rest): text for rest, text in texts.items()}

    def repeat(self, service: str, names: tuple[str, ...]) -> None:
        """Put copies of a service, under these names, in its place."""
        services = self.at(("services",))
        if not isinstance(services, dict):
            return
        old: KeyPath = ("services", service)
        keys, places, texts = services[service], _below(self._places, old), _below(self._texts, old)
        self._forget(old)
        for name in names:
            self._places |= {("services", name, *rest): place for rest, place in places.items()}
            self._texts |= {("services", name, *rest): text for rest, text in texts.items()}
        order: dict[str, JsonValue] = {}
        for name, value in services.items():
            order |= {each: copy.deepcopy(keys) for each in names} if name == service else {name: value}
        services.clear()
        services.update(order)

    def texts_below(self, path: KeyPath) -> tuple[tuple[KeyPath, str], ...]:
        """Every value below a path, or at it, that is a text."""
        return tuple((each, value) for each, value in _values(self.at(path), path) if isinstance(value, str))

    def _forget(self, path: KeyPath) -> None:
        for known in (self._places, self._texts):
            for each in [each for each in known if each[: len(path)] == path]:
                del known[each]


def _below(known: Mapping[KeyPath, T], path: KeyPath) -> dict[KeyPath, T]:
    return {each[len(path) :]: value for each, value in known.items() if each[: len(path)] == path}


def _values(value: JsonValue, path: KeyPath) -> Iterator[tuple[KeyPath, JsonValue]]:
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _values(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _values(each, (*path, index))
