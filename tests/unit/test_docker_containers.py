"""Containers that an interruption leaves with the engine are removed before whatever they hold on to."""

from __future__ import annotations

from typing import Any, cast

import docker
import pytest
from docker.errors import APIError, NotFound

from pipeline.docker_containers import create, start
from pipeline.engine import ContainerSpec
from pipeline.errors import EngineError, StopRequested

SPEC = ContainerSpec(image="debian:13")


class Client:
    """An engine in which a container appears at the look of this number, after whoever wanted it was interrupted."""

    def __init__(self, appears: int = 1, *, interrupted: bool = True, starts: bool = True) -> None:
        self.appears, self.interrupted, self.starts = appears, interrupted, starts
        self.looks = 0
        self.removed: list[str] = []
        self.names: list[str | None] = []

    def create_host_config(self, **_: Any) -> dict[str, Any]:
        return {}

    def create_container(self, _: str, *, name: str | None, **__: Any) -> dict[str, Any]:
        self.names.append(name)
        if self.interrupted:
            raise StopRequested(143)
        return {"Id": "made"}

    def start(self, _: str) -> None:
        if not self.starts:
            raise APIError("no")

    def remove_container(self, name: str, *, v: bool, force: bool) -> None:
        assert (v, force) == (True, True)
        self.looks += 1
        if self.looks < self.appears:
            raise NotFound("no such container")
        self.removed.append(name)


def made(client: Client, name: str, waits: list[float]) -> str:
    return create(cast("docker.APIClient", client), SPEC, name, waits.append)


@pytest.mark.parametrize("appears", [1, 3, 6])
def test_a_container_whose_making_was_interrupted_is_removed_by_its_name(appears: int) -> None:
    client, waits = Client(appears), list[float]()
    with pytest.raises(StopRequested):
        made(client, "run_7", waits)
    assert client.removed == ["run_7"]
    assert waits == [0.2] * (appears - 1)


def test_one_that_never_comes_is_waited_for_a_second() -> None:
    client, waits = Client(100), list[float]()
    with pytest.raises(StopRequested):
        made(client, "run_7", waits)
    assert sum(waits) == pytest.approx(1)
    assert client.removed == []


def test_one_without_a_name_cannot_be_found() -> None:
    client = Client()
    with pytest.raises(StopRequested):
        made(client, "", [])
    assert (client.names, client.looks) == ([None], 0)


def test_one_that_does_not_start_is_removed() -> None:
    client = Client(interrupted=False, starts=False)
    with pytest.raises(EngineError):
        start(cast("docker.APIClient", client), SPEC, "run_7")
    assert client.removed == ["made"]
