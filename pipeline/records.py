"""Layers that earlier builds left in the engine, found by name, and beside them what they were made of.

A layer is known by a tag of its own, `baseimage/cache:KEY`, not by a label: a label would be inherited by
every image built on top of it, and be part of the image's configuration.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from pipeline.engine import Engine, Image, ImageId, Rewriting
from pipeline.errors import EngineError
from pipeline.fingerprint import base_key, layer_key, rewriting_key
from pipeline.layer_inputs import LayerInputs, inputs_of_image, inputs_of_role
from pipeline.layer_records import SHORT, LayerRecord, LayerRecords, latest, record_of
from pipeline.plan import Home, LastRun, LayerKey
from pipeline.player import RoleFiles
from pipeline.reasons import BELOW_CHANGED, GONE, NO_RECORD, Inputs, changes
from pipeline.recipe import RoleUse
from pipeline.registry_layer import RegistryLayer
from pipeline.role_finder import RoleFinder
from pipeline.stage import Build

REPOSITORY = "baseimage/cache"
_MINUTES_A_DAY = 24 * 60
LookUp = Callable[[LayerKey, tuple[str, ...]], RegistryLayer | None]
"""Whether a registry has a layer on top of these contents."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """Which layers may be used again: none without the cache, none from the roles on that are to be played again."""

    use_cache: bool = True
    refresh: Collection[str] = ()

    def refused(self, label: str, role: RoleUse | None) -> str:
        """Why a role's layer (None: the finished image) is not used again, whatever there is; "" when it may be."""
        if not self.use_cache:
            return "--no-cache"
        if role is None:
            return ""
        if {label, role.label, role.name} & set(self.refresh):
            return f"--refresh {label}"
        return "cache: never" if role.cache == "never" else ""


ANY = Reuse()


class KnownLayers:
    """What the project's files and the records say about a service's layers; no engine is needed for it."""

    def __init__(self, finder: RoleFinder, records: LayerRecords) -> None:
        self._finder, self._records = finder, records

    def keys(self, build: Build, conductor: str, base: str = "") -> tuple[tuple[LayerKey, LayerInputs], ...]:
        """Every layer as it would be built on a base ("": not known), and what it is made of."""
        service, below, keys = build.service, base, []
        inputs = [inputs_of_role(role, service, build.recipe, self._finder, conductor) for role in service.roles]
        home = Home(build.project.name, os.path.abspath(build.recipe.file), service.name)  # noqa: PTH100 - as it is named
        for label, each in zip((*service.role_labels, ""), (*inputs, inputs_of_image(service)), strict=True):
            key = layer_key(below, each.digests)
            made = LayerKey(label, key, None, (), each.digests, home, below, each.shown)
            made = replace(made, hardware=each.hardware, facts=each.facts)
            keys.append((made, each))
            below = key if base else ""
        return tuple(keys)

    def explained(self, known: tuple[tuple[LayerKey, LayerInputs], ...]) -> tuple[LayerKey, ...]:
        """The same layers with what changed since they were last there, and what that run took."""
        records = self._records.everything()
        keys = []
        for index, (key, inputs) in enumerate(known):
            before = latest(records, key.home, key.role)
            was = Inputs(before.below, before.inputs, before.shown) if before else None
            now = Inputs(key.below, inputs.digests, inputs.shown)
            last = LastRun(before.seconds, before.size) if before else None
            keys.append(replace(key, reasons=changes(was, now, inputs.places, first=index == 0), last=last))
        return tuple(keys)


