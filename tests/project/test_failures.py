"""A role that fails: what is said, what is kept, and what is not."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import docker
import pytest

from tests.project.engine_view import Watch, images_of
from tests.project.harness import JSON, Project, containers_of

FAILING = """\
- name: Leave a mark
  ansible.builtin.copy: {content: "here\\n", dest: /etc/mark, mode: "0644"}

- name: Ask for too much
  ansible.builtin.command: {cmd: "sh -c 'echo half done; echo no more paper >&2; exit 3'"}
  changed_when: true
"""


@pytest.fixture
def failing(project: Project, busybox: dict[str, str]) -> Project:
    """A project whose only role fails in its second task."""
    project.role("printer", FAILING)
    project.recipe(base=busybox, command="sh", roles=[{"role": "printer", "gather_facts": False}])
    return project


def test_a_failing_task_is_told_whole_and_leaves_nothing(failing: Project, watch: Watch) -> None:
    with watch:
        outcome = failing.run("build")
    assert outcome.code == 1
    (error,) = [line for line in outcome.stderr.splitlines() if line.startswith("error:")]
    assert "roles/printer/tasks/main.yml:5" in error
    assert "role printer" in error
    assert "'Ask for too much'" in error
    assert "non-zero return code" in error
    assert "no more paper" in outcome.stdout + outcome.stderr
    assert "--keep" in outcome.stderr
    assert "Traceback" not in outcome.stdout + outcome.stderr
    assert watch.containers(outcome.pid)
    assert watch.left(outcome.pid) == []
    assert list(failing.scratch.iterdir()) == [], "its temporary files are gone"


def test_a_failed_role_is_played_again_and_a_mended_one_is_built(failing: Project) -> None:
    first = failing.build()
    again = failing.build()
    assert (first.code, again.code) == (1, 1)
    assert again.played() == ["printer"]
    assert not list((failing.state / "layers").glob("*.json")), "nothing of it is recorded"
    failed = again.one("build_failed")
    assert failed["place"] == "roles/printer/tasks/main.yml:5"
    assert failed["detail"] == "no more paper"
    assert again.one("task_finished", status="failed")["task"] == "Ask for too much"

    failing.role("printer", FAILING.replace("exit 3", "exit 0"))
    mended = failing.build().well()
    assert mended.played() == ["printer"]


def test_keep_leaves_the_target_for_a_look_inside(failing: Project, engine: docker.DockerClient) -> None:
    outcome = failing.run("build", "--keep")
    assert outcome.code == 1
    hint = next(line for line in outcome.stderr.splitlines() if "docker exec" in line)
    command = shlex.split(hint[hint.index("docker exec") :].split(";")[0])
    look = [word for word in command if word != "-it"]
    seen = subprocess.run([*look, "-c", "cat /etc/mark"], capture_output=True, text=True, check=True)
    assert seen.stdout == "here\n"
    assert containers_of(engine, outcome.pid)

    failing.build()
    assert containers_of(engine, outcome.pid), "a later build leaves it alone"

    gone = failing.run("gc")
    assert gone.code == 0
    assert not containers_of(engine, outcome.pid)


def test_the_next_build_removes_what_a_killed_one_left(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient, watch: Watch
) -> None:
    project.role("slow", "- name: Take long\n  ansible.builtin.command: {cmd: sleep 60}\n  changed_when: true\n")
    project.recipe(base=busybox, command="sh", roles=[{"role": "slow", "gather_facts": False}])
    with watch:
        running = project.start("build", *JSON)
        running.until(event="task_started")
        running.process.kill()
        killed = running.end()
        assert containers_of(engine, killed.pid)
        project.recipe(base=busybox, command="sh")
        project.build().well()
    assert watch.left(killed.pid) == []


def test_an_image_that_does_not_start_is_not_named(project: Project, busybox: dict[str, str]) -> None:
    project.recipe(
        base=busybox, command=["sh", "-c", "echo cannot find my socks; exit 127"], labels={"test": project.unique}
    )
    outcome = project.run("build")
    assert outcome.code == 1
    assert "does not start" in outcome.stderr
    assert "cannot find my socks" in outcome.stdout + outcome.stderr
    assert images_of(project.engine, label=f"test={project.unique}") == {}


def test_an_image_that_does_not_stop_is_not_named(project: Project, busybox: dict[str, str]) -> None:
    command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    project.recipe(base=busybox, command=command, verify={"stop_seconds": 1}, labels={"test": project.unique})
    outcome = project.run("build")
    assert outcome.code == 1
    assert "did not stop in time" in outcome.stderr
    assert images_of(project.engine, label=f"test={project.unique}") == {}


def test_a_root_that_is_not_the_expected_one_is_refused(project: Project, tmp_path: Path) -> None:
    archive = tmp_path / "root.tar"
    archive.write_bytes(b"something else")
    project.recipe(base={"rootfs": str(archive), "sha256": "0" * 64})
    outcome = project.run("build")
    assert outcome.code == 2
    assert "sha256" in outcome.stderr
