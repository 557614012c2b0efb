"""A role and an application source that come from elsewhere, built into an image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.galaxy_server import galaxy_server
from tests.project.harness import Outcome, Project

AUTHOR = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")


def git(folder: Path, *words: str) -> None:
    """Run git; it has to succeed."""
    subprocess.run(["git", "-C", str(folder), *AUTHOR, *words], check=True, capture_output=True)


def repository(folder: Path, path: str, text: str) -> Path:
    """A repository with one file."""
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


def says(project: Project, built: Outcome, word: str, path: str) -> bool:
    """Whether a file of the image is just this word; told by an exit code, since a short log may come out empty."""
    container = project.engine.containers.run(built.image, ["grep", "-qx", word, path], detach=True)
    try:
        return bool(container.wait()["StatusCode"] == 0)
    finally:
        container.remove(force=True)


TASKS = """\
---
- name: Deploy the application
  ansible.builtin.copy:
    src: "{{ deployables_path }}/shop/"
    dest: /srv/shop/
    mode: preserve
"""


@pytest.fixture
def shop(project: Project, busybox: dict[str, str]) -> Project:
    """A project that has nothing but names of what it is made of."""
    elsewhere = project.folder.parent
    repository(elsewhere / "app", "tasks/main.yml", TASKS)
    repository(elsewhere / "source", "page", "hello\n")
    project.write(
        ".projmodules",
        """\
        [submodule "app"]
            path = roles/app
            url = ../app
        [submodule "shop"]
            path = deployables/shop
            url = ../source
        """,
    )
    project.role("before", "- ansible.builtin.file: {path: /srv, state: directory, mode: '0755'}\n")
    project.recipe(
        base=busybox, roles=["before", {"role": "app", "deployables": ["shop"]}], command=["cat", "/srv/shop/page"]
    )
    return project


def test_a_build_fetches_what_is_missing_and_a_role_finds_its_application(shop: Project) -> None:
    refused = shop.build("--offline")
    assert refused.code == 1
    assert "--offline forbids it" in refused.stdout
    first = shop.build().well()
    assert {event["stage"] for event in first.all("step_started", service="")} == {"roles/app", "deployables/shop"}
    assert says(shop, first, "hello", "/srv/shop/page")
    for name in ("app", "source"):
        shutil.rmtree(shop.folder.parent / name)
    second = shop.build("--offline").well()
    assert second.cached() == ["before", "app"]
    assert second.image == first.image
    page = shop.folder / "deployables/shop/page"
    page.write_text("changed\n", encoding="utf-8")
    third = shop.build().well()
    assert (third.cached(), third.played()) == (["before"], ["app"])
    assert says(shop, third, "changed", "/srv/shop/page")


FILTER = """\
class FilterModule:
    def filters(self):
        return {"shout": str.upper}
"""


def test_a_role_uses_a_collection_of_the_project(project: Project, busybox: dict[str, str]) -> None:
    project.write("collections/ansible_collections/acme/tools/plugins/filter/shout.py", FILTER)
    project.role(
        "app",
        """
        - ansible.builtin.copy:
            content: "{{ 'hello' | acme.tools.shout }}"
            dest: /etc/said
            mode: "0644"
        """,
    )
    project.recipe(base=busybox, roles=["app"], command=["cat", "/etc/said"])
    first = project.build().well()
    assert says(project, first, "HELLO", "/etc/said")
    changed = FILTER.replace("upper", "title")
    project.write("collections/ansible_collections/acme/tools/plugins/filter/shout.py", changed)
    second = project.build().well()
    assert second.played() == ["app"]
    assert says(project, second, "Hello", "/etc/said")


def test_a_build_brings_a_collection_and_what_it_needs_from_a_galaxy_server(
    project: Project, busybox: dict[str, str]
) -> None:
    project.role(
        "app",
        """
        - ansible.builtin.copy:
            content: "{{ 'hello' | acme.tools.shout }} {{ 'there' | acme.base.shout }}"
            dest: /etc/said
            mode: "0644"
        """,
    )
    project.write("requirements.yml", "collections: [{name: acme.tools, version: '>=1.0,<2.0'}]\n")
    project.recipe(base=busybox, roles=["app"], command=["cat", "/etc/said"])
    with galaxy_server() as server:
        server.collection("acme.base", "1.0.0", text=FILTER.replace("upper", "title"))
        server.collection("acme.tools", "1.0.0", {"acme.base": ">=1.0.0"}, text=FILTER)
        galaxy = {"ANSIBLE_GALAXY_SERVER": server.address, "ANSIBLE_HOME": str(project.scratch / "ansible")}
        built = project.build(**galaxy).well()
    assert says(project, built, "HELLO There", "/etc/said")
    assert "acme/base" in (project.folder / "projmodules.lock").read_text()
    assert project.build("--offline").well().cached() == ["app"]
