"""The private data directory that ansible-runner transmits: a playbook of one role, its files, an inventory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.player import Play, RoleFiles


def write_play(private: Path, play: Play, inventory: dict[str, Any]) -> None:
    """Write everything below `private`; JSON is used where Ansible reads YAML, since it is YAML too."""
    project = private / "project"
    project.mkdir(parents=True)
    _copy_roles(play.role, project / "roles")
    role: dict[str, Any] = {"role": play.role.name}
    if play.parameters:
        role["vars"] = play.parameters
    playbook = [
        {
            "name": f"Role {play.role.name}",
            "hosts": "all",
            "gather_facts": play.gather_facts,
            "any_errors_fatal": True,
            "vars": play.variables,
            "roles": [role],
        }
    ]
    (project / "play.yml").write_text(json.dumps(playbook, indent=1), encoding="utf-8")
    (private / "inventory").mkdir()
    (private / "inventory" / "hosts.json").write_text(json.dumps(inventory, indent=1), encoding="utf-8")
    (private / "env").mkdir()
    settings = {"suppress_ansible_output": True, "job_timeout": 0, "idle_timeout": 0}
    (private / "env" / "settings").write_text(json.dumps(settings), encoding="utf-8")


def _copy_roles(role: RoleFiles, folder: Path) -> None:
    target = folder / role.name
    if not target.exists():
        shutil.copytree(role.folder, target, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__", "*.retry"))
    for dependency in role.dependencies:
        _copy_roles(dependency, folder)
