"""One at a time: locks between runs of this program on one machine, and between the threads of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import EXIT_INTERRUPTED, StopRequested


class Locks:
    """Lock files in a folder, one for each name. Who waits gives up when `stopped` says so."""

    def __init__(self, folder: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        self._folder, self._stopped = folder, stopped
        self._numbers: dict[str, tuple[int, FileLock]] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Wait for others and hold the lock of a name for a while. Raises StopRequested."""
        lock = self._file(name)
        try:
            lock.acquire(cancel_check=self._stopped)
        except Timeout:
            raise StopRequested(EXIT_INTERRUPTED) from None
        try:
            yield
        finally:
            lock.release()

    def number(self, name: str) -> int:
        """The lowest number from 1 that nobody else holds for the name; it is ours until `release`, or our end."""
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
            lock = self._file(f"{name}-{number}")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return number, lock
        raise AssertionError("the numbers came to an end")

    def _file(self, name: str) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.lock"
        return FileLock(path, thread_local=False)  # a number outlives the thread that asked for it
