"""Layers as tar archives: several read, one written. Content is copied in pieces, never held as a whole."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from typing import IO, cast

from pipeline.layer_rules import AS_IT_IS, Rules
from pipeline.layer_tree import File, Tree, Written, hard_link, marker

_PIECE = 1 << 20


def opened(layer: IO[bytes]) -> tarfile.TarFile:
    """A layer's archive, which can be read in any order. Raises tarfile.TarError for anything else."""
    return tarfile.open(fileobj=layer, mode="r:")


def tree_of(layers: Iterable[tarfile.TarFile], rules: Rules = AS_IT_IS) -> Tree:
    """Layers laid over each other, the lowest first, with what the rules leave of them."""
    tree = Tree()
    for layer in layers:
        tree.add(layer)
    tree.leave_out(rules.dropped)
    return tree


def write_layer(tree: Tree, layers: Sequence[tarfile.TarFile], rules: Rules, target: IO[bytes]) -> str:
    """Write one layer of a tree that was made of these archives; the id of its content ("sha256:…").

    The same tree and content give the same bytes.
    """
    hashing = _Hashing(target)
    with tarfile.open(fileobj=cast("IO[bytes]", hashing), mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in tree.written():
            if each.file is None:
                archive.addfile(rules.head(each.path, marker(each.path)))
            else:
                _add(archive, each, each.file, layers, rules)
    return f"sha256:{hashing.digest.hexdigest()}"


def _add(archive: tarfile.TarFile, each: Written, file: File, layers: Sequence[tarfile.TarFile], rules: Rules) -> None:
    if each.link:
        archive.addfile(rules.head(each.path, hard_link(each.path, each.link, file.head)))
        return
    head = rules.head(each.path, file.head)
    content = layers[file.layer].extractfile(file.head) if file.head.isreg() else None
    if content and (change := rules.change(each.path, file.head)):
        data = change(content.read())
        head.size, content = len(data), io.BytesIO(data)
    archive.addfile(head, content)


class _Hashing(io.RawIOBase):
    """A target that knows the digest of all that was written to it."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target, self.digest = target, hashlib.sha256()
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        self._written += len(data)
        return self._target.write(data)

    def tell(self) -> int:
        return self._written


def copy_into(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a stream in pieces."""
    shutil.copyfileobj(source, target, _PIECE)
