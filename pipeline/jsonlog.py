"""JSON lines: every event as one object on one line (docs/events.md), for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

from pipeline.events import Event, Sink, to_json


@contextmanager
def open_jsonlog(*, stdout: TextIO, clock: Callable[[], float]) -> Iterator[Sink]:
    """A sink that writes each event at once; `clock` gives seconds since the epoch."""
    lock = Lock()

    def sink(event: Event) -> None:
        with lock:  # the time is read inside it, so that lines are in the order of their times
            stdout.write(json.dumps({"time": rfc3339(clock()), **to_json(event)}) + "\n")
            stdout.flush()

    yield sink


def rfc3339(seconds: float) -> str:
    """UTC with milliseconds: 2025-01-31T12:00:00.250Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
