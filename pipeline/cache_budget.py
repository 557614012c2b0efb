"""Which cached layers go when the cache is to be smaller or younger: the least recently used, none that is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DAY = 24 * 3600.0
IN_USE = 3600.0
"""Seconds after its last use in which a layer may belong to a build that still runs."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many bytes of layers, none that nobody used for so many days; None is without limit."""

    storage: int | None = None
    days: float | None = None


@dataclass(frozen=True, slots=True)
class CachedLayer:
    """A layer that the engine keeps for later builds.

    `layers` are the ids of its contents, lowest first; `size` is its own in bytes; `used` is in seconds since the
    epoch. It is `needed` by an image that has a name, or by the last build of a recipe that is still there.
    """

    name: str
    key: str
    what: str
    layers: tuple[str, ...]
    size: int
    used: float
    needed: bool = False


def surplus(cached: Iterable[CachedLayer], budget: Budget, now: float) -> tuple[CachedLayer, ...]:
    """What has to go, in the order in which it can: a layer after those that stand on it."""
    everything = tuple(cached)
    total = sum(layer.size for layer in everything)
    last_use = {layer.name: max(other.used for other in _standing_on(layer, everything)) for layer in everything}
    kept = {layer.name for layer in everything if any(other.needed for other in _standing_on(layer, everything))}
    going = []
    for layer in sorted(everything, key=lambda each: (last_use[each.name], -len(each.layers), each.size)):
        age = now - last_use[layer.name]
        too_old = budget.days is not None and age > budget.days * DAY
        too_much = budget.storage is not None and total > budget.storage
        if layer.name in kept or age < IN_USE or not (too_old or too_much):
            continue
        going.append(layer)
        total -= layer.size
    return tuple(going)


def _standing_on(layer: CachedLayer, everything: tuple[CachedLayer, ...]) -> list[CachedLayer]:
    """The layer itself and all that have it below them."""
    return [each for each in everything if each.layers[: len(layer.layers)] == layer.layers]
