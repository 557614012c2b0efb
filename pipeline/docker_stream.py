"""Reading what an engine streams while it pulls, pushes, builds, imports or loads: JSON items in, one outcome out.

An engine answers these requests with "200 OK" before the work begins, so a failure is one more item of the
stream. Nothing here talks to an engine; the items come in as decoded JSON.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.engine import Lines, Progress

TAIL = 30
"""How many of the last lines printed are kept for an error message."""

_STATUS = r"(?:408|429|5\d\d)"
_REASON = (
    r"(?:request timeout|too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)"
)
_REFUSED = re.compile(
    r"unauthorized|no basic auth|denied|forbidden|x509|tag invalid|no such host"
    r"|status(?: code)?:? ?(?:from [a-z]+ request to \S+: )?40[134]\b",
    re.IGNORECASE,
)
_PASSING = re.compile(
    rf"toomanyrequests|too many requests|http status:? {_STATUS}\b|status ?code:? {_STATUS}\b"
    rf"|unexpected status .*: {_STATUS}\b|error parsing http {_STATUS}\b|\b{_STATUS} {_REASON}"
    r"|connection reset|connection refused|broken pipe|i/o timeout|handshake timeout|client\.timeout|deadline exceeded"
    r"|timed out|network is unreachable|no route to host|server misbehaving|temporary failure|use of closed network"
    r"|\beof\b",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"manifest unknown|name unknown|no such image|image does not exist locally|not found: manifest"
    r"|manifest .* not found|repository does not exist|: not found$",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})")
_IMAGE = re.compile(r"(?:Loaded image ID: |Successfully built |^)(sha256:[0-9a-f]{64}|[0-9a-f]{12,64})\s*$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@\"']+@")
_SECRETS = re.compile(
    r"""(?ix) ( \bauthorization: \s* (?:basic|bearer) \s+ | "auth" \s* : \s* "
    | \b(?:x-registry-auth|identitytoken|registrytoken|password|secret) ["']? \s* [:=] \s* ["']? ) [^\s"',;}]{4,}"""
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stream came to: the image's id, the pushed digest, the error, the last lines; "" where there is none."""

    image: str
    digest: str
    error: str
    tail: tuple[str, ...]


def masked(text: str) -> str:
    """The text without credentials: user and password of a URL, and values that follow the name of a secret."""
    return _SECRETS.sub(r"\1***", _CREDENTIALS.sub("***@", text))


def is_transient(message: str) -> bool:
    """Whether the same request may succeed later (network, 408, 429, 5xx); a refusal never does."""
    return not _REFUSED.search(message) and bool(_PASSING.search(message))


def is_missing(message: str) -> bool:
    """Whether the message says that the image, tag or repository does not exist."""
    return bool(_MISSING.search(message))


def is_refusal(message: str) -> bool:
    """Whether the message says that these credentials may not do it."""
    return bool(re.search(r"unauthorized|no basic auth|denied|forbidden|\b40[13]\b", message, re.IGNORECASE))


def read_stream(items: Iterable[Any], progress: Progress | None = None, lines: Lines | None = None) -> Outcome:
    """Read a stream to its end (stopping early would cancel the work) and say what came of it.

    `progress` gets what pulls and pushes report, `lines` whole lines of what a build prints.
    """
    reader = _Reader(progress, lines)
    for item in items:
        if isinstance(item, dict):
            reader.take(item)
    return reader.finish()


class _Reader:
    """Collects what a stream says; the error is the first one, ids and digests are the last ones."""

    def __init__(self, progress: Progress | None, lines: Lines | None) -> None:
        self.progress = progress
        self.lines = lines
        self.image = self.digest = self.error = self.rest = ""
        self.tail: deque[str] = deque(maxlen=TAIL)

    def take(self, item: dict[str, Any]) -> None:
        self.error = self.error or error_of(item)
        self._aux(item.get("aux"))
        if "stream" in item:
            self._print(str(item["stream"]))
        if "status" in item:
            self._status(item, str(item["status"]))
        elif isinstance(item.get("id"), str):
            self.image = item["id"]

    def finish(self) -> Outcome:
        if self.rest:
            self._line(self.rest)
        return Outcome(self.image, self.digest, self.error, tuple(self.tail))

    def _aux(self, aux: object) -> None:
        if isinstance(aux, dict):
            self.image = str(aux.get("ID") or self.image)
            self.digest = str(aux.get("Digest") or self.digest)

    def _status(self, item: dict[str, Any], status: str) -> None:
        if found := _DIGEST.search(status):
            self.digest = found[1]
        if not item.get("id") and (found := _IMAGE.search(status)):
            self.image = found[1]
        if self.progress:
            detail = item.get("progressDetail") or {}
            self.progress(
                str(item.get("id") or ""), status, int(detail.get("current") or 0), int(detail.get("total") or 0)
            )

    def _print(self, text: str) -> None:
        *whole, self.rest = (self.rest + text).split("\n")
        for line in whole:
            self._line(line)

    def _line(self, line: str) -> None:
        line = masked(_COLOUR.sub("", line).rstrip("\r"))
        if (found := _IMAGE.search(line)) and not line.startswith(found[1]):
            self.image = self.image or found[1]
        self.tail.append(line)
        if self.lines:
            self.lines(line)


def error_of(item: dict[str, Any]) -> str:
    """The error that an item of a stream reports, without secrets; "" when it reports none."""
    detail = item.get("errorDetail")
    message = detail.get("message") if isinstance(detail, dict) else None
    return masked(str(message or item.get("error") or ""))
