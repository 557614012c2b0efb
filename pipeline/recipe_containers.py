"""A service with `containers` becomes one service for each of them, as ansible-container names them."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import Problem
from pipeline.recipe_draft import Draft
from pipeline.yaml_source import JsonValue, KeyPath

_NAME = "container_name"


def unpack(draft: Draft) -> tuple[Problem, ...]:
    """Put a service SERVICE-CONTAINER for each container in the place of every service that has some.

    What stands beside `containers` holds for all of them, and a container's own keys go before it. Returns the
    mistakes.
    """
    problems: list[Problem] = []
    for service in draft.services():
        if draft.at(_path(service)) is not None:
            problems += _unpack_one(draft, service)
    return tuple(problems)


def _unpack_one(draft: Draft, service: str) -> list[Problem]:
    written = draft.at(_path(service))
    if not isinstance(written, list) or not written:
        problem = draft.problem(_path(service), "must be a list of containers", "write - container_name: NAME")
        draft.remove(_path(service))
        return [problem]
    names = [_name(service, index, each) for index, each in enumerate(written)]
    problems = [*_mistakes(draft, service, written, names)]
    draft.repeat(service, tuple(names))
    for index, name in enumerate(names):
        _lift(draft, name, index)
    return problems


def _mistakes(draft: Draft, service: str, written: list[JsonValue], names: list[str]) -> Iterator[Problem]:
    taken = set(draft.services()) - {service}
    for index, each in enumerate(written):
        path = (*_path(service), index)
        if not isinstance(each, dict):
            yield draft.problem(path, "must be a map")
        elif not isinstance(each.get(_NAME), str):
            yield draft.problem(path, f"has no {_NAME}", f"the image is called {service}-NAME after it")
        elif names[index] in taken:
            yield draft.problem((*path, _NAME), f"makes more than one service called {names[index]}")
        taken.add(names[index])


def _lift(draft: Draft, service: str, index: int) -> None:
    """Make the keys of one container those of its service."""
    path = (*_path(service), index)
    keys = draft.at(path)
    for key in tuple(keys) if isinstance(keys, dict) else ():
        if key != _NAME:
            draft.move((*path, key), ("services", service, key))
    draft.remove(_path(service))


def _name(service: str, index: int, container: JsonValue) -> str:
    """The service's name; one without a name, which is a mistake, gets a number."""
    named = container.get(_NAME) if isinstance(container, dict) else None
    return f"{service}-{named if isinstance(named, str) else index + 1}"


def _path(service: str) -> KeyPath:
    return ("services", service, "containers")
