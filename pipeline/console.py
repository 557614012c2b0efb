"""The live display on a terminal. This module and its `console_*` neighbours are all that knows rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

from rich.console import Console, ConsoleRenderable
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from pipeline.console_rows import Row, fitting
from pipeline.console_state import BuildState
from pipeline.console_summary import FailureBlock, print_results
from pipeline.console_tree import Frame
from pipeline.events import BuildFailed, BuildStarted, Event, Sink, Warned
from pipeline.plain import failure_lines, write
from pipeline.wording import finished_text, hint_lines, warning_text

_FRAMES_PER_SECOND = 8


@contextmanager
def open_console(
    *, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str], clock: Callable[[], float]
) -> Iterator[Sink]:
    """A sink that only notes what happened; a thread of its own draws it.

    However the block is left, the tree is drawn a last time, the cursor is back, and then come the tables on
    `stdout` and the errors on `stderr`.
    """
    display = _Display(console_on(stdout, environ), stderr, environ, clock)
    try:
        yield display.sink
    finally:
        display.close()


def console_on(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """A rich console; on a real terminal its size is asked from the terminal each time, not from COLUMNS."""
    if stream.isatty():
        environ = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
    return Console(file=stream, force_terminal=True, highlight=False, _environ=environ)


class _Display:
    def __init__(
        self, console: Console, stderr: TextIO, environ: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._console, self._stderr, self._environ, self._clock = console, stderr, environ, clock
        self._lock = Lock()
        self._state = BuildState()
        self._frame = Frame(self._snapshot)
        self._live = _Screen(self._frame, self._take_warnings, console, stderr_too=stderr.isatty())

    def sink(self, event: Event) -> None:
        with self._lock:
            self._state.apply(event, self._clock())
        if isinstance(event, BuildStarted):
            self._live.start()
        elif not self._live.is_started:
            self._print_warnings()

    def close(self) -> None:
        with self._lock:
            self._state.close(self._clock())
        self._frame.whole = True
        try:
            self._live.stop()
        finally:
            self._closing_words()

    def _closing_words(self) -> None:
        self._print_warnings()
        print_results(self._console, self._state.results)
        if self._state.finished:
            self._console.print()
            self._console.print(Text(finished_text(self._state.finished), "bold"))
        for failure in self._state.failures:
            self._print_failure(failure)

    def _print_failure(self, failure: BuildFailed) -> None:
        if self._stderr.isatty():
            console_on(self._stderr, self._environ).print(Text(), FailureBlock(failure), sep="")
        else:
            write(self._stderr, *failure_lines(failure))

    def _print_warnings(self) -> None:
        for line in self._take_warnings():
            self._console.print(line)

    def _take_warnings(self) -> list[Text]:
        with self._lock:
            return [line for warning in self._state.take_warnings() for line in _warning(warning)]

    def _snapshot(self, height: int | None) -> tuple[Row, float]:
        with self._lock:
            now = self._clock()
            return fitting(self._state, now, height), now


def _warning(warning: Warned) -> Iterator[Text]:
    yield Text(warning_text(warning), "yellow")
    yield from (Text(f"  {line}", "dim") for line in hint_lines(warning.hint))


class _Screen(Live):
    """rich's Live, and more: lines put above the tree by the drawing thread, and windows that change width."""

    def __init__(
        self, frame: Frame, take_above: Callable[[], list[Text]], console: Console, *, stderr_too: bool
    ) -> None:
        super().__init__(frame, console=console, refresh_per_second=_FRAMES_PER_SECOND, redirect_stderr=stderr_too)
        self._frame = frame
        self._take_above = take_above

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What rich prints for one frame: cursor back to the top of the last one, lines above, the tree.

        A terminal that became narrower has wrapped the lines of the last frame: go up those rows too.
        """
        more = self._frame.rows_more_at(self.console.width)
        drawn = super().process_renderables([*renderables, *self._take_above()])
        up = (ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)
        return [drawn[0], Control(*up * more), *drawn[1:]] if more and self.console.is_interactive else drawn
