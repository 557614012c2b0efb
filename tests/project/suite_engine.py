"""An engine of another version: the docker.io of a Debian suite, in a container, with an empty store."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from tests.project.far_engine import Far, answers
from tests.project.harness import eventually, remove_image

NAME = "baseimage-test-engine"
PACKAGES = "docker.io,iptables,ca-certificates,procps,iproute2"
SEARCHED = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WITHOUT_CLI = ("bookworm",)
"""Suites in which docker.io has the command itself, too."""
SOCKET = Path("/var/run/docker.sock")
PORT = 2375
# `privileged` takes a capability that not every machine has to give; with these an engine does without it.
RIGHTS: dict[str, object] = {
    "CapAdd": ["ALL"],
    "CapDrop": ["SYS_RESOURCE"],
    "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
    "DeviceCgroupRules": ["a *:* rwm"],
    "MaskedPaths": [],
    "ReadonlyPaths": [],
}
DAEMON = f"""
mount -o remount,rw /sys
for folder in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "$folder"; done 2>/dev/null
mkdir -p /etc/docker
echo '{{"features": {{"containerd-snapshotter": '"$0"'}}}}' >/etc/docker/daemon.json
exec dockerd --host unix://{SOCKET} --host tcp://0.0.0.0:{PORT} --tls=false
"""


@contextmanager
def suite_engine(near: docker.DockerClient, suite: str, *, containerd: bool = False) -> Iterator[Far]:
    """The engine of that suite, on the engine of this machine; with containerd's image store if that is wanted.

    It goes with all that it holds. Its networks lead to where this machine's lead.
    """
    if os.geteuid() or not shutil.which("mmdebstrap"):
        pytest.skip("an engine of another version needs root and mmdebstrap")
    with ExitStack() as stack:
        image = f"{NAME}:{suite}-{os.getpid()}"
        stack.callback(remove_image, near, image)
        _make(near, suite, image)
        volume = near.volumes.create(f"{NAME}-{suite}-{'containerd-' if containerd else ''}{os.getpid()}")
        stack.callback(volume.remove, force=True)
        binds = [f"{volume.name}:/var/lib/docker"]
        host = near.api.create_host_config(binds=binds, port_bindings={PORT: ("127.0.0.1", None)})
        command = ["sh", "-c", DAEMON, str(containerd).lower()]
        made = near.api.create_container(image, command, name=volume.name, ports=[PORT], host_config={**host, **RIGHTS})
        container = near.containers.get(made["Id"])
        stack.callback(container.remove, force=True, v=True)
        container.start()
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
        address = f"tcp://127.0.0.1:{port}"
        client = docker.DockerClient(base_url=address, version="1.41", timeout=600)
        stack.callback(client.close)
        assert eventually(lambda: answers(client), 30), container.logs(tail=20).decode()
        yield Far(client, address, SOCKET, int(container.attrs["State"]["Pid"]))


def _make(near: docker.DockerClient, suite: str, image: str) -> None:
    """An image of the suite's own engine, unless it is there."""
    with suppress(ImageNotFound):
        near.images.get(image)
        return
    with tempfile.TemporaryDirectory(prefix="baseimage-test-") as folder:
        archive = Path(folder) / "root.tar"
        packages = PACKAGES if suite in WITHOUT_CLI else f"{PACKAGES},docker-cli"
        # Mirrors that stand still are as good as others here.
        options = ("--quiet", "--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"')
        command = ["mmdebstrap", *options, f"--include={packages}", suite, str(archive)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TMPDIR": folder})  # noqa: TID251 - a test's edge
        repository, _, tag = image.partition(":")
        near.api.import_image_from_file(str(archive), repository, tag, changes=[f"ENV {SEARCHED}"])
