"""The wire of a channel against a server that sends what an engine may send, in the ways it may arrive."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.tls import TLSConfig

from pipeline.docker_channel import ExecChannel

pytestmark = pytest.mark.allow("docker", "network", "process")

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
Answer = Callable[[socket.socket], None]


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@contextmanager
def engine(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that takes one connection for an exec, and others for questions about it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answer, context), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(server: socket.socket, answer: Answer, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection = server.accept()[0]
        except OSError:
            return
        with context.wrap_socket(connection, server_side=True) if context else connection as peer:
            request = b""
            while b"\r\n\r\n" not in request or b"Tty" not in request:
                request += peer.recv(4096)
            answer(peer)


@contextmanager
def channel(port: int, tls: TLSConfig | None = None) -> Iterator[ExecChannel]:
    client = docker.APIClient(base_url=f"tcp://127.0.0.1:{port}", version="1.41", timeout=5, tls=tls or False)
    opened = ExecChannel(client, "exec")
    try:
        yield opened
    finally:
        opened.close()
        client.close()


def test_output_that_comes_with_the_headers_is_not_lost() -> None:
    with engine(lambda peer: peer.sendall(UPGRADED + frame(1, b"at once\n"))) as port, channel(port) as opened:
        assert opened.stdout.read() == b"at once\n"


def test_frames_may_arrive_in_any_pieces() -> None:
    data = UPGRADED + frame(1, b"one ") + frame(2, b"error") + frame(1, b"") + frame(1, b"two")

    def drip(peer: socket.socket) -> None:
        for byte in data:
            peer.sendall(bytes([byte]))

    with engine(drip) as port, channel(port) as opened:
        assert opened.stdout.read() == b"one two"
        assert opened.stderr() == b"error"


def test_a_frame_that_is_cut_off_ends_the_output() -> None:
    data = UPGRADED + frame(1, b"whole") + frame(1, b"half")[:-2]
    with engine(lambda peer: peer.sendall(data)) as port, channel(port) as opened:
        assert opened.stdout.read() == b"wholeha"
        assert opened.stdout.read() == b""


def echo(peer: socket.socket) -> None:
    peer.sendall(UPGRADED)
    while data := peer.recv(1 << 16):
        peer.sendall(frame(1, data))
    peer.sendall(frame(1, b"end"))


def test_the_end_of_the_input_leaves_the_output_open() -> None:
    with engine(echo) as port, channel(port) as opened:
        opened.stdin.write(b"hello ")
        opened.stdin.close()
        assert opened.stdout.read() == b"hello end"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this machine, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2".split()
    subprocess.run(
        [*command, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "both").write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return folder / "both"


def test_tls_carries_both_ways_at_once(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests prefers them to what the SDK was told
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    data = bytes(range(256)) * 8000
    tls = TLSConfig(ca_cert=str(certificate), verify=True)

    def echo_all(peer: socket.socket) -> None:
        peer.sendall(UPGRADED)
        missing = len(data)
        while missing:
            part = peer.recv(1 << 16)
            peer.sendall(frame(1, part))
            missing -= len(part)
        peer.sendall(frame(1, b"end"))

    with engine(echo_all, context) as port, channel(port, tls) as opened:

        def feed() -> None:
            opened.stdin.write(data)
            opened.stdin.close()

        writer = threading.Thread(target=feed)
        writer.start()
        assert opened.stdout.read() == data + b"end"
        writer.join(5)


def test_the_exit_code_is_none_while_the_command_runs() -> None:
    states = iter([{"Running": True, "ExitCode": None}, {"Running": False, "ExitCode": 3}])

    class Client:
        def exec_start(self, _: str, *, socket: bool) -> object:
            assert socket
            return _Nothing()

        def exec_inspect(self, _: str) -> dict[str, object]:
            return json.loads(json.dumps(next(states)))  # type: ignore[no-any-return] # a copy

    opened = ExecChannel(Client(), "exec")  # type: ignore[arg-type] # all that is asked of it
    assert (opened.exit_code(), opened.exit_code()) == (None, 3)


class _Nothing:
    def recv(self, _: int) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is open."""
