"""A layer that lies in a registry for other engines: its names there, what is written about it, whether it fits.

Each layer is an image of its own, as the engine that built it had it. Labels on it would change it, so what is known
of it is written on a second, tiny image (its note), which names the first by digest. Notes are small, so looking a
layer up fetches none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pipeline.fingerprint import SCHEMA, digest

LABEL = "io.baseimage.cached-layer"
"""On notes only; an image that is built on a layer never has it."""
SHORT = 40


@dataclass(frozen=True, slots=True)
class RegistryLayer:
    """A layer in a registry, and the repository that it was found in.

    `layers` are the ids of its contents, lowest first; `content` is the key of what may be built on it
    (`fingerprint.base_key`); `digest` is its manifest's. `built` is in seconds since the epoch, `seconds` what that
    took, `size` is in bytes.
    """

    key: str
    layers: tuple[str, ...]
    content: str
    digest: str = ""
    built: float = 0.0
    seconds: float = 0.0
    size: int = 0
    repository: str = ""

    @property
    def pinned(self) -> str:
        """The one image that was noted, whatever its tag says by now."""
        return f"{self.repository}@{self.digest}"

    def same(self, other: RegistryLayer) -> bool:
        """Whether both are the same content under the same key."""
        return (self.key, self.layers, self.content) == (other.key, other.layers, other.content)


def image_name(repository: str, key: str) -> str:
    """The tag of a layer's image."""
    return f"{repository}:cache-{key[:SHORT]}"


def note_name(repository: str, key: str) -> str:
    """The tag of a layer's note."""
    return f"{repository}:note-{key[:SHORT]}"


def root_key(name: str, platform: str) -> str:
    """The key of a root that was made of packages or a tar file; its name covers what it was made of."""
    return digest({"schema": SCHEMA, "root": name, "platform": platform})


def noted(layer: RegistryLayer) -> dict[str, str]:
    """The labels of a layer's note."""
    data = {name: value for name, value in asdict(layer).items() if name != "repository"}
    return {LABEL: json.dumps(data, sort_keys=True, separators=(",", ":"))}


def read_note(labels: Mapping[str, str], repository: str) -> RegistryLayer | None:
    """The layer that a note tells of, None where it cannot be read as one."""
    types = {each.name: each.type for each in fields(RegistryLayer) if each.name != "repository"}
    try:
        data = json.loads(labels.get(LABEL, ""))
        if not isinstance(data, dict) or not all(_is(types[name], data[name]) for name in types):
            return None
        known = {name: data[name] for name in types}
        return replace(RegistryLayer(**known), layers=tuple(data["layers"]), repository=repository)
    except (ValueError, KeyError):
        return None


def _is(kind: Any, value: Any) -> bool:
    match str(kind).partition("[")[0]:
        case "tuple":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case "float":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)


def unfit(layer: RegistryLayer, key: str, below: tuple[str, ...], most: int | None) -> str:
    """Why a layer may not be used for a key on these layers, "" when it may.

    `most` is how many layers it may have above them: one for a role, none told for a finished image.
    """
    if layer.key != key:
        return "it was noted for another key"
    if layer.layers[: len(below)] != below:
        return "it stands on something else"
    if most is not None and len(layer.layers) - len(below) > most:
        return "it has more layers than a role makes"
    return ""
