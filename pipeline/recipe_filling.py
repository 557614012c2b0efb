"""A recipe's templates filled in: strictly where this program uses the value, else as far as it is known here."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import Problem, UsageError
from pipeline.recipe_draft import Draft
from pipeline.recipe_matrix import Cell
from pipeline.recipe_variables import settled
from pipeline.templates import is_template, names_in, render
from pipeline.yaml_source import KeyPath


def fill_in(draft: Draft, variables: Cell, cells: dict[str, Cell]) -> tuple[Problem, ...]:
    """Fill in the templates of settings, tags and services; say what is not defined.

    Variables and parameters of roles are Ansible's to fill in: what is known here is filled in, the rest is left,
    and the recipe's variables that it uses become variables of the service. So do those of the matrix.
    """
    problems: list[Problem] = []
    for path in (("settings",), ("tags",)):
        problems += fill_strictly(draft, draft.texts_below(path), variables)
    for service in draft.services():
        known = {**variables, **cells.get(service, {})}
        problems += _fill_service(draft, service, known)
        _add_variables(draft, service, known, cells.get(service, {}))
    return tuple(problems)


def name_bases(draft: Draft) -> None:
    """A base that is a bare name of another service of the recipe is that service's image."""
    services = draft.at(("services",))
    known = services.keys() if isinstance(services, dict) else ()
    for service in draft.services():
        base = draft.at(("services", service, "from"))
        if isinstance(base, str) and base in known and base != service:
            draft.put(("services", service, "from"), {"service": base})


def _fill_service(draft: Draft, service: str, known: Cell) -> list[Problem]:
    path: KeyPath = ("services", service)
    own = draft.at((*path, "vars"))
    own = own if isinstance(own, dict) else {}
    scope = {**known, **settled(own, known)}
    texts = [(each, text) for each, text in draft.texts_below(path) if is_template(text)]
    leftover = own.keys() - scope.keys()
    problems = fill_strictly(draft, ((each, text) for each, text in texts if not _is_ansibles(each)), scope, leftover)
    outside = {name: value for name, value in known.items() if name not in own}
    for each, text in texts:
        if _is_ansibles(each):
            try:
                draft.put(each, render(text, outside))
            except UsageError:
                continue
    return problems


def fill_strictly(
    draft: Draft, texts: Iterable[tuple[KeyPath, str]], scope: Cell, ansibles: Iterable[str] = ()
) -> list[Problem]:
    """Fill in these texts; what is not defined is a mistake. `ansibles` are names that only Ansible has a value of."""
    problems = []
    for path, text in texts:
        if not is_template(text):
            continue
        try:
            draft.put(path, render(text, scope))
        except UsageError as error:
            hint = error.hint
            if names_in(text) & set(ansibles):
                hint = "its value under `vars` is a template that only Ansible can fill in"
            problems.append(draft.problem(path, error.message, hint))
    return problems


def _is_ansibles(path: KeyPath) -> bool:
    match path:
        case ("services", _, "vars", *_):
            return True
        case ("services", _, "roles", _, key, *_):
            return key not in ("role", "gather_facts", "cache", "build_secrets")
        case _:
            return False


def _add_variables(draft: Draft, service: str, known: Cell, cell: Cell) -> None:
    own = draft.at(("services", service, "vars"))
    if own is not None and not isinstance(own, dict):
        return
    texts = (text for path, text in draft.texts_below(("services", service)) if _is_ansibles(path))
    used = {name for text in texts if is_template(text) for name in names_in(text)}
    added = {name: known[name] for name in sorted(used & known.keys()) if name not in (own or {})}
    for name, value in {**added, **cell}.items():
        if own is None:
            draft.put(("services", service, "vars"), {})
            own = {}
        draft.put(("services", service, "vars", name), value)
