"""One registry's repository as a store of layers: looked up, brought, and put there."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pipeline.engine import Engine, Image, Progress
from pipeline.errors import EngineError, NotFoundError
from pipeline.fingerprint import base_key
from pipeline.image_config import ImageConfig
from pipeline.registry_layer import RegistryLayer, image_name, note_name, noted, read_note

Outcome = Literal["written", "there", "other"]
"""What came of a layer that was offered: it is new there, it was there, or other content is there under its key."""
_ABOUT = b"The labels of this image tell of a layer of the build cache beside it.\n"


def look_up(engine: Engine, repository: str, key: str) -> RegistryLayer | None:
    """What a repository notes for a key, None where it has nothing; no layer is fetched.

    Raises EngineError where that cannot be found out, or what is there is no note.
    """
    with _named(engine, note_name(repository, key)) as name:
        try:
            note = engine.pull(name, _silent)
        except NotFoundError as error:
            if error.hint:  # many registries say "not found" to those who may not look
                raise
            return None
    if found := read_note(note.config.labels, repository):
        return found
    raise EngineError(f"{name} is not what this program wrote")


@contextmanager
def brought(engine: Engine, layer: RegistryLayer, progress: Progress) -> Iterator[Image]:
    """The very image that was noted, pulled; who wants to keep it gives it a name.

    Raises EngineError where it cannot be had, or is not what the note says.
    """
    with _named(engine, layer.pinned):
        image = engine.pull(layer.pinned, progress)
        if not is_it(image, layer):
            raise EngineError(f"{layer.pinned} is not what was noted for it")
        yield image


def put(engine: Engine, layer: RegistryLayer, image: Image, progress: Progress, *, renew: bool = False) -> Outcome:
    """Write a layer into its repository, unless something is there under its key: the first writer wins.

    With `renew` other content is replaced.

    The image goes first: what is noted is there. Raises EngineError.
    """
    before = look_up(engine, layer.repository, layer.key)
    if before and before.same(layer):
        return "there"
    if before and not renew:
        return "other"
    with _named(engine, image_name(layer.repository, layer.key)) as name:
        engine.tag(image.id, name)
        digest = engine.push(name, progress)
    with _named(engine, note_name(layer.repository, layer.key)) as name, tempfile.TemporaryDirectory() as scratch:
        labels = noted(replace(layer, digest=digest))
        engine.import_root(_tiny(Path(scratch) / "about.tar"), name, ImageConfig(labels=labels))
        engine.push(name, progress)
    return "written"


def is_it(image: Image, layer: RegistryLayer) -> bool:
    """Whether an image has the contents and the configuration that were noted."""
    return (image.layers, content_of_image(image)) == (layer.layers, layer.content)


def content_of_image(image: Image) -> str:
    """One key for everything of an image that counts for what is built on it."""
    return base_key(image.layers, image.config, image.platform)


@contextmanager
def _named(engine: Engine, name: str) -> Iterator[str]:
    """A name that an image has only on its way."""
    try:
        yield name
    finally:
        _forget(engine, name)


def _forget(engine: Engine, name: str) -> None:
    with suppress(EngineError):  # it has another name, or is in use: nothing that has to go now
        engine.remove_image(name)


def _tiny(path: Path) -> Path:
    """An archive of one small file, for registries take no image without a layer."""
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("about")
        entry.size = len(_ABOUT)
        archive.addfile(entry, io.BytesIO(_ABOUT))
    return path


def _silent(item: str, status: str, now: int, total: int) -> None:
    """A look-up is over before anybody could read about it."""
