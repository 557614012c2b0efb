"""The difference of two images for people: what became of the packages and the layers, and the sizes."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.image_difference import Change, Difference
from pipeline.plain import table
from pipeline.wording import count, megabytes, one_line, short_id

_LONGEST = 60


def difference_lines(found: Difference) -> Iterator[str]:
    """Both images, then what the new one has more, less or otherwise."""
    for side, image in (("old", found.old), ("new", found.new)):
        packages = count(len(image.packages), "package")
        yield f"{side}  {image.name}  {short_id(image.id)}  {megabytes(image.size)}  {packages}"
    yield f"size {_signed(found.new.size - found.old.size)}"
    if found.packages:
        rows = [(_kind(change), change.name, str(change.old), str(change.new)) for change in found.packages]
        yield from ("", *table(rows, ("", "package", "old", "new"), None))
    if found.layers:
        layers = [(_short(change.name), *map(_size, _sizes(change))) for change in found.layers]
        yield from ("", *table(layers, ("layer", "old", "new"), None, right=(1, 2)))
    if not found.packages and not found.layers:
        yield "packages and layers are the same"


def _kind(change: Change) -> str:
    if not change.old:
        return "added"
    return "changed" if change.new else "removed"


def _sizes(change: Change) -> tuple[int, int]:
    return int(change.old), int(change.new)


def _size(size: int) -> str:
    return megabytes(size) if size else "-"


def _signed(size: int) -> str:
    return f"{'+' if size > 0 else ''}{megabytes(size)}"


def _short(text: str) -> str:
    line = one_line(text.replace("\n", " "))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
