"""What is built again, and what is not."""

from __future__ import annotations

import json

import docker
import pytest

from tests.project.engine_view import Watch, config_of, layers_of
from tests.project.harness import Project

ROLES = [{"role": name, "gather_facts": False} for name in ("one", "two", "three")]


@pytest.fixture
def three(project: Project, busybox: dict[str, str]) -> Project:
    """A project whose image has three roles."""
    for name in ("one", "two", "three"):
        project.role(
            name,
            f"""
            - name: Write {name}
              ansible.builtin.copy: {{src: word, dest: /etc/{name}, mode: "0644"}}
            """,
        )
        project.write(f"roles/{name}/files/word", f"{name}\n")
    project.recipe(base=busybox, roles=ROLES, command="sh")
    return project


def test_a_second_build_starts_no_container_and_gives_the_same_image(three: Project, watch: Watch) -> None:
    first = three.build().well()
    assert first.played() == ["one", "two", "three"]
    with watch:
        second = three.build().well()
    assert (second.played(), second.cached()) == ([], ["one", "two", "three"])
    assert watch.containers(second.pid) == {}
    assert second.image == first.image


def test_what_clean_takes_out_of_the_cache_is_played_again_and_the_image_keeps_its_name(
    project: Project, busybox: dict[str, str]
) -> None:
    project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    project.recipe(base=busybox, roles=[{"role": "mark", "gather_facts": False}], command="sh")
    name = project.build().well().one("image_built")["tags"][0]
    project.run("clean", "--cache").well()
    assert name in project.engine.images.get(name).tags
    assert project.build().well().played() == ["mark"]


def test_only_what_comes_after_a_change_is_played_again(
    three: Project, engine: docker.DockerClient, busybox: dict[str, str]
) -> None:
    first = three.build().well()

    three.recipe(base=busybox, roles=ROLES, command="sh", labels={"colour": "red"})
    labelled = three.build().well()
    assert (labelled.played(), labelled.cached()) == ([], ["one", "two", "three"])
    assert labelled.image != first.image
    assert config_of(engine, labelled.image)["Labels"] == {"colour": "red"}
    assert layers_of(engine, labelled.image) == layers_of(engine, first.image)

    three.write("roles/two/files/word", "another\n")
    edited = three.build().well()
    assert (edited.played(), edited.cached()) == (["two", "three"], ["one"])
    assert layers_of(engine, edited.image)[:2] == layers_of(engine, first.image)[:2]

    (three.folder / "roles/one/files/word").touch()
    (three.folder / "roles/one/tasks/main.yml").touch()
    touched = three.build().well()
    assert (touched.played(), touched.image) == ([], edited.image)

    (three.folder / "roles/three/files/word").chmod(0o755)
    executable = three.build().well()
    assert (executable.played(), executable.cached()) == (["three"], ["one", "two"])

    (three.folder / "roles/three/files/word").chmod(0o644)
    three.write("roles/two/files/word", "two\n")
    back = three.build().well()
    assert back.played() == [], "layers of an earlier state are still known"

    assert three.build("--no-cache").well().played() == ["one", "two", "three"]


def test_plan_says_what_changed_and_a_build_keeps_its_word(three: Project, busybox: dict[str, str]) -> None:
    three.write("roles/two/templates/a.j2", "{{ greeting }}, {{ init }} or runit or s6\n")
    three.role("two", "- {name: Two, ansible.builtin.template: {src: a.j2, dest: /etc/two, mode: '0644'}}")
    words = {"greeting": "canary-2b7e", "init": "runit", "unseen": 1}
    three.recipe(base=busybox, roles=ROLES, command="sh", vars=words)
    first = three.build().well()
    unchanged = three.run("plan")
    assert (unchanged.code, "BUILD" in unchanged.stdout) == (0, False)

    three.recipe(base=busybox, roles=ROLES, command="sh", vars={**words, "init": "s6", "unseen": 2})
    changed = three.run("plan", "--json")
    assert changed.code == 3
    (service,) = json.loads(changed.stdout)["services"]
    steps = {step["role"] or step["step"]: step for step in service["steps"]}
    assert [name for name, step in steps.items() if step["action"] == "build"] == ["two", "three", "image"]
    assert steps["two"]["reasons"] == ["init changed: runit → s6"]
    assert steps["three"]["reasons"] == ["role two is played again"]
    assert steps["two"]["last_seconds"] > 0
    assert steps["two"]["last_size"] > 0
    second = three.build().well()
    assert (second.played(), second.cached()) == (["two", "three"], ["one"])
    assert second.image != first.image

    assert three.build("--refresh", "three").well().played() == ["three"]
    kept = [path.read_text() for path in three.state.rglob("*.json*") if path.is_file()]
    assert kept
    assert not [text for text in kept if "canary-2b7e" in text]


def test_a_failed_build_is_on_record_and_its_log_can_be_read(three: Project) -> None:
    three.role("two", "- {name: Fail, ansible.builtin.command: 'false', changed_when: false}")
    assert three.build().code == 1
    (build,) = json.loads(three.run("list", "--json").stdout)
    assert (build["result"], build["images"]) == ("failed", [])
    log = three.run("logs", build["id"])
    assert log.code == 0
    assert "error: " in log.stdout
    three.role("two", "- {name: Work, ansible.builtin.command: 'true', changed_when: false}")
    repaired = three.build().well()
    assert (repaired.played(), repaired.cached()) == (["two", "three"], ["one"])
