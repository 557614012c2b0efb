"""One process at a time: locks between runs of this program on one machine."""

from __future__ import annotations

import re
from pathlib import Path

from filelock import FileLock


class Locks:
    """Lock files in a folder, one for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> FileLock:
        """The lock for a name; enter it to wait for others and to hold it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.lock")
