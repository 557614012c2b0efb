"""`docker build` with the engine's classic builder."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.as_dockerfile import dockerfile
from tests.bench.measuring import BuildError
from tests.bench.peers.peer import EngineImages, Job, Place, make_trees
from tests.bench.tools import Tools
from tests.bench.work import Tree


class Dockerfile:
    """The builder that every engine has, asked through its API. It has no package cache."""

    title = "Dockerfile, classic"
    keeps = frozenset({"layers"})

    def __init__(self, place: Place, tools: Tools) -> None:
        del tools
        self._place, self._images = place, EngineImages(place, "dockerfile")
        self.look, self.clear = self._images.look, self._images.forget

    def version(self) -> str:
        return f"Docker {self._place.engine.version()['Version']}"

    def prepare(self) -> None:
        """Nothing: the base is in the engine."""

    def ready(self, job: Job) -> None:
        make_trees(self._place.folder, job)
        if not job.reuse:
            self._images.forget(job)

    def build(self, job: Job) -> int:
        """The first image without the cache where nothing is to be reused; the others share what they can."""
        for number, work in enumerate(job.works):
            text = dockerfile(self._place.base, work)
            trees = [f"tree{task.count}" for role in work for task in role.tasks if isinstance(task, Tree)]
            self._build(text, trees, self._images.name(job, number), fresh=not job.reuse and number == 0)
        return 0

    def _build(self, text: str, trees: list[str], tag: str, *, fresh: bool) -> None:
        with tempfile.TemporaryDirectory(dir=self._place.folder) as scratch:
            file = Path(scratch, "Dockerfile")
            file.write_text(text, encoding="utf-8")
            with tempfile.TemporaryFile() as context:
                with tarfile.open(fileobj=context, mode="w") as archive:
                    archive.add(file, "Dockerfile")
                    for tree in trees:
                        archive.add(self._place.folder / tree, tree)
                context.seek(0)
                options: dict[str, Any] = {"nocache": fresh, "rm": True, "forcerm": True, "decode": True, "tag": tag}
                for line in self._place.engine.api.build(fileobj=context, custom_context=True, **options):
                    if "error" in line:
                        raise BuildError(str(line["error"]))
