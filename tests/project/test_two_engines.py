"""One commit on two versions of the engine."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from pipeline.archive_difference import compared
from pipeline.docker_configure import stores_layers
from pipeline.docker_engine import connect
from tests.project.conftest import Registry
from tests.project.engine_view import Watch, read
from tests.project.far_engine import Far, reachable_from
from tests.project.harness import ROOT, Outcome, Project
from tests.project.suite_engine import suite_engine
from tests.project.test_far_engine import lend_conductor

pytestmark = pytest.mark.slow
RECIPE = "dumb-runit"


@pytest.fixture
def newer(engine: docker.DockerClient) -> Iterator[Far]:
    """Docker 26.1, where the engine of the environment stores images as that does."""
    if not stores_layers(engine.api):
        pytest.skip("digests are the same among engines that store images by layer")
    with suite_engine(engine, "trixie") as found:
        yield found


def test_another_version_of_the_engine_makes_the_same_image_of_a_shipped_recipe(
    project: Project, engine: docker.DockerClient, newer: Far, watch: Watch, plain_registry: Registry, tmp_path: Path
) -> None:
    project.write("image.txt", f"repository = {plain_registry.address}/{project.repository}\nproject = here\n")
    # Now: what a role makes must not be told from what packages bring by a time that is later than both.
    environment = {"SOURCE_DATE_EPOCH": str(int(time.time()))}
    with watch:
        near = built(project, **environment)
    lend_conductor(engine, newer.client, watch, near.pid)

    there = {"DOCKER_HOST": newer.address, "BASEIMAGE_STATE": str(tmp_path / "elsewhere"), **environment}
    with reachable_from(newer, plain_registry.address):
        far = built(project, **there)
    assert near.played() == far.played() == ["bootstrap"]
    if packages(engine, near.image) != packages(newer.client, far.image):
        pytest.skip("the mirror has moved since the root of this engine was made")
    if far.image != near.image:
        archive = newer.client.api.get_image(far.image)
        list(engine.api.load_image(archive))  # type: ignore[no-untyped-call]
        pytest.fail("\n".join(compared(connect(project.environment), near.image, far.image)))
    assert digests(far) == digests(near)


def built(project: Project, **environment: str) -> Outcome:
    """The recipe, built anew and pushed."""
    return project.build(
        str(ROOT / f"recipes/{RECIPE}.yml"), "--reproducible", "--push", "--no-cache", **environment
    ).well()


def packages(client: docker.DockerClient, image: str) -> set[tuple[str, ...]]:
    """Names and versions of an image's packages."""
    return set(re.findall(r"(?ms)^Package: (\S+)$.*?^Version: (\S+)$", read(client, image, "/var/lib/dpkg/status")))


def digests(run: Outcome) -> set[str]:
    """Digests of the manifests that were pushed."""
    return {event["digest"] for event in run.all("pushed")}
