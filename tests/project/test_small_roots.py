"""Roles on roots that have nothing of what Ansible asks for: no Python, no bash, no package manager, no glibc."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest
from platformdirs import user_cache_path

from tests.alpine import alpine_root
from tests.project.conftest import rootfs
from tests.project.engine_view import config_of, exported, read
from tests.project.harness import Project

TASKS = """\
- name: Make a folder
  ansible.builtin.file: {path: /srv/shop, state: directory, owner: nobody, mode: "0750"}

- name: Copy a file
  ansible.builtin.copy: {src: list, dest: /srv/shop/list, mode: "0600"}

- name: Fill in a template
  ansible.builtin.template: {src: welcome.j2, dest: /srv/shop/welcome, owner: nobody, mode: "0644"}

- name: Link to it
  ansible.builtin.file: {src: shop/welcome, dest: /srv/link, state: link}

- name: Add a line
  ansible.builtin.lineinfile: {path: /srv/shop/list, line: bread, insertafter: milk}

- name: Run a command
  ansible.builtin.command: {cmd: cp /srv/shop/list /srv/shop/second, creates: /srv/shop/second}

- name: Take something away
  ansible.builtin.file: {path: /srv/shop/second, state: absent}

- name: Run a shell
  ansible.builtin.shell: {cmd: "id -u nobody | tee /srv/shop/id", creates: /srv/shop/id}
"""


def build(project: Project, base: dict[str, str], strategy: str) -> str:
    """An image whose role uses what roles use most."""
    folder = project.role("shop", TASKS)
    (folder / "files").mkdir()
    (folder / "files/list").write_text("milk\nsalt\n")
    (folder / "templates").mkdir()
    (folder / "templates/welcome.j2").write_text("Welcome to {{ ansible_facts.system }}, {{ customer }}!\n")
    project.recipe(base=base, command="sh", roles=[{"role": "shop", "customer": "you"}])
    built = project.build("--strategy", strategy).well()
    statuses = {event["task"]: event["status"] for event in built.all("task_finished")}
    assert set(statuses.values()) == {"ok", "changed"}
    assert len(statuses) == 9
    return built.image


def check(engine: docker.DockerClient, image: str, before: str) -> None:
    """What the role was to do is done, and nothing else."""
    assert read(engine, image, "/srv/shop/list") == "milk\nbread\nsalt\n"
    assert read(engine, image, "/srv/shop/welcome") == "Welcome to Linux, you!\n"
    assert read(engine, image, "/srv/shop/id") == "65534\n"
    old, new = exported(engine, before), exported(engine, image)
    added = {path for path in new if path not in old}
    assert added - {"/srv"} == {
        *("/srv/shop", "/srv/shop/list", "/srv/shop/welcome", "/srv/shop/id", "/srv/link"),
    }
    assert (new["/srv/shop"].mode, new["/srv/shop/list"].mode) == (0o750, 0o600)
    assert new["/srv/link"].link == "shop/welcome"
    assert old.keys() <= new.keys(), "nothing is taken away"
    assert {**config_of(engine, before), "Cmd": ["sh"]} == {**config_of(engine, image), "Cmd": ["sh"]}


@pytest.mark.parametrize("strategy", ["mitogen", "docker"])
def test_the_usual_modules_work_on_a_static_busybox(
    strategy: str, project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    image = build(project, busybox, strategy)
    check(engine, image, f"baseimage/base:rootfs-{busybox['sha256'][:32]}")


@pytest.mark.slow
def test_the_usual_modules_work_on_alpine(project: Project, engine: docker.DockerClient) -> None:
    place = os.environ.get("BASEIMAGE_TEST_CACHE") or user_cache_path("baseimage-pipeline") / "tests"  # noqa: TID251 - a test's edge
    base = rootfs(alpine_root(Path(place)))
    image = build(project, base, "mitogen")
    check(engine, image, f"baseimage/base:rootfs-{base['sha256'][:32]}")
