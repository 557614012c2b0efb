"""Stopping work that other threads do: a signal reaches the main thread only, the others have to be told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import EXIT_INTERRUPTED, StopRequested
from pipeline.events import Event, Sink


class Halt:
    """A switch that is turned once: from then on whatever a thread is about to report raises StopRequested in it."""

    def __init__(self) -> None:
        self._turned = threading.Event()
        self._lock = threading.Lock()
        self._endings: list[Callable[[], None]] = []

    def turned(self) -> bool:
        """Whether everything is to stop."""
        return self._turned.is_set()

    def turn(self) -> None:
        """Stop the threads: those that report something, sleep, wait for a lock or run a tool of this machine."""
        self._turned.set()
        with self._lock:
            endings = tuple(self._endings)
        for end in endings:
            end()

    def sink(self, emit: Sink) -> Sink:
        """A sink for a thread; every step begins with an event, so no thread comes further than to its next step."""

        def guarded(event: Event) -> None:
            self.check()
            emit(event)

        return guarded

    def check(self) -> None:
        """Raise StopRequested once the switch is turned."""
        if self.turned():
            raise StopRequested(EXIT_INTERRUPTED)

    def sleep(self, seconds: float) -> None:
        """Sleep, or stop."""
        self._turned.wait(seconds)
        self.check()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """While the block lasts, turning the switch calls `end`; it is called at once where that was before."""
        with self._lock:
            self._endings.append(end)
        try:
            if self.turned():
                end()
            yield
        finally:
            with self._lock:
                self._endings.remove(end)
