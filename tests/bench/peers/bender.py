"""ansible-bender with buildah, in a container store of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tests.bench.measuring import BuildError, run
from tests.bench.peers.peer import Job, Place
from tests.bench.peers.playbooks import SETTINGS, write
from tests.bench.tools import Tools, first_line

PACKAGES = ("ansible-bender==0.10.1", "ansible==7.7.0", "setuptools<81")
"""Its cache of tasks fails with ansible-core 2.19, and it imports pkg_resources."""
_PYTHON = "/usr/bin/python3"
"""Said, so that it does not look for one with podman."""
_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
_CONTAINERS = """\
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


class Bender:
    """Its cache is one of tasks; package lists and archives are fetched in every build."""

    title = "ansible-bender, buildah"
    keeps = frozenset({"layers"})

    def __init__(self, place: Place, tools: Tools) -> None:
        self._place, self._folder = place, place.folder / "bender"
        self._buildah = tools.program("buildah", "buildah")
        for other in ("podman", "runc"):  # bender asks for podman's version before it begins
            tools.program(other, other)
        bin_folder = tools.environment("bender", *PACKAGES)
        self._bender = str(bin_folder / "ansible-bender")
        path = os.pathsep.join((str(bin_folder), os.environ["PATH"]))
        files = {
            "CONTAINERS_STORAGE_CONF": "storage.conf",
            "CONTAINERS_CONF": "containers.conf",
            "CONTAINERS_REGISTRIES_CONF": "registries.conf",
            "XDG_RUNTIME_DIR": "runtime",
            "HOME": "home",
        }
        own = {name: str(self._folder / file) for name, file in files.items()}
        self._environment = {**os.environ, **SETTINGS, **own, "PATH": path}
        self._plays: list[Path] = []

    def version(self) -> str:
        return f"{first_line(self._bender, '--version')}, {first_line(self._buildah, '--version')}"

    def prepare(self) -> None:
        for folder in ("runtime", "home"):
            (self._folder / folder).mkdir(parents=True, mode=0o700)
        (self._folder / "storage.conf").write_text(_STORAGE.format(folder=self._folder), encoding="utf-8")
        (self._folder / "containers.conf").write_text(_CONTAINERS, encoding="utf-8")
        (self._folder / "registries.conf").write_text("", encoding="utf-8")
        archive = self._folder / "base.tar"
        with archive.open("wb") as stream:
            for chunk in self._place.engine.images.get(self._place.base).save(named=self._place.base):
                stream.write(chunk)
        self._run(self._buildah, "pull", f"docker-archive:{archive}")
        archive.unlink()

    def ready(self, job: Job) -> None:
        variables = [self._variables(job, number) for number in range(len(job.works))]
        self._plays = write(self._folder, self._place.folder, job, variables)

    def build(self, job: Job) -> int:
        peak = 0
        for number, play in enumerate(self._plays):
            fresh = ("--no-cache",) if not job.reuse and number == 0 else ()
            command = (self._bender, "build", "--python-interpreter", _PYTHON, *fresh, str(play))
            peak = max(peak, self._run(*command, folder=play.parent)[1])
        return peak

    def look(self, job: Job, number: int, script: str) -> str:
        container = self._run(self._buildah, "from", "--pull-never", self._name(job, number))[0].split()[-1]
        try:
            return self._run(self._buildah, "run", container, "--", "sh", "-c", script)[0]
        except BuildError as error:
            return str(error)
        finally:
            self._run(self._buildah, "rm", container)

    def clear(self) -> None:
        """Take down what is mounted below the store; the scratch folder goes with the run."""
        self._run(self._buildah, "rm", "--all")
        self._run(self._buildah, "rmi", "--all", "--force")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _variables(self, job: Job, number: int) -> dict[str, Any]:
        target = {"name": self._name(job, number)}
        return {"ansible_bender": {"base_image": f"localhost/{self._place.base}", "target_image": target}}

    def _name(self, job: Job, number: int) -> str:
        return f"localhost/{self._place.unique}-{job.name}-{number}"

    def _run(self, *command: str, folder: Path | None = None) -> tuple[str, int]:
        done = run(command, folder or self._folder, self._environment)
        return done.output, done.peak
