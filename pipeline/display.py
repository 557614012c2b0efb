"""Which display shows a build: a live tree on a terminal, a plain log, JSON lines, or next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, TextIO

from pipeline.events import Sink
from pipeline.jsonlog import open_jsonlog
from pipeline.plain import open_plain, open_quiet

Mode = Literal["auto", "tty", "plain", "json", "quiet"]

_NOT_IN_CI = ("", "0", "false")
_DUMB = ("dumb", "unknown")


def open_display(
    mode: Mode,
    *,
    stdout: TextIO,
    stderr: TextIO,
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.time,
) -> AbstractContextManager[Sink]:
    """The sink for one build, safe to call from any thread. `clock` gives seconds since the epoch."""
    match mode if mode != "auto" else choose(stdout, environ):
        case "json":
            return open_jsonlog(stdout=stdout, clock=clock)
        case "quiet":
            return open_quiet(stdout=stdout, stderr=stderr)
        case "tty" if _speaks_utf8(stdout):
            from pipeline.console import open_console  # noqa: PLC0415 - rich is loaded only where it draws

            return open_console(stdout=stdout, stderr=stderr, environ=environ, clock=clock)
        case _:
            return open_plain(stdout=stdout, stderr=stderr, environ=environ, clock=clock)


def choose(stdout: TextIO, environ: Mapping[str, str]) -> Literal["tty", "plain"]:
    """A live tree on a terminal that can show one, unless CI or NO_COLOR asks for less.

    FORCE_COLOR on a terminal asks for the tree in CI too; where there is no terminal it changes nothing, since
    a file cannot be redrawn.
    """
    if not stdout.isatty() or environ.get("TERM", "") in _DUMB or environ.get("NO_COLOR"):
        return "plain"
    in_ci = environ.get("CI", "").lower() not in _NOT_IN_CI
    return "plain" if in_ci and not environ.get("FORCE_COLOR") else "tty"


def open_replay(*, stdout: TextIO, clock: Callable[[], float]) -> AbstractContextManager[Sink]:
    """The plain log of a build that is over, errors included; `clock` gives the time at which each event was."""
    return open_plain(stdout=stdout, stderr=stdout, environ={}, clock=clock)


def _speaks_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "") in ("utf8", "utf8sig")
