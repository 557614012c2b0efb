"""Files of `key = value` lines, each value with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.errors import Problem

_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on one line, without comment and surrounding space; line and column count from 1."""

    number: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of a key, and where the key stands."""

    value: str
    line: Line


def significant_lines(text: str) -> tuple[Line, ...]:
    """The lines that say something: empty ones and comments (# at the start or after a space) are left out."""
    found = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = _COMMENT.sub("", raw)
        if line.strip():
            found.append(Line(number, len(line) - len(line.lstrip()) + 1, line.strip()))
    return tuple(found)


def read_key_values(
    lines: tuple[Line, ...], file: str, known: tuple[str, ...]
) -> tuple[dict[str, Entry], list[Problem]]:
    """The entries by key, and every line that is no `key = value`, or has an unknown, repeated or empty key."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for line in lines:
        key, equals, value = (part.strip() for part in line.text.partition("="))
        message, hint = _mistake(key, equals, value, known, entries)
        if message:
            problems.append(Problem(file, line.number, line.column, key if equals else "", message, hint))
        entries.setdefault(key, Entry(value, line))
    return entries, problems


def _mistake(key: str, equals: str, value: str, known: tuple[str, ...], entries: dict[str, Entry]) -> tuple[str, str]:
    if not equals:
        return f"{key!r} is not of the form key = value", ""
    if key not in known:
        near = get_close_matches(key.lower(), known, n=1)
        return "unknown key", f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    if key in entries:
        return f"this key stands on line {entries[key].line.number} already", "keep one of the two"
    if not value:
        return "has no value", "give it one, or take the line away"
    return "", ""
