"""The history of builds: what happened in each, as the JSON lines of docs/events.md in a folder of its own.

Whatever goes wrong with it, a build goes on: it says so once, and the rest of the build is not kept.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pipeline.errors import UsageError
from pipeline.events import BuildStarted, Event, Sink, Transfer, Warned, from_json, to_json
from pipeline.jsonlog import rfc3339
from pipeline.modules import masked

EVENTS = "events.jsonl"
DAY = 24 * 3600
_BEFORE_THE_START = 1000


@dataclass(frozen=True, slots=True)
class Keep:
    """How many builds are kept, and for how many days."""

    builds: int = 50
    days: int = 30


class Recorder:
    """A sink that hands every event on and keeps it. A build's folder is made when the build starts.

    Any thread may call it. Progress of transfers is not kept. Other runs may write beside it.
    """

    def __init__(self, emit: Sink, folder: Path, keep: Keep, clock: Callable[[], float] = time.time) -> None:
        self._emit, self._folder, self._keep, self._clock = emit, folder, keep, clock
        self._lock = Lock()
        self._early: deque[str] = deque(maxlen=_BEFORE_THE_START)
        self._log: Path | None = None
        self._broken = False

    def __call__(self, event: Event) -> None:
        """Show it, then keep it."""
        self._emit(event)
        if isinstance(event, Transfer) or self._broken:
            return
        try:
            with self._lock:
                self._record(event)
        except OSError as error:
            self._broken = True
            where = f"{error.strerror}: {error.filename or self._folder}"
            self._emit(Warned(f"the history of this build is not kept: {where}"))

    def _record(self, event: Event) -> None:
        line = json.dumps({"time": rfc3339(self._clock()), **_without_credentials(to_json(event))}) + "\n"
        if self._log is None and not isinstance(event, BuildStarted):
            self._early.append(line)
            return
        if self._log is None:
            self._log = _new_build(self._folder, self._clock())
            line = "".join((*self._early, line))
            prune(self._folder, self._keep, self._clock())
        with self._log.open("a", encoding="utf-8") as stream:  # each time, so that nothing is left to be closed
            stream.write(line)


def _new_build(folder: Path, now: float) -> Path:
    """The log of a build that begins now; its folder's name sorts by time and is nobody else's."""
    name = f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / name).mkdir(mode=0o700)
    log = folder / name / EVENTS
    log.touch(mode=0o600)
    return log


def prune(folder: Path, keep: Keep, now: float) -> None:
    """Remove builds that are too many or too old, the oldest first; the newest one always stays."""
    for number, name in enumerate(build_ids(folder)):
        log = folder / name / EVENTS
        with suppress(OSError):
            if number and (number >= keep.builds or now - log.stat().st_mtime > keep.days * DAY):
                shutil.rmtree(folder / name, ignore_errors=True)


def build_ids(folder: Path) -> tuple[str, ...]:
    """The builds that are kept, the newest first."""
    try:
        return tuple(sorted((each.parent.name for each in folder.glob(f"*/{EVENTS}")), reverse=True))
    except OSError:
        return ()


def find_build(folder: Path, name: str = "") -> str:
    """The build with this id, or whose id alone begins or ends so; without a name the newest. Raises UsageError."""
    known = build_ids(folder)
    if not known:
        raise UsageError("no build is on record", hint="baseimage build makes the first one")
    if not name:
        return known[0]
    found = [each for each in known if each == name] or [e for e in known if e.startswith(name) or e.endswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} builds are called {name!r}", hint=f"they are: {', '.join(found[:5])}")
    raise UsageError(f"there is no build {name!r} on record", hint="baseimage list shows them")


def recorded_events(folder: Path, name: str) -> Iterator[tuple[float, Event]]:
    """What happened in a build, with seconds since the epoch; a line that was cut off is left out."""
    try:
        text = (folder / name / EVENTS).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"the record of build {name} cannot be read: {error.strerror}") from None
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            data = json.loads(line)
            at = datetime.fromisoformat(data["time"]).timestamp()
            if event := from_json(data):
                yield at, event


def _without_credentials(data: dict[str, Any]) -> dict[str, Any]:
    return {name: masked(value) if isinstance(value, str) else value for name, value in data.items()}
