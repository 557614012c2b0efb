"""The ansible-runners of a conductor that wait for a play: they load their libraries while something else goes on."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from pipeline.aside import EngineAside
from pipeline.engine import Channel, ContainerId
from pipeline.errors import PipelineError
from pipeline.gate import ROLES

PLAYS = "/tmp/baseimage"  # noqa: S108 - a folder of the conductor, where nobody else is
"""Where the conductor has a folder for each play."""
WORKER = "/opt/conductor/worker.py"
"""ansible-runner, as `conductor_image/worker.py` starts it."""


@dataclass(frozen=True, slots=True)
class Worker:
    """An ansible-runner that waits for a play, or is about to, and the folder of that play in the conductor."""

    channel: Future[Channel]
    folder: str

    def close(self) -> None:
        """Let go of it."""
        with suppress(PipelineError, OSError):
            self.channel.result().close()


class Workers:
    """Begins workers in threads, and keeps those that have nothing to do yet. `environment` is what they run with."""

    def __init__(self, aside: EngineAside, environment: dict[str, str]) -> None:
        self._aside, self._environment = aside, environment
        self._idle: SimpleQueue[Worker] = SimpleQueue()

    def keep(self, container: ContainerId) -> None:
        """See that one waits."""
        if self._idle.empty():
            self._idle.put(self._begun(container))

    def take(self, container: ContainerId) -> Worker:
        """One that waits, or a new one."""
        with suppress(Empty):
            return self._idle.get_nowait()
        return self._begun(container)

    def dismiss(self) -> None:
        """Let go of those that wait."""
        while not self._idle.empty():
            self._idle.get().close()

    def _begun(self, container: ContainerId) -> Worker:
        folder = f"{PLAYS}/{uuid.uuid4().hex[:12]}"
        environment = {**self._environment, "ANSIBLE_ROLES_PATH": f"{folder}/{ROLES}"}
        command = ("python3", WORKER, "worker")
        channel = self._aside.begin(lambda engine: engine.open(container, command, environment=environment))
        return Worker(channel, folder)
