"""Run containers of one image and look at them from outside: the hands and eyes of the contract tests."""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import docker
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

LABEL = "io.baseimage.test"
RUN_LABEL = "io.baseimage.test.run"
PATIENCE = 20.0
STOP_BAR = 9.0

PID_ONE = {
    "tini-init": "tini",
    "dumb-init": "dumb-init",
    "catatonit-init": "catatonit",
    "runit-init": "runit-init",
    "s6-init": "s6-svscan",
    "phusion-init": "my_init",
    "none": "docker-init",
    "s6-overlay": "init",
}
"""The name of the first process. An image without an init of its own is run with docker run --init; that of s6-overlay
is the stand-in's, see tests/roles/fake_s6_overlay."""


@dataclass(frozen=True)
class Cell:
    """An image under test; name is what the report calls it, init and svc are what its labels say.

    `applications` are its services that are no option of the bootstrap role.
    """

    name: str
    image: str
    init: str
    svc: str
    options: frozenset[str]
    applications: frozenset[str] = frozenset()

    @property
    def syslog(self) -> str:
        """The option, and the service, that is its syslog; empty where it has none."""
        return next((option for option in self.options if option.startswith("syslog")), "")


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and all that it said."""

    code: int
    output: str


@dataclass(frozen=True)
class File:
    """A file put into a container before it starts."""

    text: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


def script(body: str) -> File:
    """An executable shell script."""
    return File(f"#!/bin/sh\n{body}\n")


def service(name: str, body: str) -> dict[str, File]:
    """The one file that makes a service."""
    return {f"/etc/service/{name}/run": script(body)}


def obedient(name: str) -> dict[str, File]:
    """A service that takes half a second to put its things in order when it is told to stop."""
    body = f"trap 'sleep .5; echo {name} is clean; exit 0' TERM\necho {name} runs\nwhile :; do sleep .05; done"
    return service(name, body)


def stubborn(name: str) -> dict[str, File]:
    """A service that does not hear TERM."""
    return service(name, f"trap '' TERM\necho {name} runs\nwhile :; do sleep .1; done")


def eventually(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Look again and again, at growing intervals, until the condition holds or patience ends; say which."""
    deadline = time.monotonic() + patience
    pause = 0.02
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.4, 0.25)  # each look costs the engine a tenth of a second of work
    return True


Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The work done on every item, a few at a time."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(work, items))


def archive(files: Mapping[str, File]) -> bytes:
    """A tar of the files, with the directories above them left as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, file in files.items():
            content = file.text.encode("utf-8", "surrogateescape")
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.uid, entry.gid = len(content), file.mode, file.uid, file.gid
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Box:
    """One container."""

    def __init__(self, container: Container) -> None:
        """Wrap a container that exists."""
        self.container = container

    def start(self) -> Self:
        """Start it, for the first time or again."""
        self.container.start()
        return self

    def run(self, *command: str, user: str = "", environment: Mapping[str, str] | None = None) -> Outcome:
        """Run a program beside the main one."""
        result: Any = self.container.exec_run(list(command), user=user, environment=dict(environment or {}))
        return Outcome(result.exit_code, result.output.decode(errors="replace"))

    def sh(self, body: str, user: str = "") -> str:
        """Run a few lines of shell that must succeed, and give their output without its last newline."""
        outcome = self.run("sh", "-c", body, user=user)
        assert outcome.code == 0, f"{body!r} ended with {outcome.code}: {outcome.output}"
        return outcome.output.rstrip("\n")

    def log(self, *, stdout: bool = True, stderr: bool = True) -> str:
        """All that docker logs has."""
        return self.container.logs(stdout=stdout, stderr=stderr).decode(errors="replace")

    def until_log(self, text: str, patience: float = PATIENCE) -> str:
        """Wait for the text in the log, and give the log."""
        if not eventually(lambda: text in self.log(), patience):
            raise AssertionError(f"{text!r} did not appear in {patience} s:\n{self.log()}")
        return self.log()

    def until_up(self, name: str, patience: float = PATIENCE) -> Self:
        """Wait until the service is up and its check agrees, as the image's own command sees it."""
        if not eventually(lambda: self.run("container-svc", "wait", name, "1").code == 0, patience):
            raise AssertionError(f"service {name} did not come up:\n{self.log()}")
        return self

    def pid_of(self, name: str) -> str:
        """The process of a service."""
        return self.run("container-svc", "status", name).output.split("pid=")[1].split()[0]

    def wait(self) -> Outcome:
        """Wait for the end."""
        code = int(self.container.wait(timeout=60)["StatusCode"])
        return Outcome(code, self.log())

    def kill(self, signal: str) -> None:
        """Send a signal to PID 1."""
        self.container.kill(signal)

    def stop(self) -> tuple[float, Outcome]:
        """Do what docker stop does, and say how long that took."""
        begun = time.monotonic()
        self.container.stop(timeout=10)
        return time.monotonic() - begun, self.wait()

    def is_running(self) -> bool:
        """Whether the engine calls it running."""
        self.container.reload()
        return self.container.status == "running"

    def health(self) -> str:
        """What the engine says of its health."""
        self.container.reload()
        return str(self.container.attrs["State"]["Health"]["Status"])

    def zombies(self) -> int:
        """How many dead processes nobody has collected."""
        return int(self.sh("cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z' || true"))

    def has(self, path: str) -> bool:
        """Whether the path exists."""
        return self.run("test", "-e", path).code == 0

    def read(self, path: str) -> bytes:
        """The content of a file, also when the container has ended."""
        stream, _ = self.container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            assert file is not None
            return file.read()

    def folders(self, path: str) -> frozenset[str]:
        """The names of the directories right below a directory, also when the container has ended."""
        stream, _ = self.container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            below = [entry.name.split("/")[1:] for entry in tar if entry.isdir()]
        return frozenset(parts[0] for parts in below if len(parts) == 1)

    @contextmanager
    def content(self) -> Iterator[tarfile.TarFile]:
        """All of its files, as docker export gives them."""
        stream: Iterable[Any] = self.container.export()
        with tempfile.TemporaryFile() as spool:
            for chunk in stream:
                spool.write(chunk)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as tar:
                yield tar

    def type(self, text: str) -> None:
        """Send the text to the standard input of the main program, started for this."""
        attached: Any = self.container.attach_socket(params={"stdin": 1, "stream": 1})
        self.start()
        attached._sock.sendall(text.encode())
        attached._sock.close()
        attached.close()

    def remove(self) -> None:
        """Take it away, running or not."""
        with suppress(NotFound, APIError):
            self.container.remove(force=True, v=True)


