"""What is kept of each layer in a folder of this machine: what it was made of, when, and how long that took.

One JSON file a layer, named by its key. It holds digests of values, not values; those few that may be read by
anybody (`disclosure`) are kept beside them. When a layer was last used is the file's own time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from threading import get_ident
from typing import Any

from pipeline.engine import Image
from pipeline.plan import Home, LayerKey

_HOME = len(fields(Home))
SHORT = 40
"""How many characters of a key name a file, and a tag."""


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """A layer that was built: `built` and `used` are seconds since the epoch, `size` is in bytes.

    `layers` are the ids of the image's contents, lowest first. `also` are other services that have the same layer:
    project, recipe, service.
    """

    key: str
    role: str
    project: str = ""
    recipe: str = ""
    service: str = ""
    below: str = ""
    image: str = ""
    seconds: float = 0.0
    size: int = 0
    built: float = 0.0
    used: float = 0.0
    inputs: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    also: list[list[str]] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)

    @property
    def homes(self) -> tuple[Home, ...]:
        """Every place that it was built for or found in."""
        return Home(self.project, self.recipe, self.service), *(Home(*each) for each in self.also)


def record_of(
    key: LayerKey, image: Image | None, before: LayerRecord | None, *, built: float, seconds: float, size: int
) -> LayerRecord:
    """The record of a layer; `before` is the one that is there, whose services keep it."""
    homes = before.homes if before else ()
    return LayerRecord(
        key=key.key,
        role=key.role,
        project=key.home.project,
        recipe=key.home.recipe,
        service=key.home.service,
        below=key.below,
        image=image.id if image else "",
        seconds=seconds,
        size=size,
        built=built,
        inputs=key.inputs,
        shown=key.shown,
        also=[[home.project, home.recipe, home.service] for home in homes if home != key.home],
        layers=list(image.layers) if image else [],
    )


class LayerRecords:
    """The records in a folder. A file that cannot be read as one is as good as none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> LayerRecord | None:
        """The record of a layer."""
        return _read(self._path(key))

    def everything(self) -> tuple[LayerRecord, ...]:
        """All records, the one that was used last first."""
        found = (_read(path) for path in self._folder.glob("*.json"))
        return tuple(sorted((each for each in found if each), key=lambda each: (each.used, each.built), reverse=True))

    def write(self, record: LayerRecord) -> None:
        """Keep a record; nobody but the user may read it. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(record.key)
        partial = path.with_suffix(f".{os.getpid()}-{get_ident()}.partial")
        data = asdict(record)
        del data["used"]
        with open(partial, "w", encoding="utf-8", opener=_private) as stream:
            stream.write(json.dumps(data, indent=1))
        partial.replace(path)

    def touch(self, key: str, home: Home) -> bool:
        """Note that a service uses a layer now; False when there is no record of it. Raises OSError."""
        record = self.read(key)
        if record is None:
            return False
        if home in record.homes:
            os.utime(self._path(key))
        else:
            self.write(replace(record, also=[*record.also, [home.project, home.recipe, home.service]]))
        return True

    def remove(self, key: str) -> None:
        """Forget a layer."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:SHORT]}.json"


def latest(records: Iterable[LayerRecord], home: Home, role: str) -> LayerRecord | None:
    """The layer that stood in this place last: in this recipe's file or, if it has moved, in its namesake.

    `records` begin with the one that was used last.
    """
    there = [
        (place, each) for each in records if each.role == role for place in each.homes if place.service == home.service
    ]
    same = (each for place, each in there if place.recipe == home.recipe)
    moved = (
        each for place, each in there if place.project == home.project and _name(place.recipe) == _name(home.recipe)
    )
    return next(same, None) or next(moved, None)


def _read(path: Path) -> LayerRecord | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return LayerRecord(**dict(_known(data)), used=path.stat().st_mtime)
    except (OSError, ValueError, TypeError):
        return None


def _known(data: Any) -> Iterator[tuple[str, Any]]:
    """What this version knows of a record, if it has the type that it should have."""
    types = {each.name: each.type for each in fields(LayerRecord) if each.name != "used"}
    for name, value in (data if isinstance(data, dict) else {}).items():
        if name not in types:
            continue
        kind = str(types[name]).partition("[")[0]
        if type(value).__name__ != kind and not (kind == "float" and isinstance(value, int)):
            raise TypeError(name)
        if name == "also" and not all(isinstance(each, list) and len(each) == _HOME for each in value):
            raise TypeError(name)
        if name == "layers" and not all(isinstance(each, str) for each in value):
            raise TypeError(name)
        yield name, value


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
