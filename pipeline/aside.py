"""Work that nobody waits for yet: done in threads, each with an engine of its own, while the stages go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from pipeline.engine import Engine

T = TypeVar("T")


class EngineAside:
    """`stage.Aside`. `engine` opens another connection to the same engine: clients are not made for several threads."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._begun: list[Future[object]] = []

    def begin(self, work: Callable[[Engine], T]) -> Future[T]:
        """Start some work; its result, or what it raised, is the future's."""
        future: Future[T] = Future()
        self._begun.append(future)  # type: ignore[arg-type] # a future of anything is one of an object
        # A daemon: an engine that is silent must not keep the process from ending.
        threading.Thread(target=self._carry_out, args=(work, future), name="aside", daemon=True).start()
        return future

    def join(self) -> None:
        """Wait until all of it has ended, and raise what went wrong first, once."""
        begun, self._begun = self._begun, []
        wait(begun)
        for future in begun:
            future.result()

    def _carry_out(self, work: Callable[[Engine], T], future: Future[T]) -> None:
        try:
            future.set_result(work(self._engine()))
        except BaseException as error:  # noqa: BLE001 - who waits for the future decides what becomes of it
            future.set_exception(error)
