"""A command in a running container as two streams: an exec whose connection the engine hands over ("hijacks").

On that connection stdin goes out as it is; stdout and stderr come back in frames of an 8-byte header (stream number,
three zero bytes, length) and their data.
"""

from __future__ import annotations

import io
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from select import select
from typing import IO, TYPE_CHECKING, Any, cast

import docker

from pipeline.docker_client import translated
from pipeline.engine import Completed, ContainerId

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer  # the stubs' own; no module at run time

STDERR = 2
HEADER = struct.Struct(">BxxxL")
CHUNK = 1 << 16
KEPT = 1 << 20
"""How much of stderr an open channel keeps (the end of it)."""


class Wire:
    """The connection below the SDK's response, whichever it is: unix, TCP, TLS, ssh channel or named pipe."""

    def __init__(self, opened: object) -> None:
        # The SDK gives a different object for each transport, and keeps the response on it.
        self._response = getattr(opened, "_response", None)
        self._socket: Any = getattr(opened, "_sock", opened)
        self._lock = threading.Lock() if isinstance(self._socket, ssl.SSLSocket) else None
        if hasattr(self._socket, "settimeout"):
            self._socket.settimeout(None)
        # Reading below this buffer, as the SDK does, would lose output that came with the response's headers.
        buffered = getattr(getattr(getattr(self._response, "raw", None), "_fp", None), "fp", None)
        self._read1 = getattr(buffered, "read1", None)

    def receive(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end."""
        try:
            return self._receive(size)
        except (ConnectionError, ValueError):  # closed by the engine, or by `close` in another thread
            return b""

    def _receive(self, size: int) -> bytes:
        if self._lock is not None:
            return self._receive_tls(size)
        return bytes(self._read1(size) if self._read1 else self._socket.recv(size))

    def _receive_tls(self, size: int) -> bytes:
        """OpenSSL does not let one thread read while another writes; so wait outside the lock."""
        while True:
            with cast("threading.Lock", self._lock):
                self._socket.settimeout(0)
                try:
                    return bytes(self._read1(size) if self._read1 else self._socket.recv(size))
                except (ssl.SSLWantReadError, BlockingIOError):
                    pass
                finally:
                    self._socket.settimeout(None)
            select([self._socket], [], [], 1)

    def send(self, data: memoryview) -> None:
        """All of it."""
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK]
            if self._lock is None:
                self._send_all(chunk)
            else:
                select([], [self._socket], [], None)
                with self._lock:
                    self._send_all(chunk)

    def _send_all(self, chunk: memoryview) -> None:
        while chunk:
            sent = self._socket.send(bytes(chunk))
            chunk = chunk[sent if isinstance(sent, int) else len(chunk) :]

    def end_input(self) -> None:
        """Tell the command that its stdin is over; its output stays readable.

        Not over TLS: Python cannot end one direction of it without losing what is on its way in the other.
        """
        with suppress(OSError):  # it has ended already
            if hasattr(self._socket, "shutdown_write"):
                self._socket.shutdown_write()
            elif self._lock is None and hasattr(self._socket, "shutdown"):
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Give the connection up; a reader in another thread sees the end."""
        try:
            if hasattr(self._socket, "shutdown"):
                # On a TLS socket this is the plain socket's shutdown, too: nobody reads any more.
                self._socket.shutdown(socket.SHUT_RDWR)
        except (OSError, TypeError):
            pass
        if self._response is not None:
            self._response.close()
        self._socket.close()


class Frames(io.RawIOBase):
    """stdout of the command; what comes on stderr meanwhile is put aside."""

    name = "stdout"

    def __init__(self, wire: Wire, kept: int | None) -> None:
        self._wire = wire
        self._left = 0
        self._kept = kept
        self.errors = bytearray()

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` with what comes next on stdout; 0 at the end."""
        while self._left == 0:
            stream, size = self._header()
            if size < 0:
                return 0
            if stream == STDERR:
                self._put_aside(size)
            else:
                self._left = size
        data = self._wire.receive(min(self._left, memoryview(buffer).nbytes))
        self._left = self._left - len(data) if data else 0
        memoryview(buffer)[: len(data)] = data
        return len(data)

    def _header(self) -> tuple[int, int]:
        header = self._exactly(HEADER.size)
        return HEADER.unpack(header) if len(header) == HEADER.size else (0, -1)

    def _put_aside(self, size: int) -> None:
        self.errors += self._exactly(size)
        if self._kept is not None:
            del self.errors[: -self._kept]

    def _exactly(self, size: int) -> bytes:
        parts, missing = [], size
        while missing and (part := self._wire.receive(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


class _Input(io.RawIOBase):
    name = "stdin"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data).cast("B")
        self._wire.send(view)
        return len(view)

    def close(self) -> None:
        if not self.closed:
            self._wire.end_input()
        super().close()


class _Unbuffered(io.BufferedWriter):
    """Everything written goes out at once: a forgotten flush would leave both sides waiting for each other."""

    def write(self, data: ReadableBuffer) -> int:
        count = super().write(data)
        self.flush()
        return count


class ExecChannel:
    """`engine.Channel` over an exec. Read stdout to its end before asking for the exit code.

    One thread may read while another writes. Over TLS the command does not see the end of its stdin: what is said
    there must tell by itself when it is over. A write to a command that has ended raises BrokenPipeError.
    """

    def __init__(self, client: docker.APIClient, exec_id: str, *, kept: int | None = KEPT) -> None:
        self._client = client
        self._exec_id = exec_id
        self._wire = Wire(client.exec_start(exec_id, socket=True))
        self._frames = Frames(self._wire, kept)
        self.stdin: IO[bytes] = _Unbuffered(_Input(self._wire), CHUNK)
        self.stdout: IO[bytes] = io.BufferedReader(self._frames, CHUNK)

    def stderr(self) -> bytes:
        """What came on stderr so far: it is read in passing, whenever stdout is read."""
        return bytes(self._frames.errors)

    def exit_code(self) -> int | None:
        """The command's exit code, None while it runs."""
        with translated("asking for an exit code"):
            state = self._client.exec_inspect(self._exec_id)
        code = state.get("ExitCode")
        return None if state.get("Running") or code is None else int(code)

    def close(self) -> None:
        """Close both streams; the command itself goes on until it notices."""
        self._wire.close()
        for stream in (self.stdin, self.stdout):
            with suppress(OSError):  # nobody listens any more
                stream.close()


def open_channel(
    client: docker.APIClient,
    container: ContainerId,
    command: tuple[str, ...],
    environment: dict[str, str] | None,
) -> ExecChannel:
    """Start a command with stdin attached."""
    with translated(f"running {command[0]}"):
        created = client.exec_create(container, list(command), stdin=True, environment=environment)
        return ExecChannel(client, str(created["Id"]))


def run_to_end(
    client: docker.APIClient,
    container: ContainerId,
    command: tuple[str, ...],
    environment: dict[str, str] | None,
    user: str,
) -> Completed:
    """Run a command without stdin, keep all it prints, and wait until it has ended."""
    with translated(f"running {command[0]}"):
        created = client.exec_create(container, list(command), user=user, environment=environment)
        channel = ExecChannel(client, str(created["Id"]), kept=None)
    try:
        output = channel.stdout.read()
        return Completed(_wait(channel), output, channel.stderr())
    finally:
        channel.close()


def _wait(channel: ExecChannel) -> int:
    """The streams end a moment before the engine knows the exit code (and long before, if the command closed them)."""
    pause = 0.005
    while (code := channel.exit_code()) is None:
        time.sleep(pause)
        pause = min(pause * 2, 0.5)
    return code
