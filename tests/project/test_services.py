"""Services that are built on one another, with what templates, matrices, tasks and roles' files make of them."""

from __future__ import annotations

import json

import docker

from tests.project.engine_view import config_of, read
from tests.project.harness import Project

NO_FACTS = {"gather_facts": False}


def services(project: Project, base: dict[str, str], environment: dict[str, str]) -> None:
    """A base, and an application on it for each of two colours."""
    said = {"name": "Say it", "ansible.builtin.copy": {"content": "{{ said }}", "dest": "/etc/said", "mode": "0644"}}
    project.recipe(
        json.dumps(
            {
                "version": "2",
                "defaults": {"greeting": "hello", "mine": project.unique},
                "services": {
                    "app": {
                        "matrix": {"colour": ["red", "blue"], "exclude": [{"colour": "blue"}]},
                        "from": "base",
                        "roles": [
                            {"tasks": [said], "vars": {"said": "{{ greeting }} {{ colour }} {{ mine }}"}, **NO_FACTS}
                        ],
                        "verify": {"command": ["cat", "/etc/said"]},
                    },
                    "base": {
                        "from": base,
                        "vars": {"unique": "{{ mine }}"},
                        "roles": [{"role": "mark", **NO_FACTS}],
                        "command": ["sh"],
                        "environment": environment,
                    },
                },
            }
        )
    )


def test_services_are_built_in_the_order_that_their_bases_ask_for(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    folder = project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    project.write(f"roles/{folder.name}/meta/container.yml", 'labels: {org.example.mark: "{{ unique }}"}\n')
    services(project, busybox, {"BASE": "1"})
    first = project.build("-s", "app-red", "-e", "greeting=hi").well()
    base, app = (event["image"] for event in first.all("image_built"))
    assert [event["service"] for event in first.all("image_built")] == ["base", "app-red"]
    lower, upper = (engine.images.get(image).attrs["RootFS"]["Layers"] for image in (base, app))
    assert upper[:-1] == lower
    assert config_of(engine, app) == config_of(engine, base)
    assert config_of(engine, app)["Labels"] == {"org.example.mark": project.unique}
    assert read(engine, app, "/etc/said") == f"hi red {project.unique}"

    again = project.build("-e", "greeting=hi").well()
    assert again.played() == []
    assert [event["image"] for event in again.all("image_built")] == [base, app]

    other = project.build("-e", "greeting=hello").well()
    assert other.played() == ["tasks"]

    services(project, busybox, {"BASE": "2"})
    changed = project.build("-e", "greeting=hi").well()
    assert changed.played() == ["tasks"]
    assert "BASE=2" in config_of(engine, changed.all("image_built")[-1]["image"])["Env"]
    assert project.run("plan", "-e", "greeting=hi").code == 0


def test_tasks_between_roles_find_the_project_s_files_and_templates(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    copy = {"src": "motd", "dest": "/etc/motd", "mode": "0644"}
    template = {"src": "page.j2", "dest": "/page", "mode": "0644"}
    tree = {"src": "tree/", "dest": "/tree/", "mode": "preserve"}
    tasks = [
        {"name": "Copy a file", "ansible.builtin.copy": copy},
        {"name": "Copy a folder", "ansible.builtin.copy": tree},
        {"name": "Fill in a template", "ansible.builtin.template": template},
    ]
    for path, text in {
        "files/motd": "hello\n",
        "files/tree/deep/one": "1\n",
        "files/unnamed": "x\n",
        "templates/page.j2": "{% include 'head.j2' %} {{ title }}\n",
        "templates/head.j2": "head",
    }.items():
        project.write(path, text)
    title = {"title": "of the service"}
    project.recipe(base=busybox, command="sh", vars=title, roles=[{"tasks": tasks, **NO_FACTS}])
    first = project.build().well()
    held = {path: read(engine, first.image, path) for path in ("/etc/motd", "/tree/deep/one", "/page")}
    assert held == {"/etc/motd": "hello\n", "/tree/deep/one": "1\n", "/page": "head of the service\n"}
    project.write("files/unnamed", "y\n")
    assert project.build().well().cached() == ["tasks"]
    project.write("templates/head.j2", "other\n")
    assert project.build().well().played() == ["tasks"]


def test_a_circle_of_services_starts_nothing(project: Project) -> None:
    project.recipe('version: "2"\nservices:\n  a: {from: b}\n  b: {from: a}\n')
    done = project.run("build")
    assert done.code == 2
    assert "recipes/default.yml:3:7: services.a.from: is built on itself: a -> b -> a" in done.stderr
