"""What the stages ask of a container engine: a Protocol of a few verbs, with plain values in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, NewType, Protocol

from pipeline.image_config import ImageConfig

ImageId = NewType("ImageId", str)
ContainerId = NewType("ContainerId", str)
Progress = Callable[[str, str, int, int], None]
"""Called with item, status, current bytes, total bytes (0 where not known)."""
Lines = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who answers: product version, API version ("1.41"), platform ("linux/amd64"), storage driver.

    `insecure`: registries (host[:port]) and networks to which it may speak plain HTTP, but those of its own machine.
    """

    version: str
    api_version: str
    platform: str
    storage: str
    insecure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """One entry of an image's history that holds data: the command that made it and its size in bytes."""

    created_by: str
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the engine describes it. `layers` are the ids of the layers' contents (diff ids), lowest first."""

    id: ImageId
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    platform: str
    layers: tuple[str, ...]
    config: ImageConfig
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What a registry has under a name: the manifest's digest, and the image, which the engine has by then."""

    digest: str
    image: Image


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How the layers of an image above the lowest `below` are written anew.

    `merge`: as one layer. With an `epoch`, in seconds since 1970, they are the same whenever they were made: nothing
    is younger, and what only tells of the build is left out (`layer_rules`).
    """

    below: int
    merge: bool = False
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume (by name; "" makes an anonymous one) or a host path of the engine's machine at `target`."""

    source: str
    target: str
    kind: Literal["volume", "bind", "tmpfs"] = "volume"
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container to start. Build-time environment does not belong here: a commit would keep it (`run` takes it)."""

    image: str
    name: str = ""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str = ""
    mounts: tuple[Mount, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    network: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ran in a container: its exit code and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class State:
    """A container's state: "created", "running", "exited"…; `health` is "" without a health check."""

    status: str
    exit_code: int
    health: str = ""


class Channel(Protocol):
    """A command that runs in a container, with its stdin and stdout as streams; closing it does not kill it."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def stderr(self) -> bytes:
        """What the command printed on stderr so far."""
        ...

    def exit_code(self) -> int | None:
        """The command's exit code, None while it runs."""
        ...

    def close(self) -> None:
        """Close both streams."""
        ...


class Engine(Protocol):
    """The verbs. Every method raises `EngineError` or one of its kinds; nothing returns an engine's raw JSON."""

    def info(self) -> EngineInfo:
        """Who answers. Raises EngineUnreachableError."""
        ...

    def find_image(self, reference: str) -> Image | None:
        """The image with this tag, digest or id, None when the engine does not have it."""
        ...

    def pull(self, reference: str, progress: Progress) -> Image:
        """Fetch from the registry. Raises NotFoundError, TransientError, EngineError."""
        ...

    def published(self, reference: str, progress: Progress) -> Published | None:
        """What the registry has under this tag, None if nothing; the engine's own tags stay as they are.

        Raises PushFailedError, TransientError when that cannot be found out.
        """
        ...

    def import_root(self, archive: Path, reference: str, config: ImageConfig, created: int | None = None) -> ImageId:
        """Make an image of one layer from a tar file (plain, gzip, xz or zstd as the engine takes it).

        `created`, in seconds since 1970, is what it says of its age: without it, now.
        """
        ...

    def build(
        self, context: bytes, reference: str, arguments: dict[str, str], labels: dict[str, str], lines: Lines
    ) -> ImageId:
        """Build a Dockerfile from a tar of its context. Raises EngineError with the last lines printed."""
        ...

    def start(self, spec: ContainerSpec) -> ContainerId:
        """Create and start a container; one that cannot start is removed before the error is raised."""
        ...

    def run(
        self,
        container: ContainerId,
        command: tuple[str, ...],
        *,
        environment: dict[str, str] | None = None,
        user: str = "",
    ) -> Completed:
        """Run a command in a running container and wait for it."""
        ...

    def open(
        self, container: ContainerId, command: tuple[str, ...], *, environment: dict[str, str] | None = None
    ) -> Channel:
        """Run a command in a running container and talk to it."""
        ...

    def changes(self, container: ContainerId) -> tuple[str, ...]:
        """Paths that differ from the image, each with its kind first: "A /etc/x", "C /etc", "D /etc/y"."""
        ...

    def state(self, container: ContainerId) -> State:
        """Whether the container runs, how it ended, and its health."""
        ...

    def await_ready(self, container: ContainerId, probe: tuple[str, ...], *, seconds: float) -> State:
        """Wait until the container has ended or `probe`, run inside it, exits 0 (then `health` is "healthy").

        Without a probe, a container that has been running for a second is taken as ready. After `seconds`
        the state is returned as it is.
        """
        ...

    def existing(self, image: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these paths an image has; nothing is started for it."""
        ...

    def read_files(
        self, image: ImageId, wanted: Callable[[str], bool], within: tuple[str, ...] = ("/",)
    ) -> dict[str, bytes]:
        """The regular files of an image whose paths (no leading slash) are wanted, by path; nothing is started for it.

        Only files and folders that are named in `within` are looked at, with all that is in them; what an image does
        not have is passed over.
        """
        ...

    def stop(self, container: ContainerId, *, seconds: int) -> State:
        """Send the stop signal, wait, kill after `seconds`; the state after that."""
        ...

    def logs(self, container: ContainerId, *, lines: int = 50) -> str:
        """The last lines of stdout and stderr."""
        ...

    def commit(self, container: ContainerId, config: ImageConfig, reference: str, comment: str) -> ImageId:
        """Make an image of the container whose configuration is exactly `config`; tagged `reference` if not "".

        The image goes with the last of those made of it, unless it has a name. `comment` is what its history says.
        """
        ...

    def configure(self, image: ImageId, config: ImageConfig, labels: dict[str, str]) -> ImageId:
        """The same layers with exactly this configuration and these labels; no layer is added.

        It is `image` itself if that has them already; else `image` goes with it, unless it has a name.
        """
        ...

    def rewrite(self, image: ImageId, how: Rewriting) -> ImageId:
        """An untagged image with the same configuration, whose layers above some are written anew."""
        ...

    def save(self, image: str, target: IO[bytes]) -> None:
        """Write an archive of an image: its own file and its layers (`image_archive`)."""
        ...

    def layers(self, image: ImageId) -> tuple[ImageLayer, ...]:
        """The image's history entries that hold data, lowest first."""
        ...

    def tag(self, image: ImageId, reference: str) -> None:
        """Give an image a name."""
        ...

    def push(self, reference: str, progress: Progress) -> str:
        """Push a tag and return the digest that the registry confirms. Raises PushFailedError, TransientError."""
        ...

    def remove_container(self, container: ContainerId) -> None:
        """Kill and remove, with its anonymous volumes; nothing happens when it is gone already."""
        ...

    def remove_image(self, reference: str) -> int:
        """Untag, and delete when nothing else needs it; the number of images deleted. Quiet when it is gone.

        Raises EngineError for an id that has several names, or that containers or other images are made of.
        """
        ...

    def remove_volume(self, name: str) -> None:
        """Remove a volume; quiet when it is gone. Raises EngineError while a container uses it."""
        ...

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make a volume unless it exists."""
        ...

    def owned(
        self, kind: Literal["container", "image", "volume"], labels: Iterable[str]
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """Ids (volumes: names) and labels of everything of this kind that carries all these labels ("k" or "k=v")."""
        ...

    def named(self, kind: Literal["container", "image"], prefix: str) -> tuple[tuple[str, str], ...]:
        """Ids and names (containers), or ids and tags (images), of everything whose name begins with `prefix`.

        One request, whatever there is.
        """
        ...
