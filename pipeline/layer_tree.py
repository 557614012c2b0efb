"""Layers of an image laid over each other, as an engine does it: what is left, and in which order it is written.

A layer is a tar archive whose entries may also say what is no longer there: `.wh.NAME` takes away what the layers
below have under NAME, `.wh..wh..opq` all that they have in its folder. Both mean the layers below only, wherever they
stand in the archive. Only entries' heads are held in memory, never their content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tarfile import DIRTYPE, LNKTYPE, REGTYPE, TarInfo

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_FOLDER_MODE = 0o755
_MODE_BITS = 0o7777

Unwanted = Callable[[str, TarInfo], bool]
"""Whether the file at a path is to be forgotten; its other hard links stay, unless it says the same of them."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A file, folder, link or device as the archive of layer number `layer` has it; hard links share one."""

    layer: int
    head: TarInfo


@dataclass(frozen=True, slots=True)
class Written:
    """An entry to be written at a path: a file with its content, a hard `link` to a path before, or a whiteout."""

    path: str
    file: File | None = None
    link: str = ""


@dataclass(slots=True)
class _Node:
    """What is known of a path. `hides`: what the layers below the merged ones have there is gone."""

    file: File | None = None
    children: dict[str, _Node] = field(default_factory=dict)
    hides: bool = False

    @property
    def gone(self) -> bool:
        """Whether there is nothing, and not even what is below."""
        return self.hides and self.file is None and not self.children


class Tree:
    """Layers, added from the lowest to the highest."""

    def __init__(self) -> None:
        self._root = _Node()
        self._layers = 0

    def add(self, heads: Iterable[TarInfo]) -> None:
        """Lay a layer over those before; `heads` are its entries, in the archive's order."""
        number, self._layers = self._layers, self._layers + 1
        entries: list[tuple[tuple[str, ...], TarInfo]] = []
        for head in heads:
            parts = _parts(head.name)
            name = parts[-1] if parts else ""
            if name == OPAQUE:
                self._empty(self._at(parts[:-1]))
            elif name.startswith(WHITEOUT):
                self._empty(self._at((*parts[:-1], name.removeprefix(WHITEOUT)))).file = None
            else:
                entries.append((parts, head))
        own: dict[tuple[str, ...], File] = {}
        for parts, head in entries:
            own[parts] = self._linked(head, own) if head.islnk() else File(number, head)
            self._put(self._at(parts), own[parts])

    def has(self, path: str) -> bool:
        """Whether something is at a path."""
        node: _Node | None = self._root
        for part in _parts(path):
            node = node.children.get(part) if node else None
        return node is not None and not node.gone

    def leave_out(self, unwanted: Unwanted) -> None:
        """Forget files; what is below then has them as it has them."""
        pending: list[tuple[str, _Node]] = [("", self._root)]
        while pending:
            path, node = pending.pop()
            for name, child in list(node.children.items()):
                below = f"{path}/{name}".lstrip("/")
                if child.file and not child.children and unwanted(below, child.file.head):
                    del node.children[name]
                else:
                    pending.append((below, child))

    def over(self, base: Tree, *, touched: bool = True) -> None:
        """Forget what hides nothing of `base`, the layers below: nobody need know that it was there for a while.

        Without `touched`, also folders that are as they are there but for their time, with nothing in them that is
        not: something was there for a while.
        """
        seen = list(self._trimmed(base))
        for above, name, node, below in () if touched else reversed(seen):
            if below and not node.children and not node.hides and _is_same_folder(node, below):
                del above.children[name]

    def written(self) -> Iterator[Written]:
        """What one layer with all this has to hold: a folder before what is in it, by name, whiteouts first."""
        first: dict[File, str] = {}
        pending: list[tuple[str, _Node]] = [("", self._root)]
        while pending:
            path, node = pending.pop()
            if node.gone:
                folder, _, name = path.rpartition("/")
                yield Written(f"{folder}/{WHITEOUT}{name}".lstrip("/"))
                continue
            file = node.file or (File(-1, _folder(path)) if node.hides else None)
            if file is not None:
                yield Written(path, file, first.get(file, ""))
                first.setdefault(file, path)
            if node.hides:
                yield Written(f"{path}/{OPAQUE}".lstrip("/"))
            below = sorted(node.children.items(), key=_order, reverse=True)
            pending += [(f"{path}/{name}".lstrip("/"), child) for name, child in below]

    def _at(self, parts: tuple[str, ...]) -> _Node:
        """The node of a path; what stands in the way as something else than a folder makes room."""
        node = self._root
        for part in parts:
            if node.file and not node.file.head.isdir():
                node.file, node.hides = None, True
            node = node.children.setdefault(part, _Node())
        return node

    @staticmethod
    def _empty(node: _Node) -> _Node:
        node.children.clear()
        node.hides = True
        return node

    @staticmethod
    def _put(node: _Node, file: File) -> None:
        if not file.head.isdir():
            node.children.clear()
            node.hides = False  # it takes the place of whatever is below
        elif node.file and not node.file.head.isdir():
            node.hides = True  # the file before had taken the place of whatever is below
        node.file = file

    def _linked(self, head: TarInfo, own: dict[tuple[str, ...], File]) -> File:
        """The file that a hard link leads to: of the same layer, else of one before, else whatever the base has."""
        target = _parts(head.linkname)
        if target in own:
            return own[target]
        node: _Node | None = self._root
        for part in target:
            node = node.children.get(part) if node else None
        return node.file if node and node.file else File(-1, head)

    def _trimmed(self, base: Tree) -> Iterator[tuple[_Node, str, _Node, _Node | None]]:
        """Each folder's node with what is left in it, and what the base has there; folders before their content."""
        pending: list[tuple[_Node, _Node | None]] = [(self._root, base._root)]
        while pending:
            ours, theirs = pending.pop()
            for name, child in list(ours.children.items()):
                below = theirs.children.get(name) if theirs else None
                below = None if below and below.gone else below
                if below is None and child.gone:
                    del ours.children[name]
                    continue
                if below is None and child.file:
                    child.hides = False
                yield ours, name, child, below
                # Under a folder that hides all that is below, there is nothing left to be hidden.
                pending.append((child, None if child.hides else below))


