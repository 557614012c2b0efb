"""The shared cache of a run: layers and roots taken from registries, and given to one.

It never fails a build: a registry that cannot be reached or refuses is left alone for the rest of the run, after one
warning, and what it would have had is built here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace

from pipeline.cache_settings import CacheSettings
from pipeline.engine import Engine, Image, Progress
from pipeline.errors import EngineError, EngineUnreachableError, PipelineError, PushFailedError
from pipeline.events import Sink, Transfer, Warned
from pipeline.layer_records import LayerRecords, record_of
from pipeline.plan import LayerKey, describe_base
from pipeline.recipe import Base, BaseImage
from pipeline.records import tag_of
from pipeline.registry_layer import RegistryLayer, root_key, unfit
from pipeline.registry_store import brought, content_of_image, is_it, look_up, put
from pipeline.roots import name_of
from pipeline.stage import Build

NOT_BROUGHT = "the shared cache could not be read"
OTHER = "whoever takes layers from there gets that one; with --cache-from this build would have, too"


@dataclass(slots=True)
class Known:
    """What the builds of a run know of registries: what was found, what is given, and who is left alone."""

    found: dict[tuple[str, str], RegistryLayer | None] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A layer for the registry: what it is in words, and the image that this engine has of it."""

    what: str
    layer: RegistryLayer
    image: Image
    is_root: bool = False


