"""Services built side by side: what they have in common is made once, and each ends as it should."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.project.engine_view import Watch, layers_of
from tests.project.harness import JSON, Project, eventually
from tests.project.test_signals import processes

MARK = "- ansible.builtin.copy: {content: '{{ colour | default(1) }}', dest: /etc/%s, mode: '0644'}\n"
SLOW = "- name: Take long\n  ansible.builtin.command: {cmd: sleep 60}\n  changed_when: true\n"
JOBS = ("build", *JSON, "--jobs", "2")


def cells(project: Project, base: dict[str, Any], colours: list[str], *roles: str) -> None:
    """A service for each colour. Only its last role is told the colour: what is below is the same for all."""
    services = {}
    for colour in colours:
        uses: list[dict[str, Any]] = [{"role": role, "gather_facts": False} for role in roles]
        uses[-1]["colour"] = colour
        keys = {"from": base, "command": ["sh"], "roles": uses, "vars": {"unique": project.unique}}
        services[f"cell-{colour}"] = keys
    project.recipe(json.dumps({"version": "2", "services": services}))


def test_the_common_role_of_four_cells_is_played_once(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient, watch: Watch
) -> None:
    project.role("common", MARK % "common")
    project.role("own", MARK % "own")
    colours = ["red", "green", "blue", "white"]
    cells(project, busybox, colours, "common", "own")
    with watch:
        done = project.build("--jobs", "2").well()
    assert sorted(done.played()) == ["common", *["own"] * 4]
    assert done.cached() == ["common"] * 3
    images = {event["service"]: event["image"] for event in done.all("image_built")}
    assert sorted(images) == sorted(f"cell-{colour}" for colour in colours)
    assert len({tuple(layers_of(engine, image)[:-1]) for image in images.values()}) == 1
    for colour in colours:
        engine.containers.run(images[f"cell-{colour}"], ["grep", "-qx", colour, "/etc/own"], remove=True)
    assert watch.left(done.pid) == []
    assert overlap(done.events), "nothing was done at the same time"

    again = project.build("--jobs", "2").well()
    assert again.played() == []
    assert {event["service"]: event["image"] for event in again.all("image_built")} == images


def overlap(events: list[dict[str, Any]]) -> bool:
    """Whether a step began while one of another service was under way."""
    running: set[str] = set()
    for event in events:
        if event["event"] == "step_started":
            running.add(event["step"])
        elif event["event"] in ("step_finished", "step_failed"):
            running.discard(event["step"])
        if len({step.split("/")[0] for step in running}) > 1:
            return True
    return False


def test_a_failing_cell_is_told_and_the_others_are_built(
    project: Project, busybox: dict[str, str], watch: Watch
) -> None:
    project.role("own", MARK % "own" + "- ansible.builtin.fail: {msg: not red}\n  when: colour in ['red', 'grey']\n")
    cells(project, busybox, ["red", "green", "grey", "blue"], "own")
    with watch:
        done = project.build("--jobs", "2")
    assert done.code == 1
    assert sorted(event["service"] for event in done.all("image_built")) == ["cell-blue", "cell-green"]
    failed = done.all("build_failed")
    assert [event["step"] for event in failed] == ["cell-red/own/provision", "cell-grey/own/provision"]
    assert all("not red" in event["message"] for event in failed)
    assert watch.left(done.pid) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_two_cells_play_leaves_nothing(
    number: signal.Signals, code: int, project: Project, busybox: dict[str, str], watch: Watch
) -> None:
    project.role("own", SLOW)
    cells(project, busybox, ["red", "green", "blue"], "own")
    with watch:
        running = project.start(*JOBS)
        playing = {running.until(event="task_started")["step"], running.until(event="task_started")["step"]}
        outcome = running.stop(number)
    assert playing == {"cell-red/own/provision", "cell-green/own/provision"}
    assert outcome.code == code, outcome.stdout[-2000:] + outcome.stderr
    assert outcome.seconds < 10
    assert watch.left(outcome.pid) == []
    assert len(watch.containers(outcome.pid)) >= 4
    assert list(project.scratch.iterdir()) == []
    assert outcome.stderr == ""
    assert outcome.all("step_failed") == []
    assert not Path(project.state / "layers").exists()


def test_a_signal_while_a_root_is_made_for_two_cells_leaves_nothing(project: Project, watch: Watch) -> None:
    base: dict[str, Any] = {"bootstrap": "trixie", "path_excludes": [f"/usr/share/{project.unique}/*"]}
    cells(project, base, ["red", "green"], project.role("own", SLOW).name)
    with watch:
        running = project.start(*JOBS)
        assert eventually(lambda: bool(processes(project.unique)))
        outcome = running.stop(signal.SIGINT)
    assert outcome.code == 130, outcome.stdout[-2000:] + outcome.stderr
    assert outcome.seconds < 10
    assert watch.left(outcome.pid) == []
    assert processes(project.unique) == []
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if project.unique in line]
    assert list(project.scratch.iterdir()) == []