class EngineRecords:
    """The Records of an engine and a folder of this machine. `seconds` says what a service's role has taken.

    `look_up` is asked for what the engine does not have.
    """

    def __init__(
        self,
        engine: Engine,
        finder: RoleFinder,
        records: LayerRecords,
        reuse: Reuse = ANY,
        *,
        seconds: Callable[[str, str], float] = lambda _service, _role: 0.0,
        clock: Callable[[], float] = time.time,
        look_up: LookUp = lambda _key, _below: None,
    ) -> None:
        self._engine, self._finder, self._records, self._reuse = engine, finder, records, reuse
        self._known = KnownLayers(finder, records)
        self._seconds, self._clock, self._look_up = seconds, clock, look_up

    def role_files(self, role: RoleUse) -> RoleFiles:
        """Where a role's files are; see `RoleFinder.find`."""
        return self._finder.find(role)

    def unbuilt(self, build: Build, conductor: str) -> tuple[LayerKey, ...]:
        """See `Records.unbuilt`."""
        return self._known.explained(self._known.keys(build, conductor))

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        """See `Records.keys`: once a layer is missing, those above it count as missing too."""
        known = self._known.keys(build, conductor, content_of(base))
        there: list[LayerKey] = []
        below, why_not = base.layers, ""
        for role, (key, _) in zip((*build.service.roles, None), known, strict=True):
            # Squashed layers are no longer those that the roles made.
            found = self._usable(key, base.layers if role is None and build.service.squash else below, role)
            if isinstance(found, str):
                why_not = found
                break
            below = found.layers
            if isinstance(found, RegistryLayer):
                there.append(replace(key, shared=found, last=LastRun(found.seconds, found.size)))
            else:
                there.append(replace(key, image=found.id, last=self._last(key)))
        if len(there) == len(known):
            return tuple(there)
        missing, *above = self._known.explained(known)[len(there) :]
        again = f"role {missing.role} is played again"
        return (
            *there,
            replace(missing, reasons=_reasons(missing, why_not)),
            *(replace(key, reasons=_reasons(key, "", again)) for key in above),
        )

    def used(self, keys: tuple[LayerKey, ...]) -> None:
        """See `Records.used`. A layer without a record gets one, so that the next change can be explained."""
        for key in keys:
            with suppress(OSError):  # a build does without
                if key.image and not self._records.touch(key.key, key.home):
                    self._records.write(self._record(key, key.image, built=0.0))

    def save(self, key: LayerKey, image: ImageId) -> None:
        """Give the layer its cache tag and write the digests of its inputs beside it."""
        reference = tag_of(key.key)
        before = self._engine.find_image(reference)
        self._engine.tag(image, reference)
        if before and before.id != image and set(before.tags) <= {reference}:
            self._remove(before.id)
        self._records.write(self._record(key, image, built=self._clock()))

    def rewritten(self, image: ImageId, how: Rewriting) -> ImageId | None:
        """See `Records.rewritten`."""
        record = self._records.read(rewriting_key(image, how))
        made = self._engine.find_image(record.image) if record and self._reuse.use_cache else None
        return made.id if made else None

    def save_rewritten(self, image: ImageId, how: Rewriting, made: ImageId) -> None:
        """See `Records.save_rewritten`: a record that belongs to no recipe."""
        with suppress(OSError):  # it is made again then
            self._records.write(LayerRecord(rewriting_key(image, how), "", image=made, built=self._clock()))

    def _record(self, key: LayerKey, image: ImageId, built: float) -> LayerRecord:
        before = self._records.read(key.key)
        seconds = round(self._seconds(key.home.service, key.role), 3) if built else 0.0
        size = self._size(image, key.role)
        return record_of(key, self._engine.find_image(image), before, built=built, seconds=seconds, size=size)

    def _size(self, image: ImageId, role: str) -> int:
        """Bytes of a role's own layer, 0 where it has none; of the whole image for the finished one."""
        with suppress(EngineError):
            layers = self._engine.layers(image)
            if not role:
                return sum(layer.size for layer in layers)
            return layers[-1].size if layers and layers[-1].created_by.startswith("role ") else 0
        return 0

    def _remove(self, image: ImageId) -> None:
        """Remove a layer that has lost its name; one that others stand on goes with the last of them."""
        with suppress(EngineError):
            self._engine.remove_image(image)

    def _usable(self, key: LayerKey, below: tuple[str, ...], role: RoleUse | None) -> Image | RegistryLayer | str:
        """The layer that the engine or a registry has, or why it may not be used; "" when there is none."""
        if refused := self._reuse.refused(key.role, role):
            return refused
        image, why_not = self._engine.find_image(tag_of(key.key)), ""
        if image is not None:
            record = self._records.read(key.key)
            why_not = self._unusable(image, below) or self._too_old(role, record.built if record else 0.0)
            if not why_not:
                return image
        shared = self._look_up(key, below)
        return shared if shared and not self._too_old(role, shared.built) else why_not

    @staticmethod
    def _unusable(image: Image, below: tuple[str, ...]) -> str:
        if image.layers[: len(below)] == below:
            return ""
        # A build played a role below again under the same key, and ended before it came to this one.
        return "it stands on an earlier run of what is below it"

    def _too_old(self, role: RoleUse | None, built: float) -> str:
        """Why a layer is too old for the recipe, "" when it is not. One without a record may be of any age."""
        if role is None or isinstance(role.cache, str):
            return ""
        limit = f"cache: {_time(role.cache)}"
        if not built:
            return f"{limit}, and no record of its age"
        age = self._clock() - built
        return "" if age <= role.cache else f"{limit}, built {_time(age)} ago"

    def _last(self, key: LayerKey) -> LastRun | None:
        record = self._records.read(key.key)
        return LastRun(record.seconds, record.size) if record else None


def _time(seconds: float) -> str:
    """In the largest unit that says it without a fraction, or nearly so: 90m, 12h, 7d."""
    minutes = max(round(seconds / 60), 0)
    if minutes >= _MINUTES_A_DAY and (minutes % _MINUTES_A_DAY == 0 or minutes > 2 * _MINUTES_A_DAY):
        return f"{minutes // _MINUTES_A_DAY}d"
    return f"{minutes // 60}h" if minutes and (minutes % 60 == 0 or minutes > 3 * 60) else f"{minutes}m"


def content_of(base: Image | RegistryLayer) -> str:
    """The key that a chain on this base starts from."""
    return base.content if isinstance(base, RegistryLayer) else base_key(base.layers, base.config, base.platform)


def tag_of(key: str) -> str:
    """The name under which the engine keeps a layer."""
    return f"{REPOSITORY}:{key[:SHORT]}"


def _reasons(key: LayerKey, refused: str, below: str = "") -> tuple[str, ...]:
    """Why a layer is not there: what forbids it, what changed in it, what is built anew below it."""
    said = {NO_RECORD} if refused else set()
    said |= {BELOW_CHANGED} if below else set()
    own = tuple(reason for reason in (refused, *(each for each in key.reasons if each not in said), below) if reason)
    return own or (GONE,)


__all__ = ["ANY", "REPOSITORY", "EngineRecords", "KnownLayers", "Reuse", "content_of", "tag_of"]
