"""What whole runs of the pipeline need: an engine, a project, a small root, and registries of its own making."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import DockerException
from pytest_docker.plugin import Services

from tests.project.engine_view import Watch
from tests.project.harness import PREFIX, ROOT, Project
from tests.roots import busybox_root

COMPOSE_FILE = ROOT / "tests/registry/docker-compose.yml"
PATIENCE = 30.0
MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs an engine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.engine)


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


@pytest.fixture
def project(tmp_path: Path, engine: docker.DockerClient) -> Iterator[Project]:
    """A project folder; what its runs leave in the engine is removed afterwards."""
    made = Project(tmp_path / "proj", engine)
    yield made
    made.remove_all()


@pytest.fixture
def watch(engine: docker.DockerClient) -> Watch:
    """What the engine does."""
    return Watch(engine)


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A base of 2 MB, as a recipe names it: a static busybox; no bash, apt, libc or Python."""
    return rootfs(busybox_root(tmp_path_factory.mktemp("busybox")))


def rootfs(archive: Path) -> dict[str, str]:
    """A tar file as a base."""
    return {"rootfs": str(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}


@dataclass(frozen=True)
class Registry:
    """A registry's address as it stands in image names, and who may use it ("" for anybody)."""

    address: str
    user: str = ""
    password: str = ""

    def digest(self, name: str) -> str:
        """What the registry itself says about `repository:tag`, by HEAD."""
        repository, _, tag = name.removeprefix(f"{self.address}/").partition(":")
        answer = requests.head(
            f"http://{self.address}/v2/{repository}/manifests/{tag}",
            headers={"Accept": MANIFESTS},
            auth=(self.user, self.password) if self.user else None,
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.headers["Docker-Content-Digest"])

    def settings(self, password: str = "") -> dict[str, object]:
        """config.json of somebody who has logged in."""
        pair = f"{self.user}:{password or self.password}"
        return {"auths": {self.address: {"auth": base64.b64encode(pair.encode()).decode()}}}


@pytest.fixture(scope="session")
def registry_image(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[str]:
    """The name of the registry's image: this product's first user is its own test.

    Its layers stay in the engine's cache, for the next run of these tests.
    """
    project = Project(tmp_path_factory.mktemp("registry") / "proj", engine)
    done = project.build(str(ROOT / "tests/recipes/registry.yml"), BASEIMAGE_STATE=str(project.folder / "state"))
    if done.code:
        pytest.fail(f"the registry's image cannot be built (exit code {done.code})\n{done.stdout}{done.stderr}")
    yield str(done.one("image_built")["tags"][0])
    project.remove_all()


@pytest.fixture(scope="session")
def docker_compose_command() -> str:
    """Compose as the machine has it: the plugin, or the program that came before it."""
    docker_command = shutil.which("docker")
    if docker_command and subprocess.run([docker_command, "compose", "version"], capture_output=True).returncode == 0:  # noqa: PLW1510 - the code is the answer
        return "docker compose"
    if shutil.which("docker-compose"):
        return "docker-compose"
    pytest.fail("the tests need docker compose (Debian's package docker-compose)")


@pytest.fixture(scope="session")
def docker_compose_file(registry_image: str) -> Iterator[str]:
    """The registries' compose file, with the image that it asks for in the environment."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REGISTRY_IMAGE", registry_image)
        yield str(COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    """What the names of the registries' containers begin with."""
    return f"{PREFIX}-{os.getpid()}"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """Start both; there is nothing to build or pull."""
    return ["up -d --no-build"]


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    """Take both down, with what was pushed to them."""
    return ["down --volumes --timeout 1"]


@pytest.fixture(scope="session")
def plain_registry(docker_services: Services) -> Registry:
    """A registry that takes everything from everybody."""
    return Registry(_address(docker_services, "plain", requests.codes.ok))


@pytest.fixture(scope="session")
def restricted_registry(docker_services: Services) -> Registry:
    """A registry that knows one user."""
    return Registry(_address(docker_services, "restricted", requests.codes.unauthorized), "alice", "s3cret")


def _address(services: Services, name: str, status: int) -> str:
    address = f"127.0.0.1:{services.port_for(name, 5000)}"

    def answers() -> bool:
        try:
            return requests.get(f"http://{address}/v2/", timeout=5).status_code == status
        except requests.ConnectionError:
            return False

    services.wait_until_responsive(check=answers, timeout=PATIENCE, pause=0.1)
    return address


def docker_settings(folder: Path, settings: dict[str, object]) -> str:
    """A folder for DOCKER_CONFIG."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return str(folder)
