"""Running a tool of this machine: its output line by line, and an orderly end when we are interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

PATIENCE = 5
"""Seconds that a tool has to end after TERM."""


Ending = Callable[[Callable[[], None]], contextlib.AbstractContextManager[object]]
"""Called with what ends a tool: another thread may do so while the block lasts."""


def run_tool(
    command: tuple[str, ...],
    environment: Mapping[str, str],
    printed: Callable[[str], None],
    ending: Ending = contextlib.nullcontext,
) -> int:
    """Run a command, hand over each line that it prints, and return its exit code.

    It gets a session of its own, so that Ctrl-C reaches it through us only; any exception on the way,
    an interruption above all, ends it with all its children.
    """
    with _started(command, environment, stderr=subprocess.STDOUT) as process:
        try:
            with ending(partial(_end, process)):
                for line in process.stdout or ():
                    printed(line.rstrip())
                return process.wait()
        except BaseException:
            _end(process)
            raise


def first_line(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """The first line that a command prints, which may ask on the terminal. Raises OSError when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, env=dict(environment), check=False)
    if done.returncode:
        raise OSError(f"{command[0]} ended with {done.returncode}")
    return "".join(done.stdout.decode(errors="replace").splitlines()[:1])


def run_in_terminal(command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run a command that has this program's terminal, and return its exit code, 128 + N after the signal N.

    Ctrl-C reaches it from the terminal itself, and what becomes of that is its own business; TERM is handed on.
    """
    running: list[subprocess.Popen[bytes]] = []
    asked_to_end = threading.Event()

    def hand_on(*_: object) -> None:
        if not running:
            asked_to_end.set()
        for process in running:
            process.terminate()

    # Handlers, not SIG_IGN, which the command would inherit.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, hand_on),
    }
    try:
        with subprocess.Popen(command, env=dict(environment)) as process:
            running.append(process)
            if asked_to_end.is_set():  # before it was known whom to tell
                process.terminate()
            code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


class Workers:
    """Tools that several threads run at once; `end` ends them all, and those that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._over = False

    def run(
        self,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        printed: Callable[[str], None] | None = None,
    ) -> tuple[int, str]:
        """Run a command to its end: its exit code, and what it wrote on stdout.

        What it writes on stderr is handed over line by line (a carriage return ends a line too). Raises OSError
        when there is no such program.
        """
        with _started(command, environment, stderr=subprocess.PIPE, folder=folder) as process:
            self._begin(process)
            try:
                reader = threading.Thread(target=_hand_over, args=(process, printed), daemon=True)
                reader.start()
                output = process.stdout.read() if process.stdout else ""
                reader.join()
                return process.wait(), output
            except BaseException:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)

    def end(self) -> None:
        """End all that run; what is started from now on is ended at once."""
        with self._lock:
            self._over, running = True, tuple(self._running)
        for process in running:
            _end(process)

    def _begin(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.add(process)
            over = self._over
        if over:
            _end(process)


def _started(
    command: tuple[str, ...], environment: Mapping[str, str], *, stderr: int, folder: Path | None = None
) -> subprocess.Popen[str]:
    """A tool without our input and terminal, in a session of its own: it is ended by us, with its children."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        errors="replace",
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )


def _hand_over(process: subprocess.Popen[str], printed: Callable[[str], None] | None) -> None:
    for line in process.stderr or ():
        if printed:
            printed(line.rstrip())


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
