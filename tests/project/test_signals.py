"""Ctrl-C and TERM at any moment: an orderly end, soon, and nothing left."""

from __future__ import annotations

import io
import json
import signal
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.project.conftest import rootfs
from tests.project.engine_view import Watch, images_of, layers_of
from tests.project.harness import JSON, Project, eventually, remove_image

SECONDS = 10
SLOW = "- name: Take long\n  ansible.builtin.command: {cmd: sleep 60}\n  changed_when: true\n"
LARGE = "- name: Write a lot\n  ansible.builtin.command: {cmd: dd if=/dev/urandom of=/srv/lot bs=1M count=150}\n"


@dataclass(frozen=True)
class Moment:
    """A project (tasks of its role, keys of its service), and the event that marks the moment."""

    event: dict[str, str]
    tasks: str = ""
    service: Callable[[str], dict[str, Any]] = lambda _: {}


MOMENTS = {
    "the root is made": Moment(
        {"event": "step_started", "stage": "base"},
        service=lambda unique: {"base": {"bootstrap": "trixie", "path_excludes": [f"/usr/share/{unique}/*"]}},
    ),
    "the conductor starts": Moment({"event": "step_started", "stage": "conductor"}, SLOW),
    "the target starts": Moment({"event": "step_started", "stage": "target"}, SLOW),
    "a play begins": Moment({"event": "step_started", "stage": "provision"}, SLOW),
    "a task runs": Moment({"event": "task_started"}, SLOW),
    "a layer is committed": Moment({"event": "step_started", "stage": "commit"}, LARGE),
    "the image is tried": Moment(
        {"event": "step_started", "stage": "verify"},
        service=lambda _: {"healthcheck": {"test": ["CMD", "false"]}, "command": ["sleep", "60"]},
    ),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_ctrl_c_leaves_nothing_when(moment: Moment, project: Project, busybox: dict[str, str], watch: Watch) -> None:
    stopped(signal.SIGINT, 130, moment, project, busybox, watch)


@pytest.mark.parametrize("name", ["the root is made", "a task runs", "the image is tried"])
def test_term_leaves_nothing_when(name: str, project: Project, busybox: dict[str, str], watch: Watch) -> None:
    stopped(signal.SIGTERM, 143, MOMENTS[name], project, busybox, watch)


def test_ctrl_c_leaves_nothing_when_the_conductors_image_is_built(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    base = rootfs(with_slow_apt_get(Path(busybox["rootfs"]), tmp_path / "slow.tar"))
    project.role("worker", SLOW)
    services = {"web": {"from": busybox, "command": "sh", "roles": ["worker"]}}
    project.recipe(json.dumps({"version": "2", "settings": {"conductor_base": base}, "services": services}))
    running = project.start("build", *JSON)
    running.until(event="output", line="apt-get waits")
    mine = f"baseimage/base:rootfs-{base['sha256'][:32]}"
    assert builds_on(engine, mine)
    outcome = running.stop(signal.SIGINT)
    assert outcome.code == 130, outcome.stdout[-2000:] + outcome.stderr
    assert outcome.seconds < SECONDS
    # The engine ends the build when nobody listens to it any more, and takes a moment for it.
    assert eventually(lambda: not builds_on(engine, mine), SECONDS)
    for image in images_of(engine, dangling="true", label="io.baseimage.stage=build"):
        if layers_of(engine, image) == layers_of(engine, mine):
            remove_image(engine, image)


def builds_on(engine: docker.DockerClient, base: str) -> list[str]:
    """Containers over images that were made from a base."""
    lowest = layers_of(engine, base)[0]
    building = [entry for entry in engine.api.containers(all=True) if "apt-get" in entry["Command"]]
    return [entry["Id"] for entry in building if layers_of(engine, entry["ImageID"])[:1] == [lowest]]


def with_slow_apt_get(root: Path, target: Path) -> Path:
    """A root whose apt-get takes a minute, and says so."""
    script = b"#!/bin/sh\necho apt-get waits\nsleep 60\n"
    target.write_bytes(root.read_bytes())
    with tarfile.open(target, "a") as archive:
        entry = tarfile.TarInfo("bin/apt-get")
        entry.mode, entry.size = 0o755, len(script)
        archive.addfile(entry, io.BytesIO(script))
    return target


def stopped(
    number: signal.Signals, code: int, moment: Moment, project: Project, busybox: dict[str, str], watch: Watch
) -> None:
    """Build, stop it at the moment, and look for what is left."""
    roles: list[dict[str, object]] = []
    if moment.tasks:
        project.role("worker", moment.tasks)
        roles = [{"role": "worker", "gather_facts": False}]
    service: dict[str, Any] = {"base": busybox, "command": "sh", "roles": roles, "labels": {"test": project.unique}}
    service |= moment.service(project.unique)
    project.recipe(**service)
    with watch:
        running = project.start("build", *JSON)
        running.until(**moment.event)
        if "bootstrap" in service["base"]:
            assert eventually(lambda: bool(processes(project.unique)))
        outcome = running.stop(number)
    assert outcome.code == code, outcome.stdout[-2000:] + outcome.stderr
    assert outcome.seconds < SECONDS
    assert watch.left(outcome.pid) == []
    assert images_of(project.engine, label=f"test={project.unique}") == {}
    assert processes(project.unique) == []
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if project.unique in line]
    assert list(project.scratch.iterdir()) == []
    assert "Traceback" not in outcome.stderr
    assert not (project.state / "layers").exists(), "nothing is recorded"


def processes(word: str) -> list[str]:
    """Command lines on this machine that have a word in them; those of tests do not count."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found
