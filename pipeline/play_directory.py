"""The private data directory that ansible-runner transmits: a playbook of one role, its files, an inventory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.collection_requirements import COLLECTIONS
from pipeline.fingerprint import digest
from pipeline.player import DEPLOYABLES, Play, RoleFiles
from pipeline.role_tree import copy_role

FACTS = "/tmp/facts"  # noqa: S108 - a folder of the conductor, where nobody else is
"""Where the conductor keeps the facts of each service's target from one role to the next."""


RUNTIME = "/dev/baseimage"
"""Where the volume with the borrowed Python and its stand-ins is in every target."""

SECRETS = "/dev/shm/baseimage-secrets"  # noqa: S108 - memory of a container, where nobody else is
"""Where build secrets are while a role is played: in the conductor a folder for each play, in the target one."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_play(private: Path, play: Play, inventory: dict[str, Any], hosts: str) -> None:
    """Write everything below `private`; JSON is used where Ansible reads YAML, since it is YAML too."""
    project = private / "project"
    project.mkdir(parents=True)
    _copy_roles(play.role, project / "roles")
    if play.role.collections:
        copy_role(play.role.collections, project / COLLECTIONS)
    for number, path in enumerate(play.role.variables):
        (project / "variables").mkdir(exist_ok=True)
        shutil.copyfile(path, project / "variables" / f"{number}.yml")
    (project / "play.yml").write_text(json.dumps(_playbook(play, hosts), indent=1), encoding="utf-8")
    (private / "inventory").mkdir()
    (private / "inventory" / "hosts.json").write_text(json.dumps(inventory, indent=1), encoding="utf-8")
    (private / "env").mkdir()
    settings = {"suppress_ansible_output": True, "fact_cache": FACTS, "fact_cache_type": "jsonfile"}
    (private / "env" / "settings").write_text(json.dumps(settings), encoding="utf-8")


# What tasks are given that do not say it themselves. Left to itself, `service` picks another tool for each root;
# systemctl has a stand-in.
MODULE_DEFAULTS: dict[str, dict[str, Any]] = {
    "ansible.posix.synchronize": {"rsync_path": f"{RUNTIME}/bin/rsync"},
    "ansible.builtin.service": {"use": "ansible.builtin.systemd_service"},
}


def stand_ins(path: str) -> dict[str, str]:
    """The environment that the borrowed Python's launcher makes, for plays with another Python, around a PATH.

    Tasks that are delegated to the conductor see it too: its own programs go before, in a folder that is only there.
    """
    folder = f"{RUNTIME}/standins"
    return {"PATH": f"/opt/conductor/bin:{folder}/first:{path or _PATH}:{folder}", "SYSTEMD_OFFLINE": "1"}


def _playbook(play: Play, hosts: str) -> list[dict[str, Any]]:
    role: dict[str, Any] = {"role": play.role.name}
    if play.parameters:
        role["vars"] = play.parameters
    head: dict[str, Any] = {"name": f"Role {play.role.name}", "hosts": hosts, "any_errors_fatal": True}
    head["module_defaults"] = MODULE_DEFAULTS
    if not play.borrowed_python:
        head["environment"] = stand_ins(play.path)
    if not play.gather_facts:
        # Left out otherwise: only then does Ansible's smart gathering use the facts that an earlier role left.
        head["gather_facts"] = False
    elif not play.hardware_facts:
        head["gather_subset"] = ["!hardware"]  # a quarter of a second, more than all others together
    if play.role.variables:
        head["vars_files"] = [f"variables/{number}.yml" for number in range(len(play.role.variables))]
    known = {"deployables_path": DEPLOYABLES} if play.role.deployables else {}
    lent = {"build_secrets": secret_files(play)} if play.secrets else {}
    return [{**head, "vars": {**known, **play.variables, **lent}, "roles": [role]}]


def secret_folder(play: Play) -> str:
    """Where the conductor has the secrets of a play: one may be prepared while another is played."""
    return f"{SECRETS}/{digest(play.step)[:12]}"


def secret_files(play: Play) -> dict[str, str]:
    """The file of each secret in the conductor, by id: the variable `build_secrets` of the play."""
    return {secret.id: f"{secret_folder(play)}/{secret.id}" for secret in play.secrets}


def _copy_roles(role: RoleFiles, folder: Path) -> None:
    target = folder / role.name
    if not target.exists():
        copy_role(role.folder, target)
    for dependency in role.dependencies:
        _copy_roles(dependency, folder)
