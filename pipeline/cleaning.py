"""Removing what earlier runs left: only what carries this program's label or its containers' names."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError

REPOSITORIES = ("baseimage/cache", "baseimage/twice", "baseimage/base", "baseimage/conductor")
LOOKS = 6
ABANDONED_AFTER = 24 * 3600
"""Seconds after which a container of a run on another host counts as left behind."""


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that was, or would be, removed; `size` is in bytes, 0 where it is not known."""

    kind: str
    name: str
    size: int = 0


class Cleaner:
    """Finds and removes leftovers. `labels` mark what this program made, `prefixes` begin its containers' names."""

    def __init__(self, engine: Engine, labels: dict[str, str], *prefixes: str) -> None:
        self._engine, self._prefixes = engine, prefixes
        self._labels = tuple(f"{key}={value}" for key, value in labels.items())

    def clean(self, *, everything: bool, dry_run: bool) -> tuple[Removed, ...]:
        """Remove containers of runs that have ended; with `everything`, also cached images and volumes."""
        found = self._containers() + (self._kept_for_later() if everything else [])
        return tuple(each for each, remove in found if dry_run or _removed(remove))

    def _containers(self) -> list[tuple[Removed, Callable[[], object]]]:
        host, now = socket.gethostname(), time.time()
        return [
            (Removed("container", name), partial(self._engine.remove_container, ContainerId(identity)))
            for prefix in self._prefixes
            for identity, name in self._engine.named("container", f"{prefix}_")
            if left_behind(name, host, now)
        ]

    def _kept_for_later(self) -> list[tuple[Removed, Callable[[], object]]]:
        images = [name for repository in REPOSITORIES for _, name in self._engine.named("image", f"{repository}:")]
        volumes = [name for name, _ in self._engine.owned("volume", self._labels)]
        found: list[tuple[Removed, Callable[[], object]]] = []
        found += [(Removed("image", name), partial(self._engine.remove_image, name)) for name in images]
        return found + [(Removed("volume", name), partial(self._engine.remove_volume, name)) for name in volumes]


def sweep(engine: Engine, prefix: str, *, interrupted: bool) -> None:
    """Remove every container of this run that nobody else did.

    After an interruption a request to make one may still be under way in the engine, so it looks again for a second.
    """
    for attempt in range(LOOKS if interrupted else 1):
        if attempt:
            time.sleep(0.2)
        with suppress(EngineError):
            for identity, _ in engine.named("container", prefix):
                engine.remove_container(ContainerId(identity))


def _removed(remove: Callable[[], object]) -> bool:
    """Whether it went; what a running build uses stays."""
    try:
        remove()
    except EngineError:
        return False
    return True


def run_name(prefix: str, host: str, pid: int, started: int) -> str:
    """The beginning of the names of a run's containers: PREFIX_HOST_PID_STARTED_RANDOM."""
    return f"{prefix}_{_safe(host)}_{pid}_{started}_{secrets.token_hex(3)}"


def left_behind(name: str, host: str, now: float) -> bool:
    """Whether the run that named a container PREFIX_HOST_PID_STARTED_RANDOM_NUMBER is over.

    On this host: when its process is gone. On another one: a day after its start.
    """
    parts = name.split("_")
    if len(parts) < 5 or not (parts[2].isdecimal() and parts[3].isdecimal()):  # noqa: PLR2004
        return False
    if parts[1] == _safe(host):
        return not _runs(int(parts[2]))
    return now - int(parts[3]) > ABANDONED_AFTER


def _safe(host: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in host)[:40]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
