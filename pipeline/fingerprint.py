"""What a layer depends on, as a hash: the same inputs give the same key on every machine.

Keys are chained: a layer's key covers the key of the layer below. The bytes that are hashed are
canonical JSON (sorted keys, no spaces, UTF-8), so neither the order of maps nor a locale matters;
times, owners and absolute paths are never part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.image_config import ImageConfig

SCHEMA = 3


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file that a role is made of: path, "x" for an executable, sha256 of its content."""

    path: str
    mode: str
    digest: str


def digest(value: Any) -> str:
    """The sha256, in hex, of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def base_key(layers: Iterable[str], config: ImageConfig, platform: str) -> str:
    """The key that a chain starts from: the base's content, configuration and platform, not its name."""
    return digest(
        {"schema": SCHEMA, "layers": list(layers), "config": asdict(config.normalised()), "platform": platform}
    )


def role_inputs(
    *,
    files: Iterable[FileEntry],
    parameters: Mapping[str, Any],
    variables: Mapping[str, Any],
    settings: Mapping[str, Any],
    conductor: str,
) -> dict[str, str]:
    """Every input of a role's layer by name, each as a hash, so that it can be stored without secrets."""
    inputs = {f"file {entry.path}": digest([entry.mode, entry.digest]) for entry in files}
    inputs |= {f"parameter {name}": digest(value) for name, value in parameters.items()}
    inputs |= {f"variable {name}": digest(value) for name, value in variables.items()}
    inputs |= {f"setting {name}": digest(value) for name, value in settings.items()}
    return inputs | {"conductor": conductor}


def layer_key(below: str, inputs: Mapping[str, str]) -> str:
    """The key of a layer on top of the one with key `below`."""
    return digest({"schema": SCHEMA, "below": below, "inputs": dict(inputs)})
