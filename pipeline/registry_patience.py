"""How long a registry is waited for: while it is silent, and while it fails in ways that may pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import UsageError

SILENCE = "BASEIMAGE_REGISTRY_TIMEOUT"
TRYING = "BASEIMAGE_REGISTRY_PATIENCE"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: a request fails after `silence` without a word; no other try begins `trying` after the first one.

    An engine tries a part of a push again by itself; it is stopped when that would take longer than `trying`. It is
    silent, too, while what it is to send waits for other pushes.
    """

    silence: int = 600
    trying: int = 60


USUAL = Patience()


def registry_patience(environ: Mapping[str, str]) -> Patience:
    """What the environment says, else the defaults. Raises UsageError for what is no number of seconds."""
    return Patience(_seconds(environ, SILENCE, USUAL.silence), _seconds(environ, TRYING, USUAL.trying))


def _seconds(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name) or str(usual)
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise UsageError(f"{name} must be a whole number of seconds, is {text!r}", hint=f"leave it out for {usual}")
    return int(text)
