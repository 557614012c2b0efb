"""Running a tool of this machine: its output line by line, and an orderly end when we are interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

PATIENCE = 5
"""Seconds that a tool has to end after TERM."""


def run_tool(command: tuple[str, ...], environment: Mapping[str, str], printed: Callable[[str], None]) -> int:
    """Run a command, hand over each line that it prints, and return its exit code.

    It gets a session of its own, so that Ctrl-C reaches it through us only; any exception on the way,
    an interruption above all, ends it with all its children.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(environment),
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                printed(line.rstrip())
            return process.wait()
        except BaseException:
            _end(process)
            raise


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
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        ) as process:
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
