"""`docker build` with BuildKit, packages in cache mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.bench.as_dockerfile import dockerfile
from tests.bench.measuring import run
from tests.bench.peers.peer import REPOSITORY, EngineImages, Job, Place, make_trees
from tests.bench.tools import MissingError, Tools, first_line

_PROBE = "FROM scratch\nLABEL probe=1\n"
_ENVIRONMENT = {"DOCKER_BUILDKIT": "1"}
_EMPTY = """\
FROM {base}
RUN --mount=type=cache,id={cache}-archives,target=/a --mount=type=cache,id={cache}-lists,target=/l rm -rf /a/* /l/*
"""


class BuildKit:
    """The builder behind DOCKER_BUILDKIT=1, with the first docker command on PATH that can use it."""

    title = "Dockerfile, BuildKit"
    keeps = frozenset({"layers", "packages"})

    def __init__(self, place: Place, tools: Tools) -> None:
        del tools
        self._place, self._images = place, EngineImages(place, "buildkit")
        self._docker = _command_with_buildkit()
        self._context = place.folder / "buildkit"
        self.look = self._images.look

    def version(self) -> str:
        return f"{first_line(self._docker, '--version')}, engine {self._place.engine.version()['Version']}"

    def prepare(self) -> None:
        self._context.mkdir()

    def ready(self, job: Job) -> None:
        make_trees(self._context, job)
        for number, work in enumerate(job.works):
            text = dockerfile(self._place.base, work, cache=REPOSITORY)
            (self._context / f"{job.name}.{number}").write_text(text, encoding="utf-8")
            ignored = self._context / f"{job.name}.{number}.dockerignore"
            ignored.write_text("*\n" + "".join(f"!{name}\n" for name in _copied(text)), encoding="utf-8")
        if not job.reuse:
            self._images.forget(job)
        if not job.packages:
            self._empty_cache()

    def build(self, job: Job) -> int:
        return max(
            self._build(f"{job.name}.{number}", self._images.name(job, number), fresh=not job.reuse and number == 0)
            for number in range(len(job.works))
        )

    def clear(self) -> None:
        """Packages go; what else is in BuildKit's own store is the engine's to collect."""
        self._images.forget()
        self._empty_cache()

    def _build(self, file: str, tag: str, *, fresh: bool) -> int:
        options = ("--progress=plain", *(("--no-cache",) if fresh else ()))
        command = (self._docker, "build", *options, "-t", tag, "-f", file, ".")
        return run(command, self._context, {**os.environ, **_ENVIRONMENT}).peak

    def _empty_cache(self) -> None:
        (self._context / "empty").write_text(_EMPTY.format(base=self._place.base, cache=REPOSITORY))
        job = Job("empty", ())
        self._build("empty", self._images.name(job, 0), fresh=True)
        self._images.forget(job)


def _copied(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines() if line.startswith("COPY ")]


def _command_with_buildkit() -> str:
    reasons = []
    for folder in os.get_exec_path():
        command = shutil.which("docker", path=folder)
        if command and not (reason := _refusal(command)):
            return command
        if command:
            reasons.append(f"{Path(command)}: {reason}")
    raise MissingError("; ".join(dict.fromkeys(reasons)) or "there is no docker command")


def _refusal(command: str) -> str:
    """Why this docker command cannot build with BuildKit; empty when it can."""
    probe = (command, "build", "--quiet", "-")
    done = subprocess.run(
        probe, env={**os.environ, **_ENVIRONMENT}, input=_PROBE, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else "".join(done.stderr.strip().splitlines()[:1])
