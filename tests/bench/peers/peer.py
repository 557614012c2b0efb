"""What a builder has to do here, and what builders of engine images have in common."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import docker
from docker.errors import APIError, ContainerError

from tests.bench import trees
from tests.bench.measuring import BuildError
from tests.bench.tools import Tools
from tests.bench.work import Tree, Work

REPOSITORY = "baseimage-bench"
"""What the names of all images that the bench makes begin with."""


@dataclass(frozen=True)
class Place:
    """Where one run of the bench happens: a scratch folder, the base that all builders start from, the engine."""

    folder: Path
    base: str
    unique: str
    engine: docker.DockerClient


@dataclass(frozen=True)
class Job:
    """What is to be built: an image of each work. `reuse`: results of earlier builds count.

    `packages`: the package cache is as earlier builds left it; otherwise it is empty. Images and files of jobs of
    different names do not meet.
    """

    name: str
    works: tuple[Work, ...]
    reuse: bool = False
    packages: bool = True


class Peer(Protocol):
    """A builder. `prepare` comes first, then for each measurement `ready` (not timed), `build` (timed), `look`."""

    title: str
    """What it is called in tables."""
    keeps: frozenset[str]
    """What it keeps from one build to the next: "layers", "packages"."""

    def __init__(self, place: Place, tools: Tools) -> None:
        """Find or bring its programs. Raises MissingError."""

    def version(self) -> str:
        """Its version, in its own words."""

    def prepare(self) -> None:
        """Bring the base to where it starts from, and make what has to be there once."""

    def ready(self, job: Job) -> None:
        """Write the files of the job, and put its caches into the state that the job asks for."""

    def build(self, job: Job) -> int:
        """Build, and return the peak of its memory in bytes, 0 where that is not known. Raises BuildError."""

    def look(self, job: Job, number: int, script: str) -> str:
        """What a shell script prints in the job's image of this number. Raises BuildError."""

    def clear(self) -> None:
        """Remove what it made in the engine and on the machine."""


class EngineImages:
    """The images of one builder in the engine, by job and number."""

    def __init__(self, place: Place, builder: str) -> None:
        self._engine, self.repository, self._unique = place.engine, f"{REPOSITORY}/{builder}", place.unique
        self._seen: list[str] = []

    def name(self, job: Job, number: int) -> str:
        """What the image of this number is called."""
        return f"{self.repository}:{self._unique}-{job.name}-image-{number}"

    def look(self, job: Job, number: int, script: str) -> str:
        """What a shell script prints in the image."""
        found = self._engine.images.list(self.name(job, number))
        if not found:
            raise BuildError(f"there is no image {self.name(job, number)}")
        self._seen += [str(image.id) for image in found]
        command: dict[str, Any] = {"entrypoint": ["sh", "-c"], "command": [script], "remove": True}
        try:
            return bytes(self._engine.containers.run(self.name(job, number), **command)).decode(errors="replace")
        except ContainerError as error:
            return f"exit code {error.exit_status}"

    def forget(self, job: Job | None = None) -> None:
        """Remove the images of a job, or of this run, and with them the layers that nothing else stands on.

        At the end of the run also those whose name a later one took.
        """
        begin = f"{self.repository}:{self._unique}-{job.name}-" if job else f"{self.repository}:{self._unique}-"
        for image in cast("Any", self._engine.api).images(self.repository):
            for tag in image["RepoTags"] or ():
                if tag.startswith(begin):
                    remove_image(self._engine, tag)
        for image in [] if job else reversed(self._seen):
            remove_image(self._engine, image)


def remove_image(engine: docker.DockerClient, reference: str) -> None:
    """Remove an image's name, and the image where that was the last, unless something stands on it.

    An id is the image, which stays where somebody else has a name for it.
    """
    with suppress(APIError):
        engine.images.remove(reference, force=not reference.startswith("sha256:"))


def remove_containers(engine: docker.DockerClient, base: str) -> None:
    """Remove containers that were started from the base by its name: a builder that failed may leave one."""
    for container in cast("Any", engine.api).containers(all=True):
        if container["Image"] == base:
            with suppress(APIError):
                engine.api.remove_container(container["Id"], v=True, force=True)


def make_trees(folder: Path, job: Job) -> None:
    """See that the trees of the job are there, below `folder`."""
    for work in job.works:
        for task in (task for role in work for task in role.tasks):
            if isinstance(task, Tree):
                trees.make(folder, task.count)
