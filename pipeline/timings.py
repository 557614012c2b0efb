"""How long the steps of a layer have taken so far, seen from the events that pass."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.events import Event, Sink, StepStarted

_FINISHING = ("commit", "verify")


class Timings:
    """A sink that hands every event on. Threads may share it: each pair of service and role is written once."""

    def __init__(self, emit: Sink, clock: Callable[[], float]) -> None:
        self._emit, self._clock = emit, clock
        self._started: dict[tuple[str, str], float] = {}

    def __call__(self, event: Event) -> None:
        """Note when the first step of a role, or of the finished image (role ""), began."""
        if isinstance(event, StepStarted) and (event.role or event.stage in _FINISHING):
            self._started.setdefault((event.service, event.role), self._clock())
        self._emit(event)

    def seconds(self, service: str, role: str) -> float:
        """Seconds since then; 0 when nothing was started."""
        started = self._started.get((service, role))
        return 0.0 if started is None else self._clock() - started
