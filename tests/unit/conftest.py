"""Unit tests have no outside: no engine, no network, no other process, unless a test says `@pytest.mark.allow(…)`."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import NoReturn

import docker
import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # speed is the bench's affair

DOORS: dict[str, tuple[tuple[object, str], ...]] = {
    "docker": ((docker.DockerClient, "__init__"), (docker.APIClient, "__init__")),
    "network": (
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket.socket, "bind"),
        (socket, "getaddrinfo"),
    ),
    "process": (
        (subprocess.Popen, "__init__"),
        (os, "system"),
        (os, "fork"),
        (os, "posix_spawn"),
        (os, "execv"),
        (os, "execve"),
    ),
}
"""What a test goes through to get outside. Pairs of connected sockets and threads stay inside."""


@pytest.fixture(autouse=True)
def no_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shut the doors that the test does not ask for."""
    opened = {door for marker in request.node.iter_markers("allow") for door in marker.args}
    if unknown := opened - DOORS.keys():
        raise ValueError(f"no such door: {sorted(unknown)}")
    for door in DOORS.keys() - opened:
        for owner, name in DOORS[door]:
            monkeypatch.setattr(owner, name, _raiser(door, name))


def _raiser(door: str, name: str) -> object:
    def shut(*_: object, **__: object) -> NoReturn:
        # Not an Exception: no code under test is to take it for a failure that it knows how to handle.
        pytest.fail(f"a unit test went outside ({name}); if it must, mark it with pytest.mark.allow({door!r})")

    return shut
