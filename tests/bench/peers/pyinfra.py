"""pyinfra with its docker connector."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.bench.as_pyinfra import deploy
from tests.bench.measuring import BuildError, run
from tests.bench.peers.peer import EngineImages, Job, Place, make_trees
from tests.bench.tools import Tools, first_line

PACKAGE = "pyinfra==3.10.0"
_IMAGE = re.compile(r"image ID: (?:\x1b\[\d+m)*(?P<id>[0-9a-f]{12})")


class Pyinfra:
    """It commits what the operations made of a container, without a name and with the base's configuration."""

    title = "pyinfra, docker"
    keeps: frozenset[str] = frozenset()

    def __init__(self, place: Place, tools: Tools) -> None:
        self._place, self._images = place, EngineImages(place, "pyinfra")
        self._pyinfra = tools.environment("pyinfra", PACKAGE) / "pyinfra"
        self._deploys: list[Path] = []
        self.look, self.clear = self._images.look, self._images.forget

    def version(self) -> str:
        return first_line(str(self._pyinfra), "--version")

    def prepare(self) -> None:
        """Nothing: the base is in the engine."""

    def ready(self, job: Job) -> None:
        self._images.forget(job)
        make_trees(self._place.folder, job)
        self._deploys = []
        for number, work in enumerate(job.works):
            file = self._place.folder / "pyinfra" / f"{job.name}-{number}" / "deploy.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(deploy(work, self._place.folder), encoding="utf-8")
            self._deploys.append(file)

    def build(self, job: Job) -> int:
        peak = 0
        for number, file in enumerate(self._deploys):
            done = run((str(self._pyinfra), "-y", f"@docker/{self._place.base}", str(file)), file.parent, os.environ)
            found = _IMAGE.search(done.output)
            if not found:
                raise BuildError(f"pyinfra names no image:\n{done.output[-1000:]}")
            repository, tag = self._images.name(job, number).rsplit(":", 1)
            self._place.engine.images.get(found["id"]).tag(repository, tag)
            peak = max(peak, done.peak)
        return peak