class Lab:
    """Makes boxes of one cell, and removes whatever it has made."""

    def __init__(self, client: DockerClient, cell: Cell) -> None:
        """Work with the engine of the client on the image of the cell."""
        self.client = client
        self.cell = cell
        self.labels = {LABEL: "contract", RUN_LABEL: uuid.uuid4().hex}

    def make(self, *command: str, files: Mapping[str, File] | None = None, **options: Any) -> Box:
        """Create a container without starting it. Options are those of the SDK's create()."""
        options.setdefault("init", True if self.cell.init == "none" else None)
        if "ports" not in options:  # no row needs more than the loopback, and a bridge costs a second
            options.setdefault("network_mode", "none")
        box = Box(self.client.containers.create(self.cell.image, list(command) or None, labels=self.labels, **options))
        if files:
            box.container.put_archive("/", archive(files))
        return box

    def box(self, *command: str, files: Mapping[str, File] | None = None, **options: Any) -> Box:
        """Create a container and start it."""
        return self.make(*command, files=files, **options).start()

    def outcome(self, *command: str, files: Mapping[str, File] | None = None, **options: Any) -> Outcome:
        """Run a container to its end, and take it away."""
        box = self.box(*command, files=files, **options)
        try:
            return box.wait()
        finally:
            box.remove()

    def volume(self) -> str:
        """A new named volume."""
        return str(self.client.volumes.create(labels=self.labels).name)

    def close(self) -> None:
        """Remove everything with this lab's label."""
        mine: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={self.labels[RUN_LABEL]}"}
        for container in self.client.containers.list(all=True, filters=mine):
            Box(container).remove()
        for volume in self.client.volumes.list(filters=mine):
            volume.remove(force=True)


def describe(client: DockerClient, name: str, image: str) -> Cell:
    """What the image says about itself in its labels, in /etc/container-release and in /etc/service."""
    labels = client.images.get(image).labels
    container = client.containers.create(image, labels={LABEL: "contract"})
    try:
        release = Box(container).read("/etc/container-release").decode()
        services = Box(container).folders("/etc/service")
    finally:
        container.remove()
    settings = dict(line.split("=", 1) for line in release.splitlines() if "=" in line and not line.startswith("#"))
    options = frozenset(settings["container_options"].strip("'").split())
    return Cell(name, image, labels["container.init"], labels["container.svc"], options, services - options)


def connect() -> DockerClient:
    """A client of the engine that the environment names."""
    return docker.from_env(timeout=120)
