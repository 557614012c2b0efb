"""The few commands that a `FakeEngine`'s containers know, and a channel to one of them."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

NOT_FOUND = 127


@dataclass
class World:
    """What a command sees of its container: environment, user, and the paths that it changes."""

    environment: dict[str, str]
    user: str
    files: set[str]
    changed: set[str]


@dataclass
class Streams:
    """Standard input and outputs of a command."""

    stdin: IO[bytes] = field(default_factory=io.BytesIO)
    stdout: IO[bytes] = field(default_factory=io.BytesIO)
    stderr: IO[bytes] = field(default_factory=io.BytesIO)


Command = Callable[[tuple[str, ...], World, Streams], int]


def execute(command: tuple[str, ...], world: World, streams: Streams) -> int:
    """Run a command and return its exit code; one that is not known is "not found"."""
    known = COMMANDS.get(command[0].rpartition("/")[2])
    if known is None:
        streams.stdout.write(f'exec: "{command[0]}": executable file not found in $PATH\n'.encode())
        return NOT_FOUND
    return known(command[1:], world, streams)


def _echo(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - all commands look alike
    streams.stdout.write(" ".join(words).encode() + b"\n")
    return 0


def _env(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - the same
    streams.stdout.write("".join(f"{name}={value}\n" for name, value in world.environment.items()).encode())
    return 0


def _whoami(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - the same
    streams.stdout.write((world.user or "root").encode() + b"\n")
    return 0


def _touch(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - the same
    world.changed.update(words)
    world.files.update(words)
    return 0


def _list(words: tuple[str, ...], world: World, streams: Streams) -> int:
    for path in words:
        if path not in world.files:
            streams.stderr.write(f"ls: {path}: No such file or directory\n".encode())
            return 1
        streams.stdout.write(path.encode() + b"\n")
    return 0


def _cat(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - the same
    while line := streams.stdin.readline():
        streams.stdout.write(line)
        streams.stdout.flush()
    return 0


def _head(words: tuple[str, ...], world: World, streams: Streams) -> int:  # noqa: ARG001 - the same
    """As in `head -c 5000000 /dev/zero`."""
    streams.stdout.write(bytes(int(words[1])))
    return 0


COMMANDS: dict[str, Command] = {
    "echo": _echo,
    "env": _env,
    "whoami": _whoami,
    "touch": _touch,
    "ls": _list,
    "cat": _cat,
    "head": _head,
    "true": lambda words, world, streams: 0,  # noqa: ARG005 - the same
    "false": lambda words, world, streams: 1,  # noqa: ARG005 - the same
    "sleep": lambda words, world, streams: 0,  # noqa: ARG005 - the same
}


class FakeChannel:
    """`engine.Channel` over two pipes and a thread."""

    def __init__(self, command: tuple[str, ...], world: World) -> None:
        inner_in, outer_in = os.pipe()
        outer_out, inner_out = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(outer_in, "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(outer_out, "rb")
        self._streams = Streams(os.fdopen(inner_in, "rb"), os.fdopen(inner_out, "wb"))
        self._code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(command, world), daemon=True)
        self._thread.start()

    def _run(self, command: tuple[str, ...], world: World) -> None:
        with self._streams.stdin, suppress(BrokenPipeError):
            code = execute(command, world, self._streams)
            self._code = code
            self._streams.stdout.close()

    def stderr(self) -> bytes:
        """What the command printed on stderr so far."""
        errors = self._streams.stderr
        return errors.getvalue() if isinstance(errors, io.BytesIO) else b""

    def exit_code(self) -> int | None:
        """The command's exit code, None while it runs."""
        return self._code

    def close(self) -> None:
        """Close both streams."""
        for stream in (self.stdin, self.stdout):
            with suppress(OSError):
                stream.close()
        self._thread.join(5)
