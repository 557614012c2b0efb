"""Making and removing the containers of a build, so that none is left behind whatever comes between."""

from __future__ import annotations

import time
from collections.abc import Callable

import docker
from docker.errors import APIError, NotFound
from docker.types import Mount as ApiMount

from pipeline.docker_client import translated
from pipeline.engine import ContainerId, ContainerSpec
from pipeline.errors import EngineError, StopRequested

LOOKS = 6
Sleep = Callable[[float], None]


def create(client: docker.APIClient, spec: ContainerSpec, name: str, sleep: Sleep = time.sleep) -> ContainerId:
    """Make a container; "" lets the engine name it.

    No environment and no `volumes`: a commit would keep both. Nor the proxies of the user's docker settings.
    """
    mounts = [
        ApiMount(target=mount.target, source=mount.source or None, type=mount.kind, read_only=mount.read_only)
        for mount in spec.mounts
    ]
    try:
        created = client.create_container(
            spec.image,
            name=name or None,
            entrypoint=None if spec.entrypoint is None else list(spec.entrypoint),
            command=None if spec.command is None else list(spec.command),
            user=spec.user or None,
            labels=dict(spec.labels),
            host_config=client.create_host_config(mounts=mounts, network_mode=spec.network or None),
            use_config_proxy=False,
        )
    except (StopRequested, KeyboardInterrupt):
        if name:
            _forget(client, name, sleep)
        raise
    return ContainerId(str(created["Id"]))


def start(client: docker.APIClient, spec: ContainerSpec, name: str, sleep: Sleep = time.sleep) -> ContainerId:
    """Make and start a container; one that does not start is removed."""
    what = f"starting {spec.name or 'a container'} from {spec.image}"
    with translated(what):
        container = create(client, spec, name, sleep)
    try:
        with translated(what):
            client.start(container)
    except BaseException:
        remove(client, container)
        raise
    return container


def remove(client: docker.APIClient, container: str) -> bool:
    """Kill and remove, with its anonymous volumes; whether it was there."""
    with translated("removing a container"):
        try:
            client.remove_container(container, v=True, force=True)
        except NotFound:
            return False
        except APIError as error:
            if "already in progress" not in str(error.explanation):
                raise
    return True


def _forget(client: docker.APIClient, name: str, sleep: Sleep) -> None:
    """An engine goes on making what nobody waits for any more, and that would hold on to its image: for a second."""
    for attempt in range(LOOKS):
        if attempt:
            sleep(0.2)
        try:
            if remove(client, name):
                return
        except EngineError:  # it must not hide why
            return
