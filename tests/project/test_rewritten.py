"""Images whose layers are written anew: squashed, or the same whenever they are built."""

from __future__ import annotations

import docker
import pytest

from tests.project.engine_view import Watch, config_of, exported, layers_of
from tests.project.harness import Project

ROLES = [{"role": name, "gather_facts": False} for name in ("one", "two")]
CONFIG = {"command": "sh", "environment": {"A": "b"}, "labels": {"c": "d"}}


@pytest.fixture
def pair(project: Project, busybox: dict[str, str]) -> Project:
    """A project with two roles, of which the second takes away what the first has made."""
    project.role("one", "- ansible.builtin.command: sh -c 'mkdir /srv/gone; echo 1 >/srv/gone/a; echo 1 >/srv/b'")
    project.role("two", "- ansible.builtin.command: sh -c 'rm -r /srv/gone /etc/group; ln /srv/b /srv/c'")
    project.recipe(base=busybox, roles=ROLES, **CONFIG)
    return project


def test_a_squashed_image_is_the_same_in_fewer_layers_and_its_roles_stay_cached(
    pair: Project, engine: docker.DockerClient, busybox: dict[str, str]
) -> None:
    plain = pair.build().well()
    squashed = pair.build("--squash").well()
    assert squashed.played() == []
    assert len(layers_of(engine, plain.image)) == 3
    assert layers_of(engine, squashed.image)[0] == layers_of(engine, plain.image)[0]
    assert len(layers_of(engine, squashed.image)) == 2
    assert config_of(engine, squashed.image) == config_of(engine, plain.image)
    assert exported(engine, squashed.image) == exported(engine, plain.image)

    pair.recipe(base=busybox, roles=ROLES, squash=True, **CONFIG)
    again = pair.build().well()
    assert (again.played(), again.image) == ([], squashed.image)
    assert again.all("step_cached", stage="commit", role="")
    pair.role("two", "- ansible.builtin.command: touch /srv/new")
    assert pair.build().well().played() == ["two"]


def test_the_same_image_comes_out_whenever_it_is_built(pair: Project, watch: Watch) -> None:
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    first = pair.build("--reproducible", **epoch).well()
    second = pair.build("--reproducible", "--no-cache", **epoch).well()
    assert (second.played(), second.image) == (["one", "two"], first.image)
    with watch:
        third = pair.build("--reproducible", **epoch).well()
    assert (third.image, watch.containers(third.pid)) == (first.image, {})
    # Layers that are older than the time that they get.
    later = {"SOURCE_DATE_EPOCH": "4000000000"}
    cached = pair.build("--reproducible", **later).well()
    assert cached.played() == []
    assert pair.build("--reproducible", "--no-cache", **later).well().image == cached.image


def test_what_differs_between_two_builds_is_told_by_file(pair: Project, engine: docker.DockerClient) -> None:
    assert pair.run("verify", "--twice", "--log-format", "quiet").code == 0
    pair.role("two", "- ansible.builtin.command: sh -c 'head -c 8 /dev/urandom >/srv/number; chmod 600 /srv/number'")
    outcome = pair.run("verify", "--twice", "--log-format", "quiet")
    assert outcome.code == 1
    assert outcome.stdout.splitlines()[-2:] == [
        "web: differs",
        "  layer 3 (role two): /srv/number: content from byte 0 on",
    ]
    assert not engine.images.list("baseimage/twice")
