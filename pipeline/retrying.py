"""An engine that tries pulls and pushes again while they fail in ways that may pass. All other verbs go straight on.

A registry's hiccup must not cost a build of ten minutes; nothing but these two is safe to repeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Literal, TypeVar

import tenacity

from pipeline.engine import (
    Channel,
    Completed,
    ContainerId,
    ContainerSpec,
    Engine,
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
from pipeline.errors import PushFailedError, TransientError
from pipeline.events import Retrying, Sink
from pipeline.image_config import ImageConfig
from pipeline.registry_patience import USUAL

PATIENCE = float(USUAL.trying)
"""Seconds from the first attempt, after which a failure counts."""
LONGEST_WAIT = 16.0

T = TypeVar("T")


def patiently(
    what: str,
    attempt: Callable[[], T],
    emit: Sink,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> T:
    """What `attempt` returns; it is made again while it raises TransientError, the last of which is raised."""

    def announce(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        reason = error.message if isinstance(error, TransientError) else str(error)
        emit(Retrying(what=what, attempt=state.attempt_number, wait=state.upcoming_sleep, reason=reason))

    def is_over(state: tenacity.RetryCallState) -> bool:
        """By the clock or by the waits, whichever is more: an engine has retries of its own."""
        return max(state.seconds_since_start or 0.0, state.idle_for) >= patience

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=tenacity.wait_exponential_jitter(initial=1, max=LONGEST_WAIT, jitter=1),
        stop=is_over,
        before_sleep=announce,
        sleep=sleep,
        reraise=True,
    )(attempt)


class RetryingEngine:
    """`engine.Engine` around another one; a `Retrying` event comes before each wait."""

    def __init__(
        self,
        engine: Engine,
        emit: Sink,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._engine = engine
        self._emit = emit
        self._sleep = sleep
        self._patience = patience

    def pull(self, reference: str, progress: Progress) -> Image:
        """Fetch from the registry, with patience."""
        return self._patiently(f"pull {reference}", lambda: self._engine.pull(reference, progress))

    def push(self, reference: str, progress: Progress) -> str:
        """Push with patience. Raises PushFailedError when that is at an end."""
        try:
            return self._patiently(f"push {reference}", lambda: self._engine.push(reference, progress))
        except TransientError as error:
            raise PushFailedError(error.message, hint=error.hint, detail=error.detail) from error

    def published(self, reference: str, progress: Progress) -> Published | None:
        """Ask the registry, with patience. Raises PushFailedError when that is at an end."""
        try:
            return self._patiently(f"look up {reference}", lambda: self._engine.published(reference, progress))
        except TransientError as error:
            raise PushFailedError(error.message, hint=error.hint, detail=error.detail) from error

    def _patiently(self, what: str, attempt: Callable[[], T]) -> T:
        return patiently(what, attempt, self._emit, self._sleep, self._patience)

    def info(self) -> EngineInfo:
        """Who answers."""
        return self._engine.info()

    def find_image(self, reference: str) -> Image | None:
        """The image with this tag, digest or id."""
        return self._engine.find_image(reference)

    def import_root(self, archive: Path, reference: str, config: ImageConfig, created: int | None = None) -> ImageId:
        """Make an image of one layer from a tar file."""
        return self._engine.import_root(archive, reference, config, created)

    def build(
        self, context: bytes, reference: str, arguments: dict[str, str], labels: dict[str, str], lines: Lines
    ) -> ImageId:
        """Build a Dockerfile from a tar of its context."""
        return self._engine.build(context, reference, arguments, labels, lines)

    def start(self, spec: ContainerSpec) -> ContainerId:
        """Create and start a container."""
        return self._engine.start(spec)

    def run(
        self,
        container: ContainerId,
        command: tuple[str, ...],
        *,
        environment: dict[str, str] | None = None,
        user: str = "",
    ) -> Completed:
        """Run a command in a running container and wait for it."""
        return self._engine.run(container, command, environment=environment, user=user)

    def open(
        self, container: ContainerId, command: tuple[str, ...], *, environment: dict[str, str] | None = None
    ) -> Channel:
        """Run a command in a running container and talk to it."""
        return self._engine.open(container, command, environment=environment)

    def changes(self, container: ContainerId) -> tuple[str, ...]:
        """Paths that differ from the image."""
        return self._engine.changes(container)

    def state(self, container: ContainerId) -> State:
        """Whether the container runs, how it ended, and its health."""
        return self._engine.state(container)

    def await_ready(self, container: ContainerId, probe: tuple[str, ...], *, seconds: float) -> State:
        """Wait until the container has ended or the probe succeeds."""
        return self._engine.await_ready(container, probe, seconds=seconds)

    def existing(self, image: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these paths an image has."""
        return self._engine.existing(image, paths)

    def read_files(
        self, image: ImageId, wanted: Callable[[str], bool], within: tuple[str, ...] = ("/",)
    ) -> dict[str, bytes]:
        """The files of an image whose paths are wanted."""
        return self._engine.read_files(image, wanted, within)

    def stop(self, container: ContainerId, *, seconds: int) -> State:
        """Send the stop signal, wait, kill."""
        return self._engine.stop(container, seconds=seconds)

    def logs(self, container: ContainerId, *, lines: int = 50) -> str:
        """The last lines of stdout and stderr."""
        return self._engine.logs(container, lines=lines)

    def commit(self, container: ContainerId, config: ImageConfig, reference: str, comment: str) -> ImageId:
        """Make an image of the container."""
        return self._engine.commit(container, config, reference, comment)

    def configure(self, image: ImageId, config: ImageConfig, labels: dict[str, str]) -> ImageId:
        """The same layers with exactly this configuration."""
        return self._engine.configure(image, config, labels)

    def rewrite(self, image: ImageId, how: Rewriting) -> ImageId:
        """The same image with its upper layers written anew."""
        return self._engine.rewrite(image, how)

    def save(self, image: str, target: IO[bytes]) -> None:
        """Write an archive of an image."""
        self._engine.save(image, target)

    def layers(self, image: ImageId) -> tuple[ImageLayer, ...]:
        """The image's history entries that hold data."""
        return self._engine.layers(image)

    def tag(self, image: ImageId, reference: str) -> None:
        """Give an image a name."""
        self._engine.tag(image, reference)

    def remove_container(self, container: ContainerId) -> None:
        """Kill and remove."""
        self._engine.remove_container(container)

    def remove_image(self, reference: str) -> int:
        """Untag, and delete when nothing else needs it."""
        return self._engine.remove_image(reference)

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        self._engine.remove_volume(name)

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make a volume unless it exists."""
        self._engine.create_volume(name, labels)

    def owned(
        self, kind: Literal["container", "image", "volume"], labels: Iterable[str]
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """Ids and labels of everything that carries these labels."""
        return self._engine.owned(kind, labels)

    def named(self, kind: Literal["container", "image"], prefix: str) -> tuple[tuple[str, str], ...]:
        """Ids and names of everything whose name begins with this."""
        return self._engine.named(kind, prefix)
