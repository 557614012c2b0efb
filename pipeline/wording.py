"""How sizes, times, ids and failures are written, the same in every display."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.events import BuildFailed, BuildFinished, NotPushed, Retrying, Warned

DETAIL_LINES = 40
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_ONE_HOUR = 3600
_LONG = 90


def megabytes(size: int) -> str:
    """Decimal megabytes, as docker prints them."""
    return f"{size / 1_000_000:.1f} MB"


def duration(seconds: float) -> str:
    """Seconds with one decimal up to 90, then 1m32s, then 1h02m."""
    if seconds <= _LONG:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    if whole < _ONE_HOUR:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // _ONE_HOUR}h{whole % _ONE_HOUR // 60:02d}m"


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def one_line(text: str) -> str:
    """What a terminal would leave of a line: no escape sequences, no control characters, tabs as spaces."""
    flat = _ESCAPES.sub("", text).rstrip("\r\n").rsplit("\r", 1)[-1]
    return _CONTROLS.sub(" ", flat.expandtabs(4)).rstrip()


def short_id(image: str) -> str:
    """The twelve characters by which people know an image."""
    return image.removeprefix("sha256:")[:12]


def warning_text(warning: Warned) -> str:
    """A warning on one line, without its hint."""
    return f"warning: {warning.place + ': ' if warning.place else ''}{one_line(warning.message)}"


def retry_text(retry: Retrying) -> str:
    """What is tried again, when, and why."""
    why = f": {one_line(retry.reason)}" if retry.reason else ""
    return f"retrying {retry.what} in {duration(retry.wait)} (attempt {retry.attempt}){why}"


def not_pushed_text(name: NotPushed) -> str:
    """A name that was to be pushed and was not, and why."""
    why = f"  {one_line(name.reason)}" if name.reason else ""
    return f"{'not pushed' if name.tried else 'not tried'}: {name.tag}{why}"


def finished_text(finished: BuildFinished) -> str:
    """The closing line of a build, or of a command that builds no image."""
    if not finished.images:
        return f"done in {duration(finished.seconds)}"
    return f"built {count(finished.images, 'image')} in {duration(finished.seconds)}"


def error_lines(failure: BuildFailed) -> Iterator[str]:
    """`error: …`, one line for each line of the message; the place leads the first."""
    place = f"{failure.place}: " if failure.place else ""
    for line in failure.message.splitlines() or ["the build failed"]:
        yield f"error: {place}{one_line(line)}"
        place = ""


def hint_lines(hint: str) -> Iterator[str]:
    """`hint: …`, one line for each line of the hint."""
    return (f"hint: {one_line(line)}" for line in hint.splitlines())


def detail_lines(failure: BuildFailed) -> list[str]:
    """The end of what the failed tool wrote."""
    lines = [one_line(line) for line in failure.detail.strip("\n").splitlines()]
    if len(lines) <= DETAIL_LINES:
        return lines
    return [f"… {count(len(lines) - DETAIL_LINES, 'line')} before this", *lines[-DETAIL_LINES:]]
