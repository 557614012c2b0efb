"""Which values may be kept in clear, so that `plan` can say what one was before.

Names do not tell secrets well enough. So a text is kept only when the role's own files hold it as a word, as they do
the alternatives that they choose between ("runit", "s6"): what the project's files say to everybody is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(
    r"pass|pwd|phrase|secret|token|key|cred|auth|private|salt|cert|vault|cookie|session", re.IGNORECASE
)
_SECRET_WORDS = frozenset("pin otp code pw dsn".split())
_LONGEST = 40
_LARGEST = 99_999
"""The highest number that is kept: a port, a count, not an account."""


def looks_secret(name: str) -> bool:
    """Whether a variable's name says that its value is nobody's business."""
    return bool(_SECRET.search(name)) or bool(_SECRET_WORDS & set(name.lower().split("_")))


def in_clear(values: Mapping[str, Any], words: frozenset[str]) -> dict[str, str]:
    """Those of the values that may be kept, as texts."""
    return {name: _text(value) for name, value in values.items() if not looks_secret(name) and _harmless(value, words)}


def _harmless(value: Any, words: frozenset[str]) -> bool:
    match value:
        case bool():
            return True
        case int():
            return 0 <= value <= _LARGEST
        case str():
            return 0 < len(value) <= _LONGEST and value in words
        case _:
            return False


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
