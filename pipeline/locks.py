"""One process at a time: locks between runs of this program on one machine."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout


class Locks:
    """Lock files in a folder, one for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[str, tuple[int, FileLock]] = {}

    def __call__(self, name: str) -> FileLock:
        """The lock for a name; enter it to wait for others and to hold it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.lock")

    def number(self, name: str) -> int:
        """The lowest number from 1 that no other run holds for the name; it is ours until `release`, or our end."""
        if name not in self._numbers:
            self._numbers[name] = self._free(name)
        return self._numbers[name][0]

    def release(self) -> None:
        """Give the numbers back."""
        for _, lock in self._numbers.values():
            lock.release()
        self._numbers.clear()

    def _free(self, name: str) -> tuple[int, FileLock]:
        for number in count(1):
            lock = self(f"{name}-{number}")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return number, lock
        raise AssertionError("the numbers came to an end")
