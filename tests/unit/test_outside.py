"""The guard of conftest.py itself."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import docker
import pytest


@pytest.mark.parametrize(
    "leave",
    [
        docker.from_env,
        docker.DockerClient,
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda: socket.create_connection(("localhost", 9)),
        lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_unit_test_that_goes_outside_fails(leave: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match="went outside"):
        leave()


@pytest.mark.allow("process")
def test_a_door_that_a_test_asks_for_is_open() -> None:
    assert subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True).stdout == b"1\n"


def test_a_pair_of_connected_sockets_is_inside() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"
