"""Folds of a CI service's log: a step's lines become a group that people open. Annotations, where they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

Service = Literal["", "github", "gitlab"]
_PLACE = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+)(?::(?P<column>\d+))?)?")
_CLEAR = "\r\x1b[0K"
"""GitLab's mark and what follows it are one line; this hides the mark."""


def ci_service(environ: Mapping[str, str]) -> Service:
    """Whose log is written to; "" where no service is known that folds."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else ""


class Folds:
    """One fold at a time: while several steps run there is none, since it would hold lines of all."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._open = ""
        self._running: set[str] = set()

    def begin(self, step: str, line: str, now: float) -> list[str]:
        """The lines that open a step's fold under this line, or that line alone."""
        self._running.add(step)
        ended = self.end_all(now)
        if len(self._running) > 1 or not self.service:
            return [*ended, line]
        self._open = step
        opening = f"::group::{line}" if self.service == "github" else _section("start", step, now) + line
        return [*ended, opening]

    def end(self, step: str, now: float) -> list[str]:
        """The lines that close a step's fold, if it has one."""
        self._running.discard(step)
        return self.end_all(now) if self._open and step == self._open else []

    def end_all(self, now: float) -> list[str]:
        """The lines that close whatever is open."""
        was, self._open = self._open, ""
        if not was:
            return []
        return ["::endgroup::"] if self.service == "github" else [_section("end", was, now)]


def annotation(kind: str, place: str, message: str, in_repository: Callable[[str], str]) -> str:
    """A workflow command that GitHub shows beside the line of the file.

    `in_repository` says what a file's path is from the repository's top, "" for one that is not in it: GitHub would
    drop an annotation at a file that it does not know, so the message has the place then.
    """
    found = _PLACE.fullmatch(place)
    file = in_repository(found["file"]) if found else ""
    if not found or not file:
        return f"::{kind}::{_escape(f'{place}: {message}' if place else message)}"
    given = {"file": file, "line": found["line"], "col": found["column"]}
    where = ",".join(f"{name}={_escape(value, ':,')}" for name, value in given.items() if value)
    return f"::{kind} {where}::{_escape(message)}"


def _section(which: str, step: str, now: float) -> str:
    name = re.sub(r"[^a-z0-9_.-]+", "_", step.lower())
    return f"section_{which}:{int(now)}:{name}{_CLEAR}"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
