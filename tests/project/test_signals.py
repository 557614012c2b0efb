"""Ctrl-C and TERM at any moment: an orderly end, soon, and nothing left."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.project.engine_view import Watch
from tests.project.harness import JSON, Project, eventually

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


def stopped(
    number: signal.Signals, code: int, moment: Moment, project: Project, busybox: dict[str, str], watch: Watch
) -> None:
    """Build, stop it at the moment, and look for what is left."""
    roles: list[dict[str, object]] = []
    if moment.tasks:
        project.role("worker", moment.tasks)
        roles = [{"role": "worker", "gather_facts": False}]
    service: dict[str, Any] = {"base": busybox, "command": "sh", "roles": roles, **moment.service(project.unique)}
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
