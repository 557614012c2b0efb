"""Which services may begin, when several of them are built side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipeline.recipe_model import BuiltService, Service


def startable(waiting: Sequence[Service], running: Collection[str]) -> tuple[Service, ...]:
    """Those that wait for no other one, in their order: what they are built on is neither waiting nor running."""
    unfinished = {*running, *(service.name for service in waiting)}
    return tuple(service for service in waiting if below(service) not in unfinished)


def hopeless(waiting: Sequence[Service], failed: Collection[str]) -> tuple[Service, ...]:
    """Those that are built on one that failed, with any number in between; each comes after the one below it."""
    lost = set(failed)
    for service in waiting:
        if below(service) in lost:
            lost.add(service.name)
    return tuple(service for service in waiting if service.name in lost)


def below(service: Service) -> str:
    """The name of the service that another one is built on, "" where it has a base of its own."""
    return service.base.name if isinstance(service.base, BuiltService) else ""
