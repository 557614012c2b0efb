"""The base that every builder starts from: made once out of a distribution's packages, then one image in the engine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.bench.measuring import run
from tests.bench.peers.peer import REPOSITORY
from tests.bench.tools import ROOT

SUITE = "bookworm"
INCLUDED = ("python3", "python3-apt")
"""For the builders that run Ansible's modules with the image's own Python; ours brings one along and leaves none."""


def make(folder: Path, unique: str) -> str:
    """The base's name in the engine."""
    name = f"{REPOSITORY}/base:{unique}"
    service = {"from": {"bootstrap": SUITE, "include": list(INCLUDED)}, "roles": [], "verify": {"run": False}}
    recipe = {"version": "2", "tags": [name], "services": {"base": service}}
    project = folder / "base"
    (project / "recipes").mkdir(parents=True)
    (project / "version.txt").write_text("0.0.1\n", encoding="utf-8")
    (project / "image.txt").write_text(f"repository = {REPOSITORY}/base\n", encoding="utf-8")
    (project / "recipes/default.yml").write_text(json.dumps(recipe), encoding="utf-8")
    environment = {**os.environ, "BASEIMAGE_STATE": str(folder / "base-state"), "PYTHONPATH": str(ROOT)}
    run((sys.executable, "-m", "pipeline", "build", "--log-format", "plain"), project, environment)
    return name
