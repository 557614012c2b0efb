"""What must not be in a layer: traces of the tools that made it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

SWEPT = ("/tmp", "/var/tmp", "/run")
"""Directories that are swept before a commit; what the build has in /dev are mounts."""
VOLATILE = (*SWEPT, "/dev")
"""Directories in which a layer has nothing of its own."""

LEFTOVERS = (
    "/root/.ansible*",
    "/root/.cache*",
    "/var/lib/apt/lists/*",
    "/var/cache/apt/*",
    "/var/cache/apk/*",
    "/var/cache/dnf/*",
    "/var/cache/yum/*",
    "/var/log/apt/*",
    "/var/log/dpkg.log",
    "/var/log/alternatives.log",
    "/var/lib/dpkg/*-old",
    "/var/cache/debconf/*-old",
    "/var/cache/ldconfig/aux-cache",
)
MARK = "left: "
"""What the lines of `scripts/settle.py` about paths that are still there begin with; a JSON string follows."""
TRACES = r"ansible-tmp-[^/]*|\.?ansible_[^/]*payload[^/]*|AnsiballZ_[^/]*|\.ansible"
"""The names of files and folders that Ansible leaves where it was."""
_TOOLS = re.compile(f"/({TRACES})(/|$)")


def left_behind(lines: Iterable[str]) -> tuple[str, ...]:
    """The paths among what a settled target says, as changes: "A /path"; what is no UTF-8 is replaced."""
    paths = (json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK))
    return tuple(f"A {path.encode(errors='surrogateescape').decode(errors='replace')}" for path in paths)


def residue(changes: Iterable[str], allowed: Iterable[str] = ()) -> tuple[str, ...]:
    """The changes ("A /path", "C /path") that are traces of a build; `allowed` are patterns of exceptions."""
    exceptions = tuple(allowed)
    return tuple(
        change
        for change in changes
        if _is_residue(change[:1], change[2:]) and not any(fnmatchcase(change[2:], each) for each in exceptions)
    )


def _is_residue(kind: str, path: str) -> bool:
    if kind == "D":
        return False
    if _TOOLS.search(path):
        return True
    # What a base has in such a folder is its own, and looks changed when a role only passed by.
    return kind == "A" and (is_volatile(path) or _is_leftover(path))


def is_volatile(path: str) -> bool:
    """Whether a path is below a volatile directory."""
    return any(path.startswith(f"{folder}/") for folder in VOLATILE)


def _is_leftover(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in LEFTOVERS) and not _is_kept(path)


def _is_kept(path: str) -> bool:
    """Empty directories that the package manager itself puts there."""
    return path.endswith(("/partial", "/lists/lock", "/auxfiles"))
