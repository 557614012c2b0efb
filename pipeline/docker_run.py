"""Containers of finished images that people run: started, followed to their end, and stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
from docker.errors import NotFound
from docker.utils.ports import build_port_bindings

from pipeline.docker_client import open_client, translated
from pipeline.engine import ContainerId
from pipeline.errors import StopRequested
from pipeline.run_options import RunOptions

Output = Callable[[bytes, bool], None]
"""Called with what a container printed, and whether it was on stderr."""


def connect_runner(environ: Mapping[str, str]) -> ContainerRunner:
    """For the engine that the docker command would talk to. Raises EngineUnreachableError."""
    return ContainerRunner(open_client(environ))


class ContainerRunner:
    """Runs containers. Unlike those of a build they are never committed, so they may have labels and environment."""

    def __init__(self, client: docker.APIClient) -> None:
        self._client = client

    def create(self, image: str, name: str, labels: Mapping[str, str], options: RunOptions) -> ContainerId:
        """Make a container, not yet started. Raises EngineError, also when the name is taken."""
        given = dict(options.create)
        given["labels"] = {**given.get("labels", {}), **labels}
        bindings = build_port_bindings(list(options.ports)) if options.ports else {}
        with translated(f"making the container {name}"):
            host = self._client.create_host_config(
                **options.host, port_bindings=bindings or None, binds=list(options.binds) or None
            )
            ports = [_port(port) for port in bindings]
            made: dict[str, Any] = self._client.create_container(
                image, name=name, host_config=host, ports=ports or None, **given
            )
        return ContainerId(str(made["Id"]))

    def start(self, container: ContainerId) -> None:
        """Start it. Raises EngineError."""
        with translated("starting the container"):
            self._client.start(container)

    def follow(self, container: ContainerId, output: Output, *, grace: float) -> int:
        """Start a container, hand over what it prints, and return its exit code.

        A StopRequested on the way stops it in order, with `grace` seconds, and it is still followed to its end.
        """
        with translated("running the container"), ThreadPoolExecutor(max_workers=1) as pool:
            stream: Any = self._client.attach(container, stdout=True, stderr=True, stream=True, logs=True, demux=True)
            printed = pool.submit(_hand_over, stream, output)
            try:
                self._client.start(container)
                code = self._wait(container)
            except StopRequested:
                self._client.stop(container, timeout=round(grace))
                code = self._wait(container)
            except BaseException:
                self._client.remove_container(container, force=True)  # or its output would be waited for
                raise
            printed.result()
        return code

    def remove(self, container: ContainerId) -> None:
        """Kill and remove, with its anonymous volumes; quiet when it is gone."""
        with translated("removing the container"):
            try:
                self._client.remove_container(container, v=True, force=True)
            except NotFound:
                return

    def _wait(self, container: ContainerId) -> int:
        return int(self._client.wait(container, timeout=None)["StatusCode"])


def _hand_over(stream: Any, output: Output) -> None:
    for out, err in stream:
        if out:
            output(out, False)  # noqa: FBT003 - the two streams of Output
        if err:
            output(err, True)  # noqa: FBT003 - as above


def _port(text: str) -> tuple[str, str]:
    number, _, protocol = text.partition("/")
    return number, protocol or "tcp"
