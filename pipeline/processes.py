"""Running a tool of this machine: its output line by line, and an orderly end when we are interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping

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


def first_line(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """The first line that a command prints, which may ask on the terminal. Raises OSError when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, env=dict(environment), check=False)
    if done.returncode:
        raise OSError(f"{command[0]} ended with {done.returncode}")
    return "".join(done.stdout.decode(errors="replace").splitlines()[:1])


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
