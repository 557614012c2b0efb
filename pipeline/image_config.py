"""The part of an image's configuration that a base, a role and a recipe each have a say in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """HEALTHCHECK: `test` as the engine wants it (["CMD", …], ["CMD-SHELL", …] or ["NONE"]), times in seconds."""

    test: tuple[str, ...]
    interval: float = 0
    timeout: float = 0
    start_period: float = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Image configuration. None, or an empty map or tuple, is "says nothing"; `entrypoint=()` is "none at all"."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    exposed: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    working_dir: str | None = None
    healthcheck: Healthcheck | None = None
    stop_signal: str | None = None
    shell: tuple[str, ...] | None = None
    onbuild: tuple[str, ...] = ()

    def merged(self, over: ImageConfig) -> ImageConfig:
        """This configuration with `over` laid on top: maps and sets join, single values are replaced.

        As in a Dockerfile, a new entry point drops the command it had been written for.
        """
        command = self.command if over.entrypoint is None or over.entrypoint == self.entrypoint else None
        return ImageConfig(
            entrypoint=_either(over.entrypoint, self.entrypoint),
            command=_either(over.command, command),
            environment={**self.environment, **over.environment},
            exposed=_union(self.exposed, over.exposed),
            volumes=_union(self.volumes, over.volumes),
            labels={**self.labels, **over.labels},
            user=_either(over.user, self.user),
            working_dir=_either(over.working_dir, self.working_dir),
            healthcheck=_either(over.healthcheck, self.healthcheck),
            stop_signal=_either(over.stop_signal, self.stop_signal),
            shell=_either(over.shell, self.shell),
            onbuild=over.onbuild or self.onbuild,
        )

    def beyond(self, base: ImageConfig) -> ImageConfig:
        """What this configuration says and `base` does not: laid over `base` it is this configuration again."""
        return ImageConfig(
            entrypoint=_other(self.entrypoint, base.entrypoint),
            command=_other(self.command, base.command),
            environment=_new(self.environment, base.environment),
            exposed=tuple(each for each in self.exposed if each not in base.exposed),
            volumes=tuple(each for each in self.volumes if each not in base.volumes),
            labels=_new(self.labels, base.labels),
            user=_other(self.user, base.user),
            working_dir=_other(self.working_dir, base.working_dir),
            healthcheck=_other(self.healthcheck, base.healthcheck),
            stop_signal=_other(self.stop_signal, base.stop_signal),
            shell=_other(self.shell, base.shell),
            onbuild=() if self.onbuild == base.onbuild else self.onbuild,
        )

    def normalised(self) -> ImageConfig:
        """The same configuration as every engine runs it: "" and () are None, sets are sorted."""
        return replace(
            self,
            entrypoint=self.entrypoint or None,
            command=self.command or None,
            environment=dict(sorted(self.environment.items())),
            exposed=tuple(sorted(self.exposed)),
            volumes=tuple(sorted(self.volumes)),
            labels=dict(sorted(self.labels.items())),
            user=self.user or None,
            working_dir=None if self.working_dir in ("", "/") else self.working_dir,
            stop_signal=self.stop_signal or None,
            shell=self.shell or None,
        )


def differences(expected: ImageConfig, actual: ImageConfig) -> tuple[str, ...]:
    """What `actual` has, lacks or says otherwise, one line each; empty when both mean the same."""
    left, right = expected.normalised(), actual.normalised()
    lines: list[str] = []
    for name in ImageConfig.__slots__:
        wanted, found = getattr(left, name), getattr(right, name)
        if wanted == found:
            continue
        if isinstance(wanted, dict) and isinstance(found, dict):
            lines += [
                f"{name}: {key} is {found.get(key)!r}, declared is {wanted.get(key)!r}"
                for key in sorted(wanted.keys() | found.keys())
                if wanted.get(key) != found.get(key)
            ]
        else:
            lines.append(f"{name} is {found!r}, declared is {wanted!r}")
    return tuple(lines)


def _either(over: T | None, under: T | None) -> T | None:
    return under if over is None else over


def _other(value: T | None, base: T | None) -> T | None:
    return None if value == base else value


def _new(values: dict[str, str], base: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if base.get(key) != value}


def _union(under: tuple[str, ...], over: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*under, *over)))


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}


def seconds(text: str | float) -> float:
    """A duration as Compose writes it ("1m30s", "500ms"), or a plain number of seconds. Raises ValueError."""
    if isinstance(text, (int, float)):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(h|ms|us|m|s))+|\d+(\.\d+)?", text):
        raise ValueError(f"{text!r} is no duration such as 10s or 1m30s")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)?", text)
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
