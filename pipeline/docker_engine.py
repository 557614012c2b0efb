"""`engine.Engine` over the Docker SDK: Docker 20.10 and later, and what speaks its API (Podman's socket)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Literal

import docker
from docker.errors import NotFound

from pipeline import docker_containers, docker_files, docker_images, docker_inventory, docker_rewrite
from pipeline.docker_channel import open_channel, run_to_end
from pipeline.docker_client import open_client, translated, untyped
from pipeline.docker_config import insecure_from_api
from pipeline.docker_registry import published, pull, push
from pipeline.engine import (
    Channel,
    Completed,
    ContainerId,
    ContainerSpec,
    EngineInfo,
    Image,
    ImageId,
    ImageLayer,
    Lines,
    Progress,
    Published,
    Rewriting,
    State,
)
from pipeline.errors import EngineError
from pipeline.image_config import ImageConfig
from pipeline.registry_patience import USUAL, Patience, registry_patience

SETTLED_AFTER = 1.0
"""Seconds after which a container without a health check counts as up."""
KINDS = {0: "C", 1: "A", 2: "D"}


def connect(environ: Mapping[str, str], *, container_prefix: str = "") -> DockerEngine:
    """The engine that the docker command would talk to. Raises EngineUnreachableError.

    Containers without a name of their own get `container_prefix` and a number as theirs.
    """
    patience = registry_patience(environ)
    return DockerEngine(open_client(environ), container_prefix=container_prefix, patience=patience)


class DockerEngine:
    """Every verb of `engine.Engine`; what each promises is said there."""

    def __init__(self, client: docker.APIClient, *, container_prefix: str = "", patience: Patience = USUAL) -> None:
        self._client = client
        self._patience = patience
        self.container_prefix = container_prefix
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def info(self) -> EngineInfo:
        """Who answers."""
        with translated("asking the engine who it is"):
            version, info = self._client.version(), self._client.info()
        return EngineInfo(
            version=str(version.get("Version", "")),
            api_version=str(version.get("ApiVersion", "")),
            platform=f"{version.get('Os', '')}/{version.get('Arch', '')}",
            storage=str(info.get("Driver", "")),
            insecure=insecure_from_api(info),
        )

    def find_image(self, reference: str) -> Image | None:
        """The image with this tag, digest or id."""
        return docker_images.find(self._client, reference)

    def pull(self, reference: str, progress: Progress) -> Image:
        """Fetch from the registry."""
        return pull(self._client, reference, progress, self._patience)

    def push(self, reference: str, progress: Progress) -> str:
        """Push a tag and return the digest that the registry confirms."""
        return push(self._client, reference, progress, self._patience)

    def published(self, reference: str, progress: Progress) -> Published | None:
        """What the registry has under a tag."""
        return published(self._client, reference, progress, self._patience)

    def import_root(self, archive: Path, reference: str, config: ImageConfig, created: int | None = None) -> ImageId:
        """Make an image of one layer from a tar file."""
        return docker_images.import_root(self._client, archive, reference, config, created)

    def build(
        self, context: bytes, reference: str, arguments: dict[str, str], labels: dict[str, str], lines: Lines
    ) -> ImageId:
        """Build a Dockerfile from a tar of its context."""
        return docker_images.build(self._client, context, reference, arguments, labels, lines)

    def start(self, spec: ContainerSpec) -> ContainerId:
        """Create and start a container."""
        return docker_containers.start(self._client, spec, spec.name or self._next_name())

    def _next_name(self) -> str:
        return f"{self.container_prefix}_{next(self._numbers)}" if self.container_prefix else ""

    def _never_started(self, image: ImageId) -> ContainerId:
        return docker_containers.create(self._client, ContainerSpec(image=image, command=("-",)), self._next_name())

    def run(
        self,
        container: ContainerId,
        command: tuple[str, ...],
        *,
        environment: dict[str, str] | None = None,
        user: str = "",
    ) -> Completed:
        """Run a command in a running container and wait for it."""
        return run_to_end(self._client, container, command, environment, user)

    def open(
        self, container: ContainerId, command: tuple[str, ...], *, environment: dict[str, str] | None = None
    ) -> Channel:
        """Run a command in a running container and talk to it."""
        return open_channel(self._client, container, command, environment)

    def changes(self, container: ContainerId) -> tuple[str, ...]:
        """Paths that differ from the image."""
        with translated("comparing a container with its image"):
            entries = self._client.diff(container) or ()  # None when nothing differs
        return tuple(f"{KINDS[entry['Kind']]} {entry['Path']}" for entry in entries)

    def state(self, container: ContainerId) -> State:
        """Whether the container runs, how it ended, and its health."""
        with translated("asking for a container's state"):
            state = self._client.inspect_container(container)["State"]
        health = str((state.get("Health") or {}).get("Status") or "")
        return State(
            status=str(state["Status"]),
            exit_code=int(state.get("ExitCode") or 0),
            health="" if health == "none" else health,
        )

    def await_ready(self, container: ContainerId, probe: tuple[str, ...], *, seconds: float) -> State:
        """Wait for the end, or for `probe` to succeed, or for a second without a probe."""
        started = time.monotonic()
        while (state := self.state(container)).status in ("created", "running"):
            elapsed = time.monotonic() - started
            if probe and self._succeeds(container, probe):
                return replace(state, health="healthy")
            if elapsed > (seconds if probe else min(seconds, SETTLED_AFTER)):
                return state
            time.sleep(0.05)
        return state

    def _succeeds(self, container: ContainerId, probe: tuple[str, ...]) -> bool:
        try:
            return self.run(container, probe).exit_code == 0
        except EngineError:  # it has ended between two looks
            return False

    def existing(self, image: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Look into a container that is never started."""
        container = self._never_started(image)
        try:
            return tuple(path for path in paths if docker_files.has(self._client, container, path))
        finally:
            self.remove_container(container)

    def read_files(
        self, image: ImageId, wanted: Callable[[str], bool], within: tuple[str, ...] = ("/",)
    ) -> dict[str, bytes]:
        """Look through a container that is never started."""
        container = self._never_started(image)
        try:
            return docker_files.read(self._client, container, wanted, within)
        finally:
            self.remove_container(container)

    def stop(self, container: ContainerId, *, seconds: int) -> State:
        """Send the stop signal, wait, kill after `seconds`."""
        with translated("stopping a container"):
            self._client.stop(container, timeout=seconds)
        return self.state(container)

    def logs(self, container: ContainerId, *, lines: int = 50) -> str:
        """The last lines of stdout and stderr."""
        with translated("reading a container's output"):
            output: bytes = self._client.logs(container, stdout=True, stderr=True, tail=lines)
        return output.decode(errors="replace")

    def commit(self, container: ContainerId, config: ImageConfig, reference: str, comment: str) -> ImageId:
        """Make an image of the container whose configuration is exactly `config`."""
        return docker_images.commit(self._client, container, config, reference, comment)

    def configure(self, image: ImageId, config: ImageConfig, labels: dict[str, str]) -> ImageId:
        """The same layers with exactly this configuration."""
        return docker_images.configure(self._client, image, config, labels)

    def rewrite(self, image: ImageId, how: Rewriting) -> ImageId:
        """The same image with its upper layers written anew."""
        return docker_rewrite.rewrite(self._client, image, how)

    def save(self, image: str, target: IO[bytes]) -> None:
        """Write an archive of an image."""
        docker_rewrite.save(self._client, image, target)

    def layers(self, image: ImageId) -> tuple[ImageLayer, ...]:
        """The image's history entries that hold data, lowest first."""
        with translated("reading an image's history"):
            history = untyped(self._client).history(image)
        return tuple(
            ImageLayer(created_by=str(entry.get("Comment") or entry.get("CreatedBy") or ""), size=int(entry["Size"]))
            for entry in reversed(history)
            if entry.get("Size")
        )

    def tag(self, image: ImageId, reference: str) -> None:
        """Give an image a name."""
        docker_images.tag(self._client, image, reference)

    def remove_container(self, container: ContainerId) -> None:
        """Kill and remove, with its anonymous volumes."""
        docker_containers.remove(self._client, container)

    def remove_image(self, reference: str) -> int:
        """Untag, and delete when nothing else needs it; the number of images deleted."""
        return docker_inventory.remove_image(self._client, reference)

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make a volume unless it exists."""
        with translated(f"making the volume {name}"):
            self._client.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        with translated(f"removing the volume {name}"):
            try:
                self._client.remove_volume(name)
            except NotFound:
                return

    def owned(
        self, kind: Literal["container", "image", "volume"], labels: Iterable[str]
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """Ids (volumes: names) and labels of everything of this kind that carries all these labels."""
        return docker_inventory.owned(self._client, kind, labels)

    def named(self, kind: Literal["container", "image"], prefix: str) -> tuple[tuple[str, str], ...]:
        """Ids and names of everything whose name begins with `prefix`."""
        return docker_inventory.named(self._client, kind, prefix)
