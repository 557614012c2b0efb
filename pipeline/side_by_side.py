"""Services built side by side: each in a thread of its own, a few at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass

from pipeline import runner, schedule
from pipeline.errors import PipelineError, SeveralServicesError
from pipeline.events import Sink, Warned
from pipeline.halting import Halt
from pipeline.runner import Clock, Entry, Rules
from pipeline.stage import Build, Tools

PATIENCE = 6.0
"""Seconds that threads have to end when they are stopped; what is still under way then ends with the process."""
PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Crew:
    """At most `jobs` builds at once. `hire` makes the tools of one, with a sink that `halt` guards.

    `clear` removes all containers of the run: that ends what threads wait for in the engine.
    """

    jobs: int
    hire: Callable[[int], Tools]
    halt: Halt
    clear: Callable[[], None]


@dataclass(slots=True)
class _Job:
    """Tools for one thread at a time: a conductor and package caches of its own, used for one service after another."""

    number: int
    tools: Tools
    failed: bool = False


def run(
    builds: tuple[Build, ...], tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules, crew: Crew
) -> tuple[Build, ...]:
    """As `runner.run`, but a service begins as soon as what it is built on is there and a job is free.

    A failure stops what is built on that service; all others are built. Then raises the PipelineError, or a
    SeveralServicesError with all of them in build order. StopRequested, and a defect, stop everything at once.
    """
    first, last = runner.halves(catalogue)
    work = _Work(tools.emit, first, clock, rules, crew)
    try:
        work.build_all(builds)
    except BaseException:
        work.stop()
        raise
    finally:
        work.dismiss()
    errors = [work.failed[build.service.name] for build in builds if build.service.name in work.failed]
    if len(errors) > 1:
        raise SeveralServicesError(errors) from errors[0]
    if errors:
        raise errors[0]
    return runner.finish(tuple(work.built[build.service.name] for build in builds), tools, last, clock, rules)


class _Work:
    """Who waits, who is being built by which job, and what has come of the others. Only the main thread changes it."""

    def __init__(self, emit: Sink, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules, crew: Crew) -> None:
        self._emit, self._catalogue, self._clock, self._rules, self._crew = emit, catalogue, clock, rules, crew
        self._waiting: dict[str, Build] = {}
        self._running: dict[Future[Build], tuple[str, _Job]] = {}
        self._jobs: list[_Job] = []
        self.built: dict[str, Build] = {}
        self.failed: dict[str, PipelineError] = {}

    def build_all(self, builds: tuple[Build, ...]) -> None:
        """Until nobody waits or is being built."""
        self._waiting = {build.service.name: build for build in builds}
        while self._waiting or self._running:
            self._begin()
            ended, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in ended:
                self._end(future)
            self._give_up()

    def stop(self) -> None:
        """End all threads: nothing that they run or wait for goes on."""
        self._crew.halt.turn()
        until = time.monotonic() + PATIENCE
        while (running := {future for future in self._running if not future.done()}) and time.monotonic() < until:
            self._crew.clear()
            wait(running, timeout=PAUSE)

    def dismiss(self) -> None:
        """Stop the conductors, but one that is kept for a look inside, or that a thread has not let go."""
        busy = [job for future, (_, job) in self._running.items() if not future.done()]
        with ExitStack() as cleanup:
            for job in self._jobs:
                kept = job.failed and self._rules.keep and not self._crew.halt.turned()
                if job not in busy and not kept:
                    runner.register(cleanup, job.tools.player.stop, self._emit, keep=False)

    def _begin(self) -> None:
        names = [name for name, _ in self._running.values()]
        ready = schedule.startable([build.service for build in self._waiting.values()], names)
        for service in ready[: self._crew.jobs - len(names)]:
            job = self._free_job()
            future: Future[Build] = Future()
            build = self._waiting.pop(service.name)
            self._running[future] = service.name, job
            # A daemon: what cannot be stopped, such as a request to an engine that is silent, ends with the process.
            threading.Thread(
                target=self._carry_out, args=(future, build, job.tools), name=f"job {job.number}", daemon=True
            ).start()

    def _free_job(self) -> _Job:
        busy = [job for _, job in self._running.values()]
        for job in self._jobs:
            if job not in busy:
                return job
        number = len(self._jobs) + 1
        self._jobs.append(_Job(number, self._crew.hire(number)))
        return self._jobs[-1]

    def _carry_out(self, future: Future[Build], build: Build, tools: Tools) -> None:
        try:
            done = runner.build_service(build, self.built, tools, self._catalogue, self._clock, self._rules)
        except BaseException as error:  # noqa: BLE001 - the main thread decides what becomes of it
            future.set_exception(error)
        else:
            future.set_result(done)

    def _end(self, future: Future[Build]) -> None:
        name, job = self._running.pop(future)
        error = future.exception()
        if error is None:
            self.built[name] = future.result()
        elif isinstance(error, PipelineError):
            job.failed = True
            self.failed[name] = error
        else:
            raise error

    def _give_up(self) -> None:
        for service in schedule.hopeless([build.service for build in self._waiting.values()], self.failed):
            del self._waiting[service.name]
            self._emit(Warned(f"service {service.name} is not built, since it starts from {schedule.below(service)}"))
