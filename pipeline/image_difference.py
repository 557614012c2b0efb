"""What two images differ in: packages, layers and size; and whether an image keeps the budget that it was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.engine import ImageLayer
from pipeline.recipe_model import Budget
from pipeline.software import Package

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """An image with what is compared: sizes in bytes, unpacked; layers lowest first."""

    name: str
    id: str
    size: int
    layers: tuple[ImageLayer, ...]
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A package or layer that one of two images lacks ("" or 0 there), or has in another version or size."""

    name: str
    old: str | int
    new: str | int


@dataclass(frozen=True, slots=True)
class Difference:
    """What the new image has of its own, against the old one. Layers are told apart by who made them, in order."""

    old: Measured
    new: Measured
    packages: tuple[Change, ...]
    layers: tuple[Change, ...]


def difference(old: Measured, new: Measured) -> Difference:
    """Compare two images; what is the same in both is left out."""
    return Difference(
        old,
        new,
        tuple(_changes(_versions(old.packages), _versions(new.packages), "")),
        tuple(_changes(_sizes(old.layers), _sizes(new.layers), 0)),
    )


def as_json(found: Difference) -> dict[str, Any]:
    """The documented form (docs/releases.md)."""
    sides = {
        side: {"name": image.name, "image": image.id, "size": image.size, "packages": len(image.packages)}
        for side, image in (("old", found.old), ("new", found.new))
    }
    return {
        "schema": 1,
        **sides,
        "size": found.new.size - found.old.size,
        "packages": [asdict(change) for change in found.packages],
        "layers": [asdict(change) for change in found.layers],
    }


def over_budget(budget: Budget, size: int, packages: int | None, previous: int | None) -> Iterator[str]:
    """In what an image is over its budget; `packages` and `previous` (the last release's size) None: not known."""
    if budget.size is not None and size > budget.size:
        yield f"its size is {_megabytes(size)}, and the budget is {_megabytes(budget.size)}"
    if budget.packages is not None and packages is not None and packages > budget.packages:
        yield f"it has {packages} packages, and the budget is {budget.packages}"
    if budget.growth is not None and previous and size > previous * (1 + budget.growth / PERCENT):
        grown = (size - previous) / previous * PERCENT
        yield (
            f"it grew by {grown:.1f} % since the last release ({_megabytes(previous)} to {_megabytes(size)}),"
            f" and the budget is {budget.growth:g} %"
        )


def _versions(packages: tuple[Package, ...]) -> dict[str, str]:
    """Versions by name; the architecture counts where one name is there for several."""
    names = [package.name for package in packages]
    return {
        package.name if names.count(package.name) == 1 else f"{package.name}:{package.architecture}": package.version
        for package in packages
    }


def _sizes(layers: tuple[ImageLayer, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for layer in layers:
        name = layer.created_by or "(it does not say)"
        sizes[name] = sizes.get(name, 0) + layer.size
    return sizes


def _changes(old: dict[str, Any], new: dict[str, Any], nothing: str | int) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        if old.get(name, nothing) != new.get(name, nothing):
            yield Change(name, old.get(name, nothing), new.get(name, nothing))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
