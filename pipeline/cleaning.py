"""Removing what earlier runs left: only what carries this program's label or its containers' names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError

REPOSITORIES = ("baseimage/cache", "baseimage/base", "baseimage/conductor")
ABANDONED_AFTER = 24 * 3600
"""Seconds after which a container of a run on another host counts as left behind."""


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that was, or would be, removed."""

    kind: str
    name: str


class Cleaner:
    """Finds and removes leftovers. `labels` mark what this program made, `prefix` begins its containers' names."""

    def __init__(self, engine: Engine, labels: dict[str, str], prefix: str) -> None:
        self._engine, self._prefix = engine, prefix
        self._labels = tuple(f"{key}={value}" for key, value in labels.items())

    def clean(self, *, everything: bool, dry_run: bool) -> tuple[Removed, ...]:
        """Remove containers of runs that have ended; with `everything`, also cached images and volumes."""
        removed = [
            self._remove("container", name, lambda one=identity: self._engine.remove_container(ContainerId(one)), dry_run)  # type: ignore[misc]
            for identity, name in self._engine.named("container", f"{self._prefix}_")
            if left_behind(name, socket.gethostname(), time.time())
        ]
        if everything:
            for repository in REPOSITORIES:
                for _, name in self._engine.named("image", repository):
                    removed.append(self._remove("image", name, lambda one=name: self._engine.remove_image(one), dry_run))  # type: ignore[misc]
            for name, _ in self._engine.owned("volume", self._labels):
                removed.append(self._remove("volume", name, lambda one=name: self._engine.remove_volume(one), dry_run))  # type: ignore[misc]
        return tuple(each for each in removed if each)

    def _remove(self, kind: str, name: str, remove: Callable[[], object], dry_run: bool) -> Removed | None:
        try:
            if not dry_run:
                remove()
        except EngineError:  # in use by a run that goes on
            return None
        return Removed(kind, name)


def left_behind(name: str, host: str, now: float) -> bool:
    """Whether the run that named a container PREFIX_HOST_PID_STARTED_RANDOM_NUMBER is over.

    On this host: when its process is gone. On another one: a day after its start.
    """
    parts = name.split("_")
    if len(parts) < 5 or not (parts[2].isdigit() and parts[3].isdigit()):  # noqa: PLR2004
        return False
    safe = "".join(c if c.isalnum() else "-" for c in host)[:40]
    if parts[1] == safe:
        return not _runs(int(parts[2]))
    return now - int(parts[3]) > ABANDONED_AFTER


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
