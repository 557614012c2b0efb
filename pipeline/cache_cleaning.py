"""Keeping the cache of layers within bounds: what the engine has, what the records say of it, what goes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from pipeline.cache_budget import DAY, Budget, CachedLayer, surplus
from pipeline.cleaning import Removed
from pipeline.engine import Engine
from pipeline.errors import EngineError
from pipeline.layer_records import SHORT, LayerRecord, LayerRecords
from pipeline.plan import Home
from pipeline.records import REPOSITORY


class CacheCleaner:
    """Removes cached layers that are beyond a budget, and their records."""

    def __init__(self, engine: Engine, records: LayerRecords, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._records, self._clock = engine, records, clock

    def clean(self, budget: Budget, *, dry_run: bool) -> tuple[Removed, ...]:
        """Remove what is beyond the budget, least recently used first; what the engine refuses to remove stays."""
        known = self._records.everything()
        cached = self._cached(known)
        removed = [each for each in surplus(cached, budget, self._clock()) if dry_run or self._gone(each)]
        if not dry_run and budget.days is not None:
            self._forget(known, {layer.key for layer in cached}, budget.days)
        return tuple(Removed("layer", f"{each.name} ({each.what})", each.size) for each in removed)

    def clean_of(self, folder: str, *, dry_run: bool) -> tuple[Removed, ...]:
        """Remove the layers that only recipes in this folder use, or used; finished images keep their names.

        A layer whose other recipes are gone counts as the folder's own.
        """
        known = self._records.everything()
        own = {record.key[:SHORT] for record in known if _is_of(record, folder)}
        layers = [layer for layer in self._cached(known) if layer.key in own]
        layers.sort(key=lambda layer: len(layer.layers), reverse=True)
        removed = [layer for layer in layers if dry_run or self._gone(layer)]
        return tuple(Removed("layer", f"{layer.name} ({layer.what})", layer.size) for layer in removed)

    def _cached(self, known: tuple[LayerRecord, ...]) -> tuple[CachedLayer, ...]:
        by_key = {record.key[:SHORT]: record for record in known}
        needed = set(_current(known))
        found = []
        names = self._engine.named("image", "")
        others = {identity for identity, name in names if REPOSITORY not in name}
        for identity, name in names:
            if f"{REPOSITORY}:" not in name:
                continue
            key = name.rpartition(":")[2]
            record = by_key.get(key)
            layers = self._layers(identity, record)
            if layers is not None:
                found.append(_layer(name, key, layers, record, needed=identity in others, current=needed))
        return tuple(found)

    def _layers(self, identity: str, record: LayerRecord | None) -> tuple[str, ...] | None:
        """What an image holds: as it was noted, else the engine is asked; None when it has just gone."""
        if record and record.layers and record.image == identity:
            return tuple(record.layers)
        image = self._engine.find_image(identity)
        return image.layers if image else None

    def _gone(self, layer: CachedLayer) -> bool:
        try:
            self._engine.remove_image(layer.name)
        except EngineError:
            return False
        self._records.remove(layer.key)
        return True

    def _forget(self, known: tuple[LayerRecord, ...], there: set[str], days: float) -> None:
        """Remove old records of layers that the engine has no longer."""
        for record in known:
            if record.key[:SHORT] not in there and self._clock() - record.used > days * DAY:
                self._records.remove(record.key)


def _is_of(record: LayerRecord, folder: str) -> bool:
    recipes = {home.recipe for home in record.homes}
    inside = {recipe for recipe in recipes if recipe.startswith(f"{folder.rstrip('/')}/")}
    return bool(inside) and not any(os.path.exists(recipe) for recipe in recipes - inside)  # noqa: PTH110 - as below


def _layer(
    name: str, key: str, layers: tuple[str, ...], record: LayerRecord | None, *, needed: bool, current: set[str]
) -> CachedLayer:
    if record is None:
        return CachedLayer(name, key, "of unknown origin", layers, 0, 0.0, needed)
    what = f"{f'role {record.role}' if record.role else 'image'} of {record.service}"
    size = record.size if record.role else 0  # a finished image has no layer of its own
    return CachedLayer(name, key, what, layers, size, record.used, needed or record.key in current)


def _current(known: tuple[LayerRecord, ...]) -> Iterator[str]:
    """Keys of the layers of the last build of every service whose recipe is still there.

    That is the chain below its newest finished image, and below its newest layer where a later build failed.
    """
    by_key = {record.key: record for record in known}
    heads: dict[tuple[Home, bool], LayerRecord] = {}
    for record in known:  # the one that was used last comes first
        for home in record.homes:
            if os.path.exists(home.recipe):  # noqa: PTH110 - a text that may be anything
                heads.setdefault((home, not record.role), record)
    for head in heads.values():
        layer: LayerRecord | None = head
        while layer is not None:
            yield layer.key
            layer = by_key.get(layer.below)
