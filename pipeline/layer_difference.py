"""What differs between two layers, file by file. Pure."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from tarfile import TarFile, TarInfo
from typing import IO

_PIECE = 1 << 20
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.LNKTYPE: "hard link",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}
_ASPECTS: dict[str, Callable[[TarInfo], object]] = {
    "kind": lambda head: _KINDS.get(head.type, "other"),
    "mode": lambda head: oct(head.mode),
    "owner": lambda head: f"{head.uid}:{head.gid}",
    "owner's name": lambda head: f"{head.uname}:{head.gname}",
    "size": lambda head: head.size,
    "mtime": lambda head: head.mtime,
    "target": lambda head: head.linkname,
    "extended headers": lambda head: dict(sorted(head.pax_headers.items())),
}


def differences(first: TarFile, second: TarFile) -> Iterator[str]:
    """One line for each path that differs: what of it, in the first and in the second layer."""
    ours, theirs = ({head.name: head for head in layer} for layer in (first, second))
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            yield f"/{name}: only in the first"
        elif name not in ours:
            yield f"/{name}: only in the second"
        elif found := [*_of_heads(ours[name], theirs[name]), *_of_content(first, second, ours[name], theirs[name])]:
            yield f"/{name}: {'; '.join(found)}"
    if list(ours) != list(theirs) and ours.keys() == theirs.keys():
        yield "the entries stand in another order"


def _of_heads(ours: TarInfo, theirs: TarInfo) -> Iterator[str]:
    for aspect, told in _ASPECTS.items():
        if told(ours) != told(theirs):
            yield f"{aspect} {told(ours)} and {told(theirs)}"


def _of_content(first: TarFile, second: TarFile, ours: TarInfo, theirs: TarInfo) -> Iterator[str]:
    if not (ours.isreg() and theirs.isreg()):
        return
    one, other = first.extractfile(ours), second.extractfile(theirs)
    if one and other and (place := _first_difference(one, other)) is not None:
        yield f"content from byte {place} on"


def _first_difference(one: IO[bytes], other: IO[bytes]) -> int | None:
    done = 0
    while True:
        left, right = one.read(_PIECE), other.read(_PIECE)
        if left != right:
            pairs = enumerate(zip(left, right, strict=False))
            return done + next((number for number, (a, b) in pairs if a != b), min(len(left), len(right)))
        if not left:
            return None
        done += len(left)
