"""A proxy in front of a registry that fails on request: a status, a broken or silent connection, a lost half."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from typing import cast

from tests.serving import serving

CHUNK = 1 << 16
TLS_HANDSHAKE = b"\x16"
RESET = 0
"""As a status: break the connection in the middle of the request instead of answering."""
SILENCE = -1
"""As a status: take the request and never answer; the connection stays as long as the proxy."""
HALF = -2
"""As a status: pass on half of the request's body, as if it were all."""
CUT = -3
"""As a status: answer, and break the connection in the middle of the answer's body."""
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass
class Fault:
    """The next `times` requests that match (method and path are patterns) get this status, body and headers.

    With `after`, only once a request that matches it ("PUT /v2/…") was answered. With `instead`, they are answered as
    if that path had been asked for.
    """

    method: str
    path: str
    status: int
    times: int = 1
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    after: str = ""
    instead: str = ""


@dataclass
class FaultProxy:
    """Its address, the faults to come, and every request so far as (method, path, status)."""

    address: str
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def fail(self, method: str, path: str, status: int, *, times: int = 1, body: bytes = b"") -> None:
        """Let the next requests fail."""
        self.add(Fault(method, path, status, times, body))

    def add(self, fault: Fault) -> None:
        """A fault to come."""
        with self.lock:
            self.faults.append(fault)

    def next_fault(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets; it is used up by that."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and self._is_met(fault, method, path):
                    fault.times -= 1
                    return fault
        return None

    def _is_met(self, fault: Fault, method: str, path: str) -> bool:
        if not re.fullmatch(fault.method, method) or not re.search(fault.path, path):
            return False
        return not fault.after or any(re.search(fault.after, f"{verb} {place}") for verb, place, _ in self.log)


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy on a free port of this machine, as long as the block lasts."""
    server = _Server(upstream)
    with serving(server):
        try:
            yield server.proxy
        finally:
            server.proxy.ended.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.proxy = FaultProxy(f"127.0.0.1:{self.server_port}")

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go away in the middle: engines do, on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _owner(self) -> _Server:
        return cast("_Server", self.server)

    def _serve(self) -> None:
        fault = self._owner.proxy.next_fault(self.command, self.path)
        if fault and fault.status == RESET:
            self._log(RESET)
            self._break()
            return
        body = self._body()
        if fault is None:
            self._forward(body)
        elif fault.instead:
            self.path = fault.instead
            self._forward(body)
        elif fault.status == HALF:
            self._forward(body[: len(body) // 2])
        elif fault.status == CUT:
            self._forward(body, cut=True)
        elif fault.status == SILENCE:
            self._log(SILENCE)
            self._owner.proxy.ended.wait()
            self._break()
        else:
            self._answer(fault.status, [("Content-Type", "text/plain"), *fault.headers], fault.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def handle_one_request(self) -> None:
        """Answer TLS as Go's plain HTTP servers do: some engines go on without TLS only after that."""
        if cast("BufferedReader", self.rfile).peek(1)[:1] == TLS_HANDSHAKE:
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
        else:
            super().handle_one_request()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: the log is a list here."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _forward(self, body: bytes, *, cut: bool = False) -> None:
        with closing(http.client.HTTPConnection(self._owner.upstream, timeout=30)) as connection:
            self._repeat(connection, body)
            answer = connection.getresponse()
            data = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        self._answer(answer.status, kept, data, cut=cut)

    def _repeat(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        """Headers pass as they are: Host, of which a registry makes its Location, and each of several Accept lines."""
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {*HOP_BY_HOP, "content-length"}:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False) -> None:
        self._log(status)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if cut:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self._break()
        elif self.command != "HEAD":
            self.wfile.write(data)

    def _log(self, status: int) -> None:
        self._owner.proxy.log.append((self.command, self.path, status))

    def _break(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
