"""Ansible for one play, from its start in the conductor to its end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pipeline.engine import Channel
from pipeline.errors import PlayFailedError
from pipeline.events import Event, Output, Sink, TaskStarted
from pipeline.gate import Gate
from pipeline.play_events import PlayLog


class _Mark(Enum):
    """What stands among the events of a play: all tasks are done and none has failed; Ansible has ended."""

    PLAYED = auto()
    ENDED = auto()


class PlayProcess:
    """A worker of ansible-runner that was told what to play, and waits at its gate.

    `scratch` is an empty folder, `said` what is to be shown before the play; `undo` is closed with the process.
    """

    def __init__(
        self, channel: Channel, gate: Gate, log: PlayLog, scratch: Path, said: tuple[str, ...], undo: ExitStack
    ) -> None:
        self.log = log
        self._channel, self._gate, self._scratch, self._said, self._undo = channel, gate, scratch, said, undo
        self._events: queue.SimpleQueue[Event | _Mark] = queue.SimpleQueue()
        self._status = ""
        self._crash: BaseException | None = None
        self._sender: threading.Thread | None = None
        undo.callback(self._join)
        undo.callback(channel.close)
        undo.callback(gate.close)

    def transmit(self, private: Path) -> None:
        """Send ansible-runner what it plays; a thread goes on with it."""
        self._sender = threading.Thread(target=_transmit, args=(private, self._channel), name="transmit", daemon=True)
        self._sender.start()

    def play(self, emit: Sink, meanwhile: Callable[[], object]) -> None:
        """Let it play, until all tasks are done: Ansible itself may still be about to end.

        `meanwhile` is called when its first task begins: until then Ansible itself has its hands full. Raises
        PlayFailedError with role, task, file and line.
        """
        for line in self._said:
            emit(Output(self.log.step, line))
        with suppress(ConnectionError):  # why the conductor has gone is told by what follows
            self._gate.open()
        threading.Thread(target=self._follow, name="play", daemon=True).start()
        self._pass_on(_with_first(meanwhile, emit), _Mark.PLAYED)

    def conclude(self, emit: Sink) -> None:
        """Wait until Ansible has ended, and let go of everything.

        Raises PlayFailedError if it ended otherwise than its tasks did.
        """
        try:
            self._pass_on(emit, _Mark.ENDED)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything; an Ansible that waits or plays is left to itself."""
        self._undo.close()

    def _join(self) -> None:
        """What is still being sent reads files that are about to go; it ends with the channel."""
        if self._sender:
            self._sender.join(timeout=5)

    def _pass_on(self, emit: Sink, until: _Mark) -> None:
        while (event := self._events.get()) is not _Mark.ENDED:
            if event is until:
                return
            if not isinstance(event, _Mark):
                emit(event)
        self._events.put(event)  # whoever asks again hears it again
        self._judge()

    def _judge(self) -> None:
        if self._crash:
            raise self._crash
        if self.log.failure and self._status != "successful":
            raise self.log.failure
        if self._status != "successful":
            printed = "\n".join(self.log.lines) or self._channel.stderr().decode(errors="replace")
            message = f"role {self.log.role} could not be played: Ansible ended with {self._status!r}"
            raise PlayFailedError(message, detail=printed)

    def _follow(self) -> None:
        import ansible_runner  # noqa: PLC0415 - a twentieth of a second that a build with nothing to play saves

        try:
            result = ansible_runner.interface.run(
                streamer="process",
                _input=self._channel.stdout,
                private_data_dir=str(self._scratch),
                event_handler=self._handle,
                cancel_callback=_never,
                quiet=True,
            )
            self._status = result.status
        except BaseException as error:  # noqa: BLE001 - it is raised where the play is waited for
            self._crash = error
        finally:
            self._events.put(_Mark.ENDED)

    def _handle(self, raw: dict[str, Any]) -> bool:
        for event in self.log.translate(raw):
            self._events.put(event)
        if raw.get("event") == "playbook_on_stats" and self.log.succeeded:
            self._events.put(_Mark.PLAYED)
        return False


def _with_first(meanwhile: Callable[[], object], emit: Sink) -> Sink:
    """A sink that begins something else with the first task."""
    begun = False

    def sink(event: Event) -> None:
        nonlocal begun
        emit(event)
        if isinstance(event, TaskStarted) and not begun:
            begun = True
            meanwhile()

    return sink


def _never() -> bool:
    """Without a callback of ours ansible-runner takes over the handlers of INT and TERM."""
    return False


def _transmit(private: Path, channel: Channel) -> None:
    import ansible_runner  # noqa: PLC0415 - as above

    # The conductor has gone, which whoever reads its answer says, or the channel was closed.
    with suppress(ConnectionError, ValueError):
        ansible_runner.interface.run(
            streamer="transmit",
            _output=channel.stdin,
            private_data_dir=str(private),
            playbook="play.yml",
            cancel_callback=_never,
            quiet=True,
        )
        channel.stdin.flush()
