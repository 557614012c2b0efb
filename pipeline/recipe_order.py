"""Services in the order in which they are built: each one after the service that it is built on."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import UsageError
from pipeline.recipe_model import BuiltService, Recipe, Service


def chosen(recipe: Recipe, names: tuple[str, ...]) -> tuple[Service, ...]:
    """The named services (all without names) and what they are built on, in build order. Raises UsageError."""
    known = {service.name: service for service in recipe.services}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"the recipe has no service {', '.join(unknown)}", hint=f"it has {', '.join(known)}")
    order: dict[str, Service] = {}
    for service in recipe.services:
        if not names or service.name in names:
            for each in reversed(_chain(service, known)):
                order.setdefault(each.name, each)
    return tuple(order.values())


def cycle(parents: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The names from a service back to itself, where it is built on its own image in the end; () otherwise."""
    names = [name]
    while parent := parents.get(names[-1]):
        names.append(parent)
        if parent in names[:-1]:
            return tuple(names) if parent == name else ()
    return ()


def _chain(service: Service, known: dict[str, Service]) -> list[Service]:
    """A service, the one that it is built on, and so on; recipes with a cycle were refused when they were read."""
    chain = [service]
    while isinstance(service.base, BuiltService):
        service = known[service.base.name]
        chain.append(service)
    return chain
