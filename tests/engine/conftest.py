"""Engines, a root image and registries: one test body runs against the fake engine and the real one."""

from __future__ import annotations

import gc
import io
import os
import tarfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipeline.docker_engine import DockerEngine, connect
from pipeline.engine import ContainerId, ContainerSpec, Engine, ImageId
from pipeline.errors import EngineError, EngineUnreachableError
from pipeline.image_config import ImageConfig
from tests.debian_registry import PASSWORD, USER, debian_registry, users
from tests.roots import busybox_root
from tests.unit.fake_engine import FakeEngine

RUN = uuid.uuid4().hex[:10]
LABELS = {"io.baseimage.test": "engine", "io.baseimage.test.run": RUN}
"""On everything that these tests make; it is removed by them afterwards."""
PREFIX = f"h4-{RUN}"
SLEEP = ("sleep", "300")


@dataclass(frozen=True)
class Bench:
    """An engine with a small root image (a static busybox), and shorthands for what tests do all the time."""

    engine: Engine
    root: ImageId
    archive: Path

    def config(self, **fields: object) -> ImageConfig:
        """A configuration that carries the tests' labels."""
        labels = fields.pop("labels", {})
        assert isinstance(labels, dict)
        return ImageConfig(labels=LABELS | labels, **fields)  # type: ignore[arg-type] # checked where they are used

    def start(self, image: str = "", **fields: object) -> ContainerId:
        """A container that sleeps, unless told otherwise."""
        wanted: dict[str, object] = {"command": SLEEP, "labels": LABELS, **fields}
        return self.engine.start(ContainerSpec(image=image or self.root, **wanted))  # type: ignore[arg-type] # the same

    def unique_image(self) -> ImageId:
        """An image of two layers that no other test has."""
        container = self.start()
        self.engine.run(container, ("touch", f"/srv/{uuid.uuid4().hex}"))
        image = self.engine.commit(container, self.config(command=SLEEP), "", "unique")
        self.engine.remove_container(container)
        return image


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """The same tests for the fake engine and the real one."""
    if request.param == "docker":
        found: Bench = request.getfixturevalue("docker_bench")
        return found
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as files:
        for name in ("bin/sh", "etc/passwd", "srv"):
            files.addfile(tarfile.TarInfo(name), io.BytesIO())
    return _bench(FakeEngine(), archive)


@pytest.fixture(scope="session")
def docker_bench(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The real engine, cleaned up by label at the end."""
    try:
        yield _bench(docker_engine, busybox_root(tmp_path_factory.mktemp("root")))
    finally:
        remove_all(docker_engine)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """The engine of the environment. Without one these tests skip, but fail in CI."""
    engine = _connect()
    if isinstance(engine, str):
        if os.environ.get("CI"):  # noqa: TID251 - a test's edge
            pytest.fail(f"these tests must not be skipped in CI: {engine}", pytrace=False)
        pytest.skip(engine)
    yield engine
    engine.close()


def _connect() -> DockerEngine | str:
    """The engine, or why there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK drops the socket that could not connect
        try:
            return connect(os.environ)  # noqa: TID251 - the same
        except EngineUnreachableError as error:
            return error.message
        finally:
            gc.collect()


def _bench(engine: Engine, archive: Path) -> Bench:
    root = engine.import_root(archive, f"{PREFIX}-root:1", ImageConfig(command=("/bin/sh",), labels=LABELS))
    return Bench(engine, root, archive)


def remove_all(engine: Engine) -> None:
    """Remove what this run made: containers first, then volumes, then images until none goes any more."""
    labels = [f"{name}={value}" for name, value in LABELS.items()]
    for container, _ in engine.owned("container", labels):
        engine.remove_container(ContainerId(container))
    for volume, _ in engine.owned("volume", labels):
        engine.remove_volume(volume)
    while images := [image for image, _ in engine.owned("image", labels)]:
        removed = sum(_remove(engine, image) for image in images)
        assert removed, "images that cannot be removed"


def _remove(engine: Engine, image: str) -> int:
    """Its names, and itself unless others are made of it: those go first."""
    found = engine.find_image(image)
    if found is None:
        return 0
    removed = sum(engine.remove_image(name) for name in found.tags)
    try:
        return removed + engine.remove_image(image)
    except EngineError:
        return removed


@dataclass(frozen=True)
class Registry:
    """A registry's address as it stands in image names, and who may use it ("" for anybody)."""

    address: str
    user: str = ""
    password: str = ""

    def digest(self, repository: str, tag: str) -> str:
        """What the registry itself says about a tag, by HEAD."""
        accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        answer = requests.head(url, headers={"Accept": accept}, auth=(self.user, self.password), timeout=10)
        answer.raise_for_status()
        return str(answer.headers["Docker-Content-Digest"])


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that anybody may use."""
    with debian_registry(tmp_path_factory.mktemp("registry")) as address:
        yield Registry(address)


@pytest.fixture(scope="session")
def restricted_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks who one is."""
    folder = tmp_path_factory.mktemp("restricted")
    with debian_registry(folder, users(folder)) as address:
        yield Registry(address, USER, PASSWORD)
