"""What differs between two images, read from their archives."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, cast

from pipeline.engine import Engine
from pipeline.image_archive import Json, SavedImage
from pipeline.layer_archive import opened
from pipeline.layer_difference import differences

_TOLD_BY_LAYER = ("rootfs",)


def compared(engine: Engine, first: str, second: str) -> tuple[str, ...]:
    """One line for each difference of two images, those of layers by file; empty when there is none."""
    with ExitStack() as stack:
        ours, theirs = (_saved(engine, image, stack) for image in (first, second))
        return (*_of_bodies(ours.body, theirs.body), *_of_layers(ours, theirs))


def _saved(engine: Engine, image: str, stack: ExitStack) -> SavedImage:
    file = cast("IO[bytes]", stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - the stack closes it
    engine.save(image, file)
    file.seek(0)
    return SavedImage(stack.enter_context(tarfile.open(fileobj=file)))


def _of_bodies(ours: Json, theirs: Json) -> Iterator[str]:
    for key in sorted((ours.keys() | theirs.keys()) - set(_TOLD_BY_LAYER)):
        if ours.get(key) != theirs.get(key):
            yield f"{key}: {ours.get(key)} and {theirs.get(key)}"


def _of_layers(ours: SavedImage, theirs: SavedImage) -> Iterator[str]:
    if len(ours.layers) != len(theirs.layers):
        yield f"layers: {len(ours.layers)} and {len(theirs.layers)}"
        return
    ids = zip(ours.body["rootfs"]["diff_ids"], theirs.body["rootfs"]["diff_ids"], strict=True)
    for number, (left, right) in enumerate(ids):
        if left == right:
            continue
        with ours.layer(ours.layers[number]) as one, theirs.layer(theirs.layers[number]) as other:
            lines = list(differences(opened(one), opened(other)))
        made_by = _made_by(ours.body, number)
        yield from (f"{made_by}: {line}" for line in lines or ["the archives differ, and no file of them"])


def _made_by(body: Json, number: int) -> str:
    """What the history calls a layer."""
    entries = [entry for entry in body.get("history") or [] if not entry.get("empty_layer")]
    entry = entries[number] if number < len(entries) else {}
    return f"layer {number + 1} ({entry.get('comment') or entry.get('created_by') or 'no name'})"
