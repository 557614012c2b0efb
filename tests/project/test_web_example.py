"""recipes/web.yml as a user has it: built, brought up with Compose, asked for a page, stopped, and taken down."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from tests.contract.harness import eventually
from tests.project.composing import HTTPS, PATIENCE, Composed, first_page, page, port, run_compose
from tests.project.harness import ROOT, Project

RECIPE = str(ROOT / "recipes/web.yml")
SERVICES = ("database", "app", "web")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Project]:
    """The images of the recipe. Their layers stay in the engine's cache, for the next run of these tests."""
    project = Project(tmp_path_factory.mktemp("web") / "proj", engine)
    options = ("--roles-path", str(ROOT / "roles"), "-n", f"web-{project.unique}")
    project.build(RECIPE, *options, BASEIMAGE_STATE=str(project.folder / "state")).well()
    yield project
    project.remove_all()


@pytest.fixture
def example(built: Project, docker_compose_command: str, tmp_path: Path) -> Iterator[Composed]:
    """The recipe; nothing of it runs afterwards."""
    made = Composed(built, RECIPE, f"web-{built.unique}")
    yield made
    made.remove(docker_compose_command, tmp_path / "docker-compose.yml")


def certificate(container: Container) -> str:
    found: list[str] = []

    def shown() -> bool:
        with suppress(OSError):
            found.append(ssl.get_server_certificate(("127.0.0.1", port(container, HTTPS))))
        return bool(found)

    assert eventually(shown, PATIENCE)
    return found[0]


def key(container: Container) -> str:
    """The sum of the private key, which a certificate alone does not tell apart."""
    done = container.exec_run(["sha256sum", "/etc/nginx/tls/tls.key"])
    assert done.exit_code == 0, done.output
    return str(done.output)


@pytest.mark.slow
def test_the_first_page_is_there_within_five_seconds_of_up_and_counted_in_the_database(
    example: Composed, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    example.compose("up", "-d")
    seconds, first = first_page(example.containers()["web"])
    with capsys.disabled():
        total = time.monotonic() - begun
        print(f"\nthe first 200 came {seconds:.2f} s after up, {total:.2f} s after its start")  # noqa: T201 - figures to look at
    assert first == "OK, visit 1\n"
    assert seconds < PATIENCE
    assert page(example.containers()["web"]) == "OK, visit 2\n"
    started = {name: str(each.attrs["State"]["StartedAt"]) for name, each in example.containers().items()}
    assert sorted(started, key=lambda name: started[name]) == list(SERVICES)


@pytest.mark.slow
def test_two_compose_projects_of_the_same_images_have_keys_of_their_own(
    example: Composed, docker_compose_command: str, tmp_path: Path
) -> None:
    other, file = f"{example.name}-other", tmp_path / "other.yml"
    example.compose("up", "-d")
    example.compose(output=file)
    example.projects.add(other)
    run_compose(docker_compose_command, other, file, "up", "-d")
    ours, theirs = example.containers()["web"], example.containers(other)["web"]
    assert ours.image.id == theirs.image.id  # type: ignore[union-attr]
    assert certificate(ours) != certificate(theirs)
    assert key(ours) != key(theirs)


@pytest.mark.slow
def test_what_needs_another_service_is_stopped_before_it_and_down_leaves_nothing(example: Composed) -> None:
    example.compose("up", "-d")
    first_page(example.containers()["web"])
    example.compose("stop")
    states = {name: each.attrs["State"] for name, each in example.containers().items()}
    assert {name: state["ExitCode"] for name, state in states.items()} == dict.fromkeys(SERVICES, 0)
    assert sorted(states, key=lambda name: str(states[name]["FinishedAt"])) == ["web", "app", "database"]
    example.compose("up", "-d")
    assert first_page(example.containers()["web"])[1] == "OK, visit 2\n"  # the database's volume was kept
    example.compose("down", "-v")
    assert example.remains() == []
