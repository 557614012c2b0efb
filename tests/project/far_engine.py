"""A second engine with an empty store and a network of its own, and ways into it and out of it."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from tests.project.harness import eventually

MISSING = [name for name in ("dockerd", "unshare") if shutil.which(name) is None]


@dataclass(frozen=True)
class Far:
    """An engine of its own network, its address, where its socket is, and its process."""

    client: docker.DockerClient
    address: str
    socket: Path
    pid: int


@contextmanager
def far_engine() -> Iterator[Far]:
    """A second engine; in this network it would take the bridge of the first one away."""
    if os.geteuid() or MISSING:
        pytest.skip(f"a second engine needs root and {MISSING or 'nothing else'}")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="baseimage-test-"))  # a socket's path has to be short
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        place = folder / "engine.sock"
        daemon = (
            f"ip link set lo up 2>/dev/null; exec dockerd --data-root {folder}/data --exec-root {folder}/exec"
            f" --pidfile {folder}/pid --host unix://{place}"
        )
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(["unshare", "--net", "sh", "-c", daemon], stdout=log, stderr=log)
        stack.callback(process.wait, 60)
        stack.callback(process.terminate)
        client = docker.DockerClient(base_url=f"unix://{place}", version="1.41", timeout=120)
        stack.callback(client.close)
        assert eventually(lambda: place.exists() and answers(client), 30), (folder / "log").read_text()
        port = stack.enter_context(forwarded(socket.create_server(("127.0.0.1", 0)), lambda: unix(place)))
        yield Far(client, f"tcp://127.0.0.1:{port}", place, process.pid)


def answers(client: docker.DockerClient) -> bool:
    """Whether an engine is there."""
    with suppress(DockerException, OSError):
        return bool(client.ping())
    return False


@contextmanager
def reachable_from(far: Far, address: str) -> Iterator[None]:
    """A port of this machine can be reached under the same address where the far engine is."""
    port = int(address.rpartition(":")[2])
    with (
        ThreadPoolExecutor(1) as there,  # only this thread moves to the other network, and the socket stays in it
        forwarded(
            there.submit(_listener, far.pid, port).result(), lambda: socket.create_connection(("127.0.0.1", port))
        ),
    ):
        yield


def _listener(pid: int, port: int) -> socket.socket:
    with Path(f"/proc/{pid}/ns/net").open() as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")
    return socket.create_server(("127.0.0.1", port))


def unix(place: Path) -> socket.socket:
    """A connection to a socket of this machine."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(place))
    return connection


@contextmanager
def forwarded(listener: socket.socket, connect: Callable[[], socket.socket]) -> Iterator[int]:
    """Whoever connects to a listening socket talks to what `connect` leads to. Its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with connect() as inner:
                back = threading.Thread(target=pump, args=(inner, self.request))
                back.start()
                pump(self.request, inner)
                back.join()

    port = int(listener.getsockname()[1])
    with socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield port
        finally:
            server.shutdown()
            thread.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand everything on, the end of it too."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
