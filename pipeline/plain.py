"""Plain lines for logs: the time, the step and what happened; and aligned tables without any library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import Lock
from typing import TextIO

from pipeline.events import BuildFailed, BuildFinished, Event, ImageBuilt, NotPushed, Sink, Warned
from pipeline.plain_folds import Folds, Service, annotation, ci_service
from pipeline.plain_lines import Lines, closes, opens, within
from pipeline.repository_paths import in_repository
from pipeline.summary import Results, layer_rows, stage_rows
from pipeline.wording import (
    detail_lines,
    error_lines,
    finished_text,
    hint_lines,
    megabytes,
    not_pushed_text,
    short_id,
    warning_text,
)

_MIN_COLUMN = 4


@contextmanager
def open_plain(
    *, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str], clock: Callable[[], float]
) -> Iterator[Sink]:
    """The log for CI and files on `stdout`, each error as one line on `stderr`."""
    log = _Log(stdout, stderr, clock, ci_service(environ), environ.get("GITHUB_WORKSPACE", ""))
    try:
        yield log.sink
    finally:
        log.close()


@contextmanager
def open_quiet(*, stdout: TextIO, stderr: TextIO) -> Iterator[Sink]:
    """Warnings and errors on `stderr`; at the end the names and digests of the images on `stdout`."""
    lock = Lock()
    results = Results()

    def sink(event: Event) -> None:
        with lock:
            results.add(event)
            if isinstance(event, Warned):
                write(stderr, warning_text(event), *hint_lines(event.hint))
            elif isinstance(event, BuildFailed):
                write(stderr, *failure_lines(event))
            elif isinstance(event, NotPushed):
                write(stderr, not_pushed_text(event))

    try:
        yield sink
    finally:
        write(stdout, *results.names())


class _Log:
    def __init__(
        self, stdout: TextIO, stderr: TextIO, clock: Callable[[], float], service: Service, workspace: str
    ) -> None:
        self._stdout, self._stderr, self._clock = stdout, stderr, clock
        self._in_repository = partial(in_repository, workspace=workspace)
        self._folds = Folds(service)
        self._lock = Lock()
        self._lines = Lines()
        self._results = Results()
        self._closing = False

    def sink(self, event: Event) -> None:
        with self._lock:
            now = self._clock()
            self._results.add(event)
            if isinstance(event, BuildFailed):
                self._fail(event, now)
            elif isinstance(event, BuildFinished):
                self._summary()
                self._say(now, finished_text(event))
            else:
                self._tell(event, now)

    def close(self) -> None:
        """Say what is done even when the build was cut short."""
        with self._lock:
            self._summary()

    def _tell(self, event: Event, now: float) -> None:
        lines = [_timed(now, line) for line in self._lines.of(event, now)]
        if step := opens(event):
            lines = [*self._folds.begin(step, lines[0], now), *lines[1:]]
        elif step := closes(event):
            lines = [*self._folds.end(step, now), *lines]
        elif isinstance(event, Warned) and event.place and self._folds.service == "github":
            lines = [*lines, annotation("warning", event.place, event.message, self._in_repository)]
        write(self._stdout, *lines)

    def _fail(self, failure: BuildFailed, now: float) -> None:
        write(self._stdout, *self._folds.end_all(now))
        self._say(now, *(within(failure.step, f"| {line}") for line in detail_lines(failure)))
        if self._folds.service == "github":
            write(self._stdout, annotation("error", failure.place, failure.message, self._in_repository))
        write(self._stderr, *error_lines(failure), *hint_lines(failure.hint))

    def _summary(self) -> None:
        write(self._stdout, *self._folds.end_all(self._clock()))
        if self._results and not self._closing:
            self._closing = True
            write(self._stdout, *summary_lines(self._results))

    def _say(self, now: float, *lines: str) -> None:
        write(self._stdout, *(_timed(now, line) for line in lines))


def failure_lines(failure: BuildFailed) -> list[str]:
    """An error in full: the line, the tool's own words indented, and what to do next."""
    detail = [f"  {line}".rstrip() for line in detail_lines(failure)]
    return [*error_lines(failure), *detail, *hint_lines(failure.hint)]


def summary_lines(results: Results) -> Iterator[str]:
    """For each image its name, layers and times; then what was pushed."""
    for image in results.images:
        yield from ("", f"{image.service}  {short_id(image.image)}  {megabytes(image.size)}")
        yield from _indent(table([("tag", tag) for tag in image.tags], (), None))
        yield from ("", *_indent(table(layer_rows(image), ("layer", "size", ""), None, right=(1,))))
        yield from ("", *_indent(table(stage_rows(image), ("stage", "time"), None, right=(1,))))
        yield from ("", *_pushed(results, image))
        if image.try_it:
            yield from ("  try it:", f"    {image.try_it}", "")
    yield from (f"{what}: {reference}" for what, reference in results.pushed_besides())
    yield from results.missed_lines()


def _pushed(results: Results, image: ImageBuilt) -> Iterator[str]:
    return (f"  {what}: {reference}" for what, reference in results.pushed_of(image))


def _indent(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def table(
    rows: Sequence[Sequence[str]], headers: Sequence[str], width: int | None, *, right: Sequence[int] = ()
) -> list[str]:
    """Aligned columns two spaces apart, no wider than needed, none wider than `width` (None: no limit).

    The widest column gives way first and ends in `…`; columns named in `right` are set flush right.
    """
    lines = [[title.upper() for title in headers], *map(list, rows)] if any(headers) else [*map(list, rows)]
    if not lines:
        return []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    while width is not None and sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > _MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1
    return ["  ".join(_cells(line, widths, right)).rstrip() for line in lines]


def _cells(line: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> Iterator[str]:
    for index, (cell, width) in enumerate(zip(line, widths, strict=True)):
        short = cell if len(cell) <= width else cell[: width - 1] + "…"
        yield short.rjust(width) if index in right else short.ljust(width)


def _timed(now: float, line: str) -> str:
    return f"{datetime.fromtimestamp(now).astimezone():%H:%M:%S}  {line}"


def write(stream: TextIO, *lines: str) -> None:
    """Write whole lines at once; what the stream cannot encode is written as an escape."""
    if lines:
        encoding = stream.encoding or "utf-8"
        text = "".join(f"{line}\n" for line in lines)
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
