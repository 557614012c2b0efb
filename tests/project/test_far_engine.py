"""An engine elsewhere: reached over TCP, with its socket in another place on its own machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import docker
import pytest

from pipeline.recipe_model import DEFAULT_CONDUCTOR_BASE
from pipeline.roots import name_of
from tests.project.engine_view import Watch, images_of, read
from tests.project.far_engine import Far, far_engine
from tests.project.harness import JSON, Project

pytestmark = pytest.mark.slow
ROLE = "- name: Leave a mark\n  ansible.builtin.copy: {content: far away, dest: /etc/mark, mode: '0644'}\n"


@pytest.fixture
def far() -> Iterator[Far]:
    """A second engine."""
    with far_engine() as engine:
        yield engine


def test_a_far_engine_whose_socket_is_elsewhere_builds_the_same_image(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient, watch: Watch, far: Far
) -> None:
    project.role("mark", ROLE)
    service = {"from": busybox, "command": "sh", "roles": ["mark"], "vars": {"ansible_unique": project.unique}}
    project.recipe(json.dumps({"version": "2", "services": {"web": service}}))
    with watch:
        near = project.build("--reproducible").well()
    lend_conductor(engine, far.client, watch, near.pid)

    settings = {"conductor": {"engine_socket": str(far.socket)}}
    project.recipe(json.dumps({"version": "2", "settings": settings, "services": {"web": service}}))
    built = project.run("build", *JSON, "--reproducible", DOCKER_HOST=far.address).well()
    assert built.played() == ["mark"]
    assert built.image == near.image
    assert read(far.client, built.image, "/etc/mark") == "far away"
    assert far.client.images.get(f"{project.repository}:proj.web.0.1.0").id == built.image
    assert far.client.containers.list(all=True) == []


def lend_conductor(near: docker.DockerClient, far: docker.DockerClient, watch: Watch, pid: int) -> None:
    """Load the conductor that a run used, and its base: the far engine's network leads nowhere."""
    names = {watch.image_of(container) for container in watch.containers(pid)}
    images = [near.images.get(name) for name in names]
    (conductor,) = [tag for image in images for tag in image.tags if tag.startswith("baseimage/conductor:")]
    for name in (name_of(DEFAULT_CONDUCTOR_BASE), conductor):
        said = [str(item) for item in far.api.load_image(near.api.get_image(name))]  # type: ignore[no-untyped-call]
        assert set(images_of(far, reference=name)) == {near.images.get(name).id}, said[-3:]
