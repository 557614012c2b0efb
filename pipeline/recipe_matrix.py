"""A service with a `matrix` becomes one service for each cell of it."""

from __future__ import annotations

import itertools
from collections import Counter

from pydantic import ValidationError

from pipeline.errors import Problem, UsageError
from pipeline.recipe_draft import Draft
from pipeline.recipe_problems import problems_of
from pipeline.recipe_schema import MatrixKeys
from pipeline.recipe_variables import VARIABLE
from pipeline.templates import render
from pipeline.yaml_source import JsonValue, KeyPath

Cell = dict[str, JsonValue]


def expand(draft: Draft, variables: Cell) -> tuple[dict[str, Cell], tuple[Problem, ...]]:
    """Put the services of all cells in the place of each service that has a matrix.

    Returns the variables of each new service, and the mistakes in the matrices.
    """
    cells: dict[str, Cell] = {}
    problems: list[Problem] = []
    for service in draft.services():
        if draft.at(("services", service, "matrix")) is not None:
            found, wrong = _expand_one(draft, service, variables)
            cells |= found
            problems += wrong
    return cells, tuple(problems)


def _expand_one(draft: Draft, service: str, variables: Cell) -> tuple[dict[str, Cell], list[Problem]]:
    path: KeyPath = ("services", service, "matrix")
    written = draft.at(path)
    try:
        keys = MatrixKeys.model_validate(written)
    except ValidationError as error:
        problems = [*problems_of(error, draft.source(), path)]
        draft.remove(path)
        return {}, problems
    problems = _mistakes(draft, path, keys)
    named = {} if problems else _named(draft, path, service, keys, variables, problems)
    draft.remove(path)
    if problems:
        return {}, problems
    draft.repeat(service, tuple(named))
    return named, []


def _mistakes(draft: Draft, path: KeyPath, keys: MatrixKeys) -> list[Problem]:
    axes = keys.axes()
    problems = [draft.problem((*path, name), "cannot name a variable") for name in axes if not VARIABLE.fullmatch(name)]
    if not axes and not keys.include:
        problems.append(draft.problem(path, "has no variable", "write matrix: {suite: [bookworm, trixie]}"))
    for index, cell in enumerate(keys.include):
        if missing := [name for name in axes if name not in cell]:
            problems.append(draft.problem((*path, "include", index), f"gives no {', '.join(missing)}"))
    for index, cell in enumerate(keys.exclude):
        if not any(_matches(each, cell) for each in _product(axes)):
            problems.append(draft.problem((*path, "exclude", index), "takes no cell away"))
    return problems


def _named(
    draft: Draft, path: KeyPath, service: str, keys: MatrixKeys, variables: Cell, problems: list[Problem]
) -> dict[str, Cell]:
    cells = [cell for cell in _product(keys.axes()) if not any(_matches(cell, each) for each in keys.exclude)]
    cells += [dict(cell) for cell in keys.include]
    if not cells:
        problems.append(draft.problem(path, "has no cell left"))
    try:
        names = [_name(service, cell, keys, variables) for cell in cells]
    except UsageError as error:
        problems.append(draft.problem((*path, "name"), error.message, error.hint))
        return {}
    others = set(draft.services()) - {service}
    for name, count in Counter(names).items():
        if count > 1 or name in others:
            hint = "let its `name` use every variable"
            problems.append(draft.problem(path, f"makes more than one service called {name}", hint))
    return dict(zip(names, cells, strict=True))


def _name(service: str, cell: Cell, keys: MatrixKeys, variables: Cell) -> str:
    if keys.name:
        return str(render(keys.name, {**variables, **cell, "service": service}))
    return "-".join((service, *(str(cell[name]) for name in keys.axes())))


def _product(axes: dict[str, list[JsonValue]]) -> list[Cell]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []


def _matches(cell: Cell, wanted: Cell) -> bool:
    return all(name in cell and cell[name] == value for name, value in wanted.items())
