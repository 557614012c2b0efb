"""What builders that play a playbook from this machine have in common."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.as_ansible import playbook, unpacking, write_role
from tests.bench.peers.peer import Job, make_trees
from tests.bench.tools import Tools
from tests.bench.work import Tree, installs

ANSIBLE = "ansible==12.3.0"
"""ansible-core 2.19 with its collections: the versions that the conductor has."""
SETTINGS = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
"""Pipelining halves what a task costs over a connection into a container; who measures would set it."""


def ansible(tools: Tools) -> Path:
    """The folder with ansible-playbook. Raises MissingError."""
    return tools.environment("ansible", ANSIBLE)


def write(folder: Path, trees: Path, job: Job, variables: list[dict[str, Any]]) -> list[Path]:
    """A playbook for each image, in a folder of its own beside its roles; `variables` are those of each play."""
    make_trees(trees, job)
    found = []
    for number, (work, known) in enumerate(zip(job.works, variables, strict=True)):
        place = folder / f"{job.name}-{number}"
        for role in work:
            write_role(place / "roles", role, partial(_unpacked, trees), update=True)
        file = place / "play.yml"
        file.write_text(playbook(work, tidy=installs(work), variables=known), encoding="utf-8")
        found.append(file)
    return found


def _unpacked(trees: Path, tree: Tree) -> dict[str, Any]:
    return unpacking(trees / f"tree{tree.count}.tar", tree)
