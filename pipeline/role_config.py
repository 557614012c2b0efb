"""The image configuration that a role asks for, out of its `set_stats` under `image_config`."""

from __future__ import annotations

from typing import Any

from pipeline.errors import PlayFailedError
from pipeline.image_config import Healthcheck, ImageConfig, seconds
_LISTS = {"entrypoint": "entrypoint", "command": "command", "ports": "exposed", "volumes": "volumes"}
_MAPS = ("environment", "labels")
_WORDS = ("user", "working_dir", "stop_signal")
KEYS = (*_LISTS, *_MAPS, *_WORDS, "healthcheck")


def config_from_statistics(statistics: dict[str, Any], role: str) -> ImageConfig:
    """The configuration in a play's statistics; empty without one.

    Raises PlayFailedError for an unknown key or a value of the wrong kind.
    """
    wanted = statistics.get("image_config") or {}
    if not isinstance(wanted, dict):
        raise _wrong(role, "", "a map", wanted)
    for key in wanted:
        if key not in KEYS:
            raise PlayFailedError(f"role {role} sets image_config.{key}, which is no image setting", hint=f"known are {', '.join(KEYS)}")
    return ImageConfig(
        **{field: _words(role, key, wanted[key]) for key, field in _LISTS.items() if key in wanted},
        **{key: _map(role, key, wanted[key]) for key in _MAPS if key in wanted},
        **{key: str(wanted[key]) for key in _WORDS if key in wanted},
        healthcheck=_healthcheck(role, wanted["healthcheck"]) if wanted.get("healthcheck") else None,
    )


def _words(role: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(role, key, "a list", value)
    words = tuple(str(word) for word in value)
    return tuple(word if "/" in word else f"{word}/tcp" for word in words) if key == "ports" else words


def _map(role: str, key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _wrong(role, key, "a map", value)
    return {str(name): str(content) for name, content in value.items()}


def _healthcheck(role: str, value: Any) -> Healthcheck:
    if not isinstance(value, dict) or not isinstance(value.get("test"), list):
        raise _wrong(role, "healthcheck", "a map with test: [CMD, …]", value)
    times = {name: seconds(value[name]) for name in ("interval", "timeout", "start_period") if name in value}
    return Healthcheck(tuple(map(str, value["test"])), retries=int(value.get("retries") or 0), **times)


def _wrong(role: str, key: str, expected: str, value: Any) -> PlayFailedError:
    place = ".".join(part for part in ("image_config", key) if part)
    return PlayFailedError(f"role {role} sets {place} to {value!r}", hint=f"it has to be {expected}")
