"""An orderly end on Ctrl-C and TERM."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from pipeline import errors

PATIENCE = 2
"""Signals that do not end the process at once: the second is often the same key held down."""


class Stoppable:
    """Turns the first INT or TERM into StopRequested; a second leaves the clean-up alone, a third ends at once."""

    def __init__(self) -> None:
        self._seen = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._seen += 1
        code = errors.EXIT_INTERRUPTED if number == signal.SIGINT else errors.EXIT_TERMINATED
        if self._seen == 1:
            raise errors.StopRequested(code)
        if self._seen > PATIENCE:
            os._exit(code)
