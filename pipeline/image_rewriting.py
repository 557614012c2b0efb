"""An image's own layers written anew: in order, no younger than a moment, or merged into one; its base's stay."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import accumulate
from typing import IO, Any, cast

from pipeline.engine import Rewriting
from pipeline.image_archive import (
    MANIFEST,
    STEP,
    SavedImage,
    add_file,
    compact,
    config_name,
    image_id,
    read_time,
    written_time,
)
from pipeline.layer_archive import opened, tree_of, write_layer
from pipeline.layer_rules import Rules
from pipeline.layer_tree import Tree

Json = dict[str, Any]
Describe = Callable[[Json], bytes]
_PIECE = 1 << 20


def rewrite_archive(saved: IO[bytes], made: IO[bytes], how: Rewriting, describe: Describe, *, whole: bool) -> str:
    """Turn an archive of one image into one of the rewritten image; the id that it has in a store of layers.

    `describe` writes the image's own file. `whole`: with the base's layers, and with the rewritten ones compressed.
    Else those of the base are left out.
    """
    with tarfile.open(fileobj=saved) as source, tarfile.open(fileobj=made, mode="w") as target:
        image = SavedImage(source)
        names, ids = image.layers[: how.below], list(image.body["rootfs"]["diff_ids"][: how.below])
        for layer in dict.fromkeys(names) if whole else ():
            image.copy(layer, target)
        for number, (content, identity) in enumerate(_rewritten(image, how)):
            names.append(f"rewritten-{number}/layer.tar")
            ids.append(identity)
            _add_layer(target, names[-1], content, packed=whole)
        data = describe(_body(image.body, ids, how))
        add_file(target, config_name(data), data)
        add_file(target, MANIFEST, compact([{"Config": config_name(data), "RepoTags": None, "Layers": names}]))
    return image_id(data)


def _rewritten(image: SavedImage, how: Rewriting) -> Iterator[tuple[IO[bytes], str]]:
    """Content and id of each layer that comes above the base's."""
    own = image.layers[how.below :]
    below = _base(image, image.layers[: how.below])
    rules = Rules(how.epoch, () if how.epoch is None else tuple(_spans(image, how.below)))
    for names in [own] if how.merge else [[name] for name in own]:
        with ExitStack() as stack, tempfile.TemporaryFile() as content:
            layers = [opened(stack.enter_context(image.layer(name))) for name in names]
            tree = tree_of(layers, rules)
            if below:
                tree.over(below, touched=how.epoch is None)
                for layer in layers:
                    below.add(layer)
            identity = write_layer(tree, layers, rules, cast("IO[bytes]", content))
            content.seek(0)
            yield cast("IO[bytes]", content), identity


def _spans(image: SavedImage, below: int) -> Iterator[tuple[int, int]]:
    """When each of the own layers was made: from what its history says to the newest of its files."""
    made = [entry for entry in image.body.get("history") or [] if not entry.get("empty_layer")]
    for name, entry in zip(image.layers[below:], made[below:], strict=False):
        with image.layer(name) as content:
            newest = max((int(head.mtime) for head in opened(content)), default=0)
        yield read_time(str(entry.get("created") or "")), newest


def _base(image: SavedImage, names: Sequence[str]) -> Tree | None:
    """What is below the rewritten layers; None where it is packed in a way that cannot be read here."""
    tree = Tree()
    for name in names:
        with image.layer(name) as content:
            try:
                tree.add(opened(content))
            except tarfile.TarError:
                return None
    return tree


def _add_layer(target: tarfile.TarFile, name: str, content: IO[bytes], *, packed: bool) -> None:
    with _packed(content) if packed else nullcontext(content) as source:
        entry = tarfile.TarInfo(name)
        entry.size = source.seek(0, io.SEEK_END)
        source.seek(0)
        target.addfile(entry, source)


@contextmanager
def _packed(content: IO[bytes]) -> Iterator[IO[bytes]]:
    """Compressed, as a store of containerd's would push it; without a time, so the same each time."""
    with tempfile.TemporaryFile() as packed:
        with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream:
            shutil.copyfileobj(content, stream, _PIECE)
        yield cast("IO[bytes]", packed)


def _body(body: Json, layers: list[str], how: Rewriting) -> Json:
    """The image's own file: other layers, a history that fits, and no time later than the epoch."""
    history = body.get("history") or []
    history = _merged(history, how.below) if how.merge else history
    made = {**body, "rootfs": {"type": "layers", "diff_ids": layers}, "history": history}
    if how.epoch is not None:
        latest = written_time(how.epoch)
        made["created"] = latest
        made["history"] = list(_dated(history, how.below, latest))
    return made


def _dated(history: list[Json], below: int, latest: str) -> Iterator[Json]:
    """The same history, with one time for all that was made above the base."""
    layers = 0
    for entry in history:
        layers += not entry.get("empty_layer")
        own = entry.get("created_by") == STEP or (layers > below and not entry.get("empty_layer"))
        yield {**entry, "created": latest if own else min(str(entry.get("created") or latest), latest)}


def _merged(history: list[Json], below: int) -> list[Json]:
    """The same history with one entry in the place of those that made the own layers."""
    layers = list(accumulate(not entry.get("empty_layer") for entry in history))
    own = [n for n, entry in enumerate(history) if not entry.get("empty_layer") and layers[n] > below]
    if not own:
        return history
    made_by = "; ".join(str(history[n].get("comment") or history[n].get("created_by") or "") for n in own)
    merged = {"created": history[own[0]].get("created"), "created_by": made_by, "comment": made_by}
    return [merged if n == own[0] else entry for n, entry in enumerate(history) if n not in own[1:]]
