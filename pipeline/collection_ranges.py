"""Whether a version of a collection is in a range, in Galaxy's words: ">=1.0.0,<2.0.0"; pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from semver import Version

_PART = re.compile(r"(>=|<=|==|!=|>|<|=)?\s*(\S+)")
_RULES: dict[str, Callable[[int], bool]] = {
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
    "!=": lambda order: order != 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
    "==": lambda order: order == 0,
}


def meets(version: str, wanted: str) -> bool:
    """Whether the version is in the range; what is no version at all is taken to be."""
    found = _version(version)
    for part in filter(None, (part.strip() for part in wanted.split(","))):
        matched = _PART.fullmatch(part)
        limit = _version(matched[2]) if matched else None
        if matched is None or limit is None or found is None or part == "*":
            continue
        sign = "==" if matched[1] in (None, "=") else matched[1]
        if not _RULES[sign](found.compare(limit)):
            return False
    return True


def _version(text: str) -> Version | None:
    """A version; what it lacks is 0, as "1.0"."""
    try:
        return Version.parse(text, optional_minor_and_patch=True)
    except ValueError:
        return None
