"""Packer with its docker builder and ansible provisioner."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.bench.measuring import run
from tests.bench.peers.peer import EngineImages, Job, Place
from tests.bench.peers.playbooks import SETTINGS, ansible, write
from tests.bench.tools import Tools, first_line


class Packer:
    """It plays over docker's connection: the ssh proxy of this provisioner knows no key that today's ssh would take."""

    title = "Packer, ansible"
    keeps: frozenset[str] = frozenset()

    def __init__(self, place: Place, tools: Tools) -> None:
        self._place, self._images = place, EngineImages(place, "packer")
        self._packer = tools.program("packer", "packer")
        self._ansible = ansible(tools)
        self._templates: list[Path] = []
        self.look, self.clear = self._images.look, self._images.forget

    def version(self) -> str:
        return first_line(self._packer, "version")

    def prepare(self) -> None:
        """Nothing: the base is in the engine."""

    def ready(self, job: Job) -> None:
        self._images.forget(job)
        plays = write(self._place.folder / "packer", self._place.folder, job, [{}] * len(job.works))
        self._templates = [self._template(job, number, play) for number, play in enumerate(plays)]

    def build(self, job: Job) -> int:
        del job  # its templates are there
        path = os.pathsep.join((str(self._ansible), os.environ["PATH"]))
        environment = {**os.environ, **SETTINGS, "PATH": path, "CHECKPOINT_DISABLE": "1"}
        command = (self._packer, "build", "-color=false")
        return max(run((*command, str(each)), each.parent, environment).peak for each in self._templates)

    def _template(self, job: Job, number: int, play: Path) -> Path:
        container = f"baseimage-bench-packer-{self._place.unique}"
        shell = ["-d", "-i", "-t", "--name", container, "--entrypoint=/bin/sh", "--", "{{.Image}}"]
        builder = {"type": "docker", "image": self._place.base, "pull": False, "commit": True, "run_command": shell}
        reach = f"ansible_host={container} ansible_connection=community.docker.docker"
        provisioner = {"type": "ansible", "playbook_file": str(play), "user": "root", "extra_arguments": ["-e", reach]}
        repository, tag = self._images.name(job, number).rsplit(":", 1)
        tagging = {"type": "docker-tag", "repository": repository, "tag": tag}
        whole: dict[str, Any] = {"builders": [builder], "provisioners": [provisioner], "post-processors": [tagging]}
        file = play.with_name("packer.json")
        file.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        return file
