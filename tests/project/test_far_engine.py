"""An engine elsewhere: reached over TCP, with its socket in another place on its own machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from tests.project.engine_view import Watch, images_of, read
from tests.project.harness import JSON, Project, eventually

pytestmark = pytest.mark.slow
MISSING = [name for name in ("dockerd", "unshare") if shutil.which(name) is None]
ROLE = "- name: Leave a mark\n  ansible.builtin.copy: {content: far away, dest: /etc/mark, mode: '0644'}\n"


@dataclass(frozen=True)
class Far:
    """An engine of its own network, its address, and where its socket is."""

    client: docker.DockerClient
    address: str
    socket: Path


@pytest.fixture
def far() -> Iterator[Far]:
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
        yield Far(client, stack.enter_context(forwarded(place)), place)


def answers(client: docker.DockerClient) -> bool:
    """Whether an engine is there."""
    with suppress(DockerException, OSError):
        return bool(client.ping())
    return False


def test_a_far_engine_whose_socket_is_elsewhere_builds_the_same_image(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient, watch: Watch, far: Far
) -> None:
    project.role("mark", ROLE)
    service = {"from": busybox, "command": "sh", "roles": ["mark"], "vars": {"ansible_unique": project.unique}}
    project.recipe(json.dumps({"version": "2", "services": {"web": service}}))
    with watch:
        near = project.build("--reproducible").well()
    lend_conductor(engine, far.client, watch, near.pid)

    settings = {"conductor": {"engine_socket": str(far.socket)}}
    project.recipe(json.dumps({"version": "2", "settings": settings, "services": {"web": service}}))
    built = project.run("build", *JSON, "--reproducible", DOCKER_HOST=far.address).well()
    assert built.played() == ["mark"]
    assert built.image == near.image
    assert read(far.client, built.image, "/etc/mark") == "far away"
    assert far.client.images.get(f"{project.repository}:proj.web.0.1.0").id == built.image
    assert far.client.containers.list(all=True) == []


def lend_conductor(near: docker.DockerClient, far: docker.DockerClient, watch: Watch, pid: int) -> None:
    """Load the conductor that a run used, and its base: the far engine's network leads nowhere."""
    names = {watch.image_of(container) for container in watch.containers(pid)}
    images = [near.images.get(name) for name in names]
    (conductor,) = [tag for image in images for tag in image.tags if tag.startswith("baseimage/conductor:")]
    base = near.images.get(conductor.rpartition("-")[2])
    (root,) = [tag for tag in base.tags if tag.startswith("baseimage/base:")]
    for name in (root, conductor):
        said = [str(item) for item in far.api.load_image(near.api.get_image(name))]  # type: ignore[no-untyped-call]
        assert set(images_of(far, reference=name)) == {near.images.get(name).id}, said[-3:]


@contextmanager
def forwarded(place: Path) -> Iterator[str]:
    """The address of a TCP port of this machine behind which the socket is."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as inner:
                inner.connect(str(place))
                back = threading.Thread(target=pump, args=(inner, self.request))
                back.start()
                pump(self.request, inner)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
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
