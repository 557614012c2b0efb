"""A release and the one after it, on a real engine and a real registry: what is new, and when it is too much."""

from __future__ import annotations

import json

import pytest

from tests.project.conftest import Registry
from tests.project.harness import Project
from tests.unit.checkout import git

STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: all\n"


@pytest.fixture
def shop(project: Project, busybox: dict[str, str], plain_registry: Registry) -> Project:
    """A project on main whose release 0.1.0 is published."""
    project.write("image.txt", f"repository = {plain_registry.address}/{project.repository}\ngitflow = true\n")
    with_packages(project, busybox, "5%", ("bash", "5.1"), ("cron", "3"))
    git(project.folder, "init", "--quiet", "--initial-branch", "main")
    released(project, "0.1.0")
    return project


def with_packages(
    project: Project, base: dict[str, str], growth: str, *packages: tuple[str, str], more: int = 1
) -> None:
    """A role that leaves a database of packages, and a file of so many kilobytes."""
    text = "\n".join(STATUS.format(*package) for package in packages)
    place = {"path": "/var/lib/dpkg", "state": "directory", "mode": "0755"}
    copy = {"dest": "/var/lib/dpkg/status", "content": text, "mode": "0644"}
    tasks = [
        {"name": "Make a place", "ansible.builtin.file": place},
        {"name": "Have packages", "ansible.builtin.copy": copy},
        {"name": "Be large", "ansible.builtin.copy": {"dest": "/big", "content": "x" * more * 1000, "mode": "0644"}},
    ]
    budget = {"growth": growth, "packages": 3}
    project.recipe(
        base=base,
        command="sh",
        roles=[{"tasks": tasks, "name": "packages", "gather_facts": False}],
        verify={"run": False, "budget": budget},
    )


def released(project: Project, version: str) -> None:
    """Build, push and tag a version."""
    project.write("version.txt", f"{version}\n")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--quiet", "--allow-empty", "--message", version)
    project.build("--push").well()
    git(project.folder, "tag", version)


def test_what_is_new_since_the_last_release_is_shown_and_too_much_of_it_fails_the_build(
    shop: Project, busybox: dict[str, str], plain_registry: Registry
) -> None:
    with_packages(shop, busybox, "5%", ("bash", "5.2"), ("tini", "0.19"), more=200)
    shop.write("version.txt", "0.2.0\n")
    git(shop.folder, "commit", "--quiet", "--all", "--message", "0.2.0")
    last = f"{plain_registry.address}/{shop.repository}:proj.web.0.1.0"

    over = shop.build()
    assert over.code == 1
    message = over.one("build_failed")["message"]
    assert "over its budget: it grew by" in message
    assert "packages" not in message
    assert f"baseimage diff {last}" in over.one("build_failed")["hint"]

    with_packages(shop, busybox, "50%", ("bash", "5.2"), ("tini", "0.19"), more=200)
    built = shop.build().well()
    assert f"against {last}" in built.one("step_finished", step="web/verify")["detail"]

    (found,) = json.loads(shop.run("diff", "--json").well().stdout)
    assert found["old"]["name"] == last
    assert found["new"]["image"] == built.image
    assert found["packages"] == [
        {"name": "bash", "old": "5.1", "new": "5.2"},
        {"name": "cron", "old": "3", "new": ""},
        {"name": "tini", "old": "", "new": "0.19"},
    ]
    assert 150_000 < found["size"] < 250_000
    assert "added    tini" in shop.run("diff", last, built.image).well().stdout

    missing = shop.run("diff", last.replace("0.1.0", "no-such"), built.image)
    assert missing.code == 2
    assert "no-such" in missing.stderr
