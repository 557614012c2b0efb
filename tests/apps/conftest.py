"""The images of the application roles, built by the pipeline itself, and containers of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest
from docker.errors import DockerException

from tests.apps.site import Site, Sites
from tests.contract.harness import describe
from tests.project.harness import ROOT, Outcome, Project

RECIPE = "tests/recipes/apps.yml"
SIZES: dict[str, int] = {}
"""Sizes of the images that were tested, for the end of the report."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs an engine."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests/apps"):
            item.add_marker(pytest.mark.engine)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how large the images are."""
    for name, size in SIZES.items():
        terminalreporter.line(f"image {name}: {size / 1e6:.1f} MB")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine of the environment. Without one these tests skip, but fail in CI."""
    try:
        client = docker.from_env(timeout=120)
    except DockerException as error:
        if os.environ.get("CI"):  # noqa: TID251 - a test's edge
            pytest.fail(f"these tests must not be skipped in CI: {error}", pytrace=False)
        pytest.skip(f"no engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Outcome]:
    """All images of the recipe. Their layers stay in the engine's cache, for the next run of these tests."""
    project = Project(tmp_path_factory.mktemp("apps") / "proj", engine)
    project.write("image.txt", f"repository = baseimage-apps/{project.unique}\n")
    command = (str(ROOT / RECIPE), "--roles-path", str(ROOT / "roles"))
    done = project.build(*command, BASEIMAGE_STATE=str(project.folder / "state"))
    if done.code:
        pytest.fail(f"the images cannot be built (exit code {done.code})\n{done.stdout[-5000:]}{done.stderr}")
    yield done
    project.remove_all()


@pytest.fixture(scope="session")
def broom() -> Iterator[ThreadPoolExecutor]:
    """Takes containers away while the next test runs."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield pool


@pytest.fixture
def sites(engine: docker.DockerClient, built: Outcome, broom: ThreadPoolExecutor) -> Iterator[Sites]:
    """Containers of the images that live as long as one test."""
    images = {event["service"]: str(event["tags"][0]) for event in built.all("image_built")}
    made = Sites({name: describe(engine, name, image) for name, image in images.items()}, engine)
    yield made
    broom.submit(made.close)


@pytest.fixture
def static(sites: Sites) -> Site:
    """A container of the image with files, as it comes."""
    return sites.up("static")


@pytest.fixture
def python(sites: Sites) -> Site:
    """A container of the image with an application, as it comes."""
    return sites.up("python")