def _is_same_folder(node: _Node, below: _Node) -> bool:
    if node.file is None or below.file is None:
        return False
    ours, theirs = node.file.head, below.file.head
    return (
        ours.isdir()
        and theirs.isdir()
        and (ours.mode & _MODE_BITS, ours.uid, ours.gid) == (theirs.mode & _MODE_BITS, theirs.uid, theirs.gid)
        and _attributes(ours) == _attributes(theirs)
    )


def _attributes(head: TarInfo) -> dict[str, str]:
    return {name: value for name, value in head.pax_headers.items() if name.startswith("SCHILY.xattr.")}


def marker(path: str) -> TarInfo:
    """The head of a whiteout."""
    head = TarInfo(path)
    head.type, head.mode = REGTYPE, 0
    return head


def hard_link(path: str, target: str, file: TarInfo) -> TarInfo:
    """The head of a link to another path's file."""
    head = TarInfo(path)
    head.type, head.linkname = LNKTYPE, target
    head.mode, head.uid, head.gid, head.mtime = file.mode, file.uid, file.gid, file.mtime
    return head


def _folder(path: str) -> TarInfo:
    head = TarInfo(path)
    head.type, head.mode = DIRTYPE, _FOLDER_MODE
    return head


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _order(item: tuple[str, _Node]) -> tuple[bool, bytes]:
    """Whiteouts first, as the image specification advises; then by the bytes of the name, whatever the locale."""
    name, node = item
    return not node.gone, name.encode("utf-8", "surrogateescape")
