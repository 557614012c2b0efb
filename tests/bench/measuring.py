"""Running a builder's command: how it ended, what it said, how much memory it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_END = 3000


class BuildError(Exception):
    """A builder failed; the message has the end of what it said."""


@dataclass(frozen=True)
class Done:
    """What a command printed, and the most memory that it or one of its children held, in bytes."""

    output: str
    peak: int


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Done:
    """Run a command to its end; stdout and stderr together. Raises BuildError when it fails.

    Python programs keep their compiled modules, as they do where they are installed.
    """
    variables = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode(errors="replace")
    if process.returncode:
        raise BuildError(f"{Path(command[0]).name} ended with {process.returncode}:\n{output[-_END:]}")
    return Done(output, usage.ru_maxrss * 1024)