class RegistryCache:
    """`stage.Cache` over the engine, which knows how registries are reached and who we are.

    `alone`, called with a layer's key, keeps other builds from bringing the same layer. With `renew` roots are made
    anew, and replaced in the registry that is written to.
    """

    def __init__(
        self,
        engine: Engine,
        settings: CacheSettings,
        records: LayerRecords,
        emit: Sink,
        known: Known,
        alone: Callable[[str], AbstractContextManager[object]],
        *,
        renew: bool = False,
    ) -> None:
        self._engine, self._settings, self._records, self._emit = engine, settings, records, emit
        self._known, self._alone, self._renew = known, alone, renew and bool(settings.target)

    def look_up(self, key: LayerKey, below: tuple[str, ...]) -> RegistryLayer | None:
        """The first registry's layer for this key that stands on these contents."""
        return self._found(key.key, below, 1 if key.role else None)

    def root(self, base: Base) -> RegistryLayer | None:
        """See `stage.Cache`."""
        if isinstance(base, BaseImage) or not self._settings.sources:
            return None
        return self._found(root_key(name_of(base), self._engine.info().platform), (), 1)

    def bring_root(self, base: Base, step: str) -> Image | None:
        """The root as the engine's image, under its own name; None where no registry has it."""
        layer = None if self._renew else self.root(base)
        return self._brought(layer, name_of(base), step) if layer else None

    def fetch(self, keys: tuple[LayerKey, ...], step: str) -> tuple[LayerKey, ...]:
        """See `stage.Cache`."""
        for index, key in enumerate(keys):
            if key.image or key.shared is None:
                continue
            image = self._brought(key.shared, tag_of(key.key), step)
            if image is None:
                lost = (replace(each, image=None, shared=None, reasons=(NOT_BROUGHT,)) for each in keys[index:])
                return *keys[:index], *lost
            layer, before = key.shared, self._records.read(key.key)
            with suppress(OSError):  # a build does without
                self._records.write(
                    record_of(key, image, before, built=layer.built, seconds=layer.seconds, size=layer.size)
                )
            keys = (*keys[:index], replace(key, image=image.id, reasons=()), *keys[index + 1 :])
        return keys

    def share(self, build: Build, step: str) -> str:
        """See `stage.Cache`."""
        target = self._settings.target
        counts = {"written": 0, "there": 0}
        for offer in self._chain(build):
            try:
                outcome = "there" if offer.layer.key in self._known.given else self._put(offer, step)
            except EngineError as error:
                self._failed(target, error, f"{target} does not take the build cache")
                return "not written"
            if outcome == "other":
                self._emit(Warned(f"{target} has another {offer.what} of the same inputs, and keeps it", OTHER))
                break
            self._known.given.add(offer.layer.key)
            counts[outcome] += 1
        return f"{counts['written']} written, {counts['there']} there already"

    def _put(self, offer: _Offer, step: str) -> str:
        if offer.layer.repository in self._known.lost:
            raise PushFailedError("it failed before in this build")
        renew = self._renew and offer.is_root
        return put(self._engine, offer.layer, offer.image, self._progress(step), renew=renew)

    def _chain(self, build: Build) -> Iterator[_Offer]:
        """Everything that another engine needs, lowest first."""
        root = build.recipe.root(build.service)
        if not isinstance(root, BaseImage) and (image := self._engine.find_image(name_of(root))):
            key = root_key(name_of(root), image.platform)
            yield _Offer(describe_base(root), self._offered(key, image), image, is_root=True)
        below = build.base.layers if build.base else ()
        for each in build.keys:
            image = self._engine.find_image(tag_of(each.key))
            if image is None or image.layers[: len(below)] != below:
                return
            what = f"role {each.role}" if each.role else "image"
            yield _Offer(what, self._offered(each.key, image), image)
            below = image.layers

    def _offered(self, key: str, image: Image) -> RegistryLayer:
        record = self._records.read(key)
        layer = RegistryLayer(key, image.layers, content_of_image(image), repository=self._settings.target)
        if record is None:
            return layer
        return replace(layer, built=record.built, seconds=record.seconds, size=record.size)

    def _found(self, key: str, below: tuple[str, ...], most: int | None) -> RegistryLayer | None:
        for repository in self._settings.sources:
            layer = self._asked(repository, key)
            if layer is None:
                continue
            if not (why := unfit(layer, key, below, most)):
                return layer
            self._known.found[repository, key] = None
            self._emit(Warned(f"{repository} has a layer that is not used: {why}"))
        return None

    def _asked(self, repository: str, key: str) -> RegistryLayer | None:
        """What a registry has, asked once in a run."""
        place = repository, key
        if place not in self._known.found:
            self._known.found[place] = None
            if repository not in self._known.lost:
                try:
                    self._known.found[place] = look_up(self._engine, repository, key)
                except EngineError as error:
                    self._left_alone(repository, error, f"{repository} cannot be read as a build cache")
        return self._known.found[place]

    def _brought(self, layer: RegistryLayer, name: str, step: str) -> Image | None:
        """The layer under the engine's own name for it, None after a warning."""
        with self._alone(layer.key):
            before = self._engine.find_image(name)
            if before and is_it(before, layer):  # somebody else was quicker
                return before
            try:
                if layer.repository in self._known.lost:
                    return None
                with brought(self._engine, layer, self._progress(step)) as image:
                    self._engine.tag(image.id, name)
            except EngineError as error:
                self._known.found[layer.repository, layer.key] = None
                self._left_alone(layer.repository, error, f"a layer of {layer.repository} is not used")
                return None
            if before and set(before.tags) <= {name}:
                with suppress(EngineError):
                    self._engine.remove_image(before.id)
            return self._engine.find_image(name)

    def _failed(self, repository: str, error: PipelineError, what: str) -> None:
        if self._settings.strict:
            raise PushFailedError(f"{what}: {error.message}", hint=error.hint, detail=error.detail) from error
        self._left_alone(repository, error, what)

    def _left_alone(self, repository: str, error: PipelineError, what: str) -> None:
        """Ask this registry no more, and say so once. An engine that is gone is the build's own trouble."""
        if isinstance(error, EngineUnreachableError):
            raise error
        if repository not in self._known.lost:
            self._known.lost.add(repository)
            self._emit(Warned(f"{what}: {error.message}", error.hint))

    def _progress(self, step: str) -> Progress:
        return lambda item, status, now, total: self._emit(Transfer(step, item, status, now, total))
