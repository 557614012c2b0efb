"""The image configuration that a role asks for, out of its `set_stats` under `image_config`."""

from __future__ import annotations

from typing import Any

from pipeline.errors import PlayFailedError
from pipeline.image_config import Healthcheck, ImageConfig, seconds

KEYS = (
    "entrypoint",
    "command",
    "ports",
    "volumes",
    "environment",
    "labels",
    "user",
    "working_dir",
    "stop_signal",
    "healthcheck",
)
"""What a role may set."""


def config_from_statistics(statistics: dict[str, Any], role: str) -> ImageConfig:
    """The configuration in a play's statistics; empty without one.

    Raises PlayFailedError for an unknown key or a value of the wrong kind.
    """
    wanted = statistics.get("image_config") or {}
    if not isinstance(wanted, dict):
        raise _wrong(role, "", "a map", wanted)
    for key in wanted:
        if key not in KEYS:
            raise PlayFailedError(
                f"role {role} sets image_config.{key}, which is no image setting", hint=f"known are {', '.join(KEYS)}"
            )
    return ImageConfig(
        entrypoint=_words(role, "entrypoint", wanted) if "entrypoint" in wanted else None,
        command=_words(role, "command", wanted) if "command" in wanted else None,
        exposed=tuple(port if "/" in port else f"{port}/tcp" for port in _words(role, "ports", wanted)),
        volumes=_words(role, "volumes", wanted),
        environment=_map(role, "environment", wanted),
        labels=_map(role, "labels", wanted),
        user=_word(wanted, "user"),
        working_dir=_word(wanted, "working_dir"),
        stop_signal=_word(wanted, "stop_signal"),
        healthcheck=_healthcheck(role, wanted["healthcheck"]) if wanted.get("healthcheck") else None,
    )


def _word(wanted: dict[str, Any], key: str) -> str | None:
    return str(wanted[key]) if key in wanted else None


def _words(role: str, key: str, wanted: dict[str, Any]) -> tuple[str, ...]:
    value = wanted.get(key, [])
    if not isinstance(value, list):
        raise _wrong(role, key, "a list", value)
    return tuple(str(word) for word in value)


def _map(role: str, key: str, wanted: dict[str, Any]) -> dict[str, str]:
    value = wanted.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(role, key, "a map", value)
    return {str(name): str(content) for name, content in value.items()}


def _healthcheck(role: str, value: Any) -> Healthcheck:
    if not isinstance(value, dict) or not isinstance(value.get("test"), list):
        raise _wrong(role, "healthcheck", "a map with test: [CMD, …]", value)
    try:
        times = {name: seconds(value[name]) for name in ("interval", "timeout", "start_period") if name in value}
        return Healthcheck(tuple(map(str, value["test"])), retries=int(value.get("retries") or 0), **times)
    except (TypeError, ValueError):
        raise _wrong(role, "healthcheck", "a map with times such as 10s and a number of retries", value) from None


def _wrong(role: str, key: str, expected: str, value: Any) -> PlayFailedError:
    place = ".".join(part for part in ("image_config", key) if part)
    return PlayFailedError(f"role {role} sets {place} to {value!r}", hint=f"it has to be {expected}")
