"""Sizes and shares as people write them: 110MB, 104MiB, 5%."""

from __future__ import annotations

import re

from pipeline.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i)?)?b?", re.IGNORECASE | re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)


def size_in_bytes(value: object) -> int:
    """A number with B, kB, MB, GB or TB, or KiB, MiB, GiB or TiB; without a unit, bytes. Raises UsageError."""
    match = _SIZE.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    if match is None:
        raise UsageError(f"{value!r} is no size such as 10GB or 500MB")
    number, letter, binary = match.groups()
    unit = 1024 if binary else 1000
    return int(float(number) * unit ** (" kmgt".index(letter.lower()) if letter else 0))


def per_cent(value: object) -> float:
    """The number before a per cent sign. Raises UsageError."""
    match = _SHARE.fullmatch(str(value).strip())
    if match is None:
        raise UsageError(f"{value!r} is no share such as 5%")
    return float(match[1])
