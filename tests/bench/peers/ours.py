"""This project: its command in a process of its own, on a project folder written for each job."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tests.bench import trees
from tests.bench.as_ansible import write_role
from tests.bench.measuring import run
from tests.bench.peers.peer import EngineImages, Job, Place, remove_image
from tests.bench.phases import Event, events_of
from tests.bench.tools import ROOT, Tools
from tests.bench.work import Role, Tree, Work, shared

FLOOR = "floor"
"""The service that holds what all images of a job begin with."""


@dataclass(frozen=True)
class Said:
    """What a build reported, and when its process began and was gone, in seconds since the epoch."""

    events: list[Event]
    started: float
    ended: float


class Ours:
    """`baseimage build`, with a state folder of its own; its package caches are those of the bench's base."""

    title = "baseimage build"
    keeps = frozenset({"layers", "packages"})

    def __init__(self, place: Place, tools: Tools) -> None:
        del tools
        self._place, self._images = place, EngineImages(place, "ours")
        self._state = place.folder / "ours-state"
        self.look = self._images.look
        self.last: dict[str, Said] = {}
        """The last build of each job."""

    def version(self) -> str:
        return (ROOT / "version.txt").read_text(encoding="utf-8").strip()

    def prepare(self) -> None:
        """Nothing: the first job makes the conductor's image."""

    def ready(self, job: Job) -> None:
        project = self._place.folder / "ours" / job.name
        (project / "recipes").mkdir(parents=True, exist_ok=True)
        (project / "version.txt").write_text("0.0.1\n", encoding="utf-8")
        (project / "image.txt").write_text(f"repository = {self._images.repository}\n", encoding="utf-8")
        (project / "recipes/default.yml").write_text(json.dumps(self._recipe(job), indent=1), encoding="utf-8")
        for number, work in enumerate(job.works):
            for role in work:
                write_role(project / "roles", replace(role, name=_name(role, number)), _synchronized, update=False)
                self._bring_trees(role, project / "roles" / _name(role, number) / "files")
        if not job.packages:
            self._remove_package_caches()

    def build(self, job: Job) -> int:
        options = ("--log-format", "json", *(() if job.reuse else ("--no-cache",)))
        project = self._place.folder / "ours" / job.name
        environment = {**os.environ, "BASEIMAGE_STATE": str(self._state), "PYTHONPATH": str(ROOT)}
        started = time.time()
        done = run((sys.executable, "-m", "pipeline", "build", *options), project, environment)
        self.last[job.name] = Said(events_of(done.output), started, time.time())
        return done.peak

    def clear(self) -> None:
        self._images.forget()
        for note in (self._state / "layers").glob("*.json"):
            remove_image(self._place.engine, f"baseimage/cache:{note.stem}")
        self._remove_package_caches()

    def _recipe(self, job: Job) -> dict[str, Any]:
        services: dict[str, Any] = {}
        common = shared(job.works) if len(job.works) > 1 else ()
        if common:
            services[FLOOR] = {"from": self._place.base, "roles": _roles(common, 0), "verify": {"run": False}}
        for number, work in enumerate(job.works):
            base = FLOOR if common else self._place.base
            services[f"image-{number}"] = {"from": base, "roles": _roles(work[len(common) :], number)}
        name = f"{{repository}}:{self._place.unique}-{job.name}-{{service}}"
        # By its name it counts for every role: no layer is that of another run, and none of another run is removed.
        for service in services.values():
            service["vars"] = {"ansible_bench_run": self._place.unique}
        return {"version": "2", "tags": [name], "services": services}

    def _bring_trees(self, role: Role, files: Path) -> None:
        for tree in (task for task in role.tasks if isinstance(task, Tree)):
            if not (files / f"tree{tree.count}").exists():
                made = trees.make(self._place.folder, tree.count)
                shutil.copytree(made, files / made.name, copy_function=os.link)

    def _remove_package_caches(self) -> None:
        origin = self._place.base.replace("/", "-").replace(":", "-")
        for volume in cast("Any", self._place.engine).volumes.list(filters={"name": f"baseimage-cache-{origin}-"}):
            volume.remove()


def _roles(work: Work, number: int) -> list[str]:
    return [_name(role, number) for role in work]


def _name(role: Role, number: int) -> str:
    """Roles of one name differ from image to image; all are in one folder."""
    return f"{role.name}_{number}" if number else role.name


def _synchronized(tree: Tree) -> dict[str, Any]:
    return {"ansible.posix.synchronize": {"src": f"tree{tree.count}/", "dest": tree.path}}
