"""Containers of a finished image: run, stop, shell, and the Compose files of every shipped recipe."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from docker.models.containers import Container

from tests.contract.harness import eventually
from tests.project.harness import ROOT, Outcome, Project

RECIPES = sorted((ROOT / "recipes").glob("*.yml")) + sorted((ROOT / "tests/recipes").glob("*.yml"))
OBEDIENT = "trap 'echo stopping; exit 5' TERM; echo up; while :; do sleep 0.1; done"

BROKEN = """\
- name: Leave a mark
  ansible.builtin.copy: {dest: /etc/mark, content: MARK, mode: "0644"}
- name: Fail
  ansible.builtin.command: "false"
"""


@pytest.fixture
def small(project: Project, busybox: dict[str, str]) -> Project:
    """A project with the image of a service that waits for its end, built."""
    project.recipe(
        base=busybox,
        command=["/bin/sh", "-c", OBEDIENT],
        verify=False,
        ports=["127.0.0.1:0:8000"],
        volumes=["$PWD/shared:/shared", "data:/data"],
        tmpfs=["/scratch"],
        dev_overrides={"environment": {"MODE": "development"}},
    )
    project.build("-n", project.unique).well()
    return project


def run(project: Project, verb: str, *words: str) -> Outcome:
    return project.run(verb, "-n", project.unique, *words)


def containers(project: Project) -> list[Container]:
    label = f"io.baseimage.run.project={project.unique}"
    found: list[Container] = project.engine.containers.list(all=True, filters={"label": label})
    return found


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_compose_takes_the_file_of_every_shipped_recipe(
    project: Project, docker_compose_command: str, tmp_path: Path, path: Path
) -> None:
    file = tmp_path / "docker-compose.yml"
    project.run("compose", str(path), "--roles-path", str(ROOT / "roles"), "-o", str(file)).well()
    command = [*docker_compose_command.split(), "-p", "x", "-f", str(file), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["services"].keys() == yaml.safe_load(file.read_text())["services"].keys()


def test_a_container_ends_with_the_status_of_its_command_and_is_removed(small: Project) -> None:
    probe = "echo $MODE; echo here >/shared/file; mount | grep -c ' /scratch ' ; echo bad >&2; exit 7"
    (small.folder / "shared").mkdir()
    outcome = run(small, "run", "--", "/bin/sh", "-c", probe)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (7, "development\n1\n", "bad\n")
    assert (small.folder / "shared/file").read_text() == "here\n"
    assert containers(small) == []
    assert run(small, "run", "--production", "--", "/bin/sh", "-c", 'echo "<$MODE>"').stdout == "<>\n"
    small.engine.volumes.get(f"{small.unique}_data").remove()


def test_ctrl_c_stops_a_container_in_order(small: Project) -> None:
    running = small.start("run", "-n", small.unique)
    assert running.process.stdout
    assert running.process.stdout.readline() == "up\n"
    outcome = running.stop(signal.SIGINT)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (5, "stopping\n", "")
    assert containers(small) == []
    small.engine.volumes.get(f"{small.unique}_data").remove()


def test_what_was_left_running_is_found_again_and_stopped(small: Project) -> None:
    assert run(small, "run", "-d").well().stdout == f"{small.unique}-web\n"
    (container,) = containers(small)
    assert eventually(lambda: b"up" in container.logs(), 5)
    assert container.ports["8000/tcp"]
    again = run(small, "run", "-d")
    assert again.code == 2
    assert "runs already" in again.stderr
    assert "baseimage stop -s web" in again.stderr
    assert run(small, "stop").well().stdout == "stopped web\n"
    assert run(small, "stop").well().stdout == "nothing runs\n"
    assert containers(small) == []
    small.engine.volumes.get(f"{small.unique}_data").remove()


def test_a_shell_opens_in_the_image(small: Project) -> None:
    shell = run(small, "shell", "--", "sh", "-c", "echo $0 in $PWD; test -d /bin; exit 4", "a shell")
    assert (shell.code, shell.stdout) == (4, "a shell in /\n")


def test_a_shell_opens_in_what_a_failed_build_left(project: Project, busybox: dict[str, str]) -> None:
    project.role("broken", BROKEN.replace("MARK", project.unique))
    project.recipe(base=busybox, roles=[{"role": "broken", "gather_facts": False}])
    assert project.run("build", "--keep").code == 1
    assert project.run("shell", "--kept", "--", "cat", "/etc/mark").well().stdout == project.unique
    assert project.run("shell", "--kept", "--conductor", "--", "ansible-runner", "--version").well().stdout
    assert project.run("gc").code == 0
