"""Which images are tested, and the containers that several tests look at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import DockerException

from tests.contract.foreign import Guest, receive
from tests.contract.harness import Box, Cell, File, Lab, connect, eventually, script, service
from tests.contract.report import annotate, cell_of, not_applicable

VARIABLE = "BASEIMAGE_CONTRACT_IMAGES"
CRONTAB = """\
* * * * * root printf \\%s "$GREETING" >/srv/root-job; echo 'root job speaks'
* * * * * app id -un >/home/app/job; echo 'app job speaks'
"""
AWKWARD = "a b\"c$ 'd' \\e"


def named_images() -> list[str]:
    """The entries "cell=image" of the variable."""
    return [entry for entry in os.environ.get(VARIABLE, "").split(",") if entry]  # noqa: TID251 - how the pipeline and CI name them


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test once for each image; without one, once, to fail."""
    if "image" in metafunc.fixturenames:
        entries = named_images() or [""]
        metafunc.parametrize("image", entries, indirect=True, scope="session", ids=[e.split("=")[0] for e in entries])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the slow ones for the end of each image, when what they wait for has happened; skip what does not apply."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
    mine = [item for item in items if item.path.parent == Path(__file__).parent]
    guests = received({cell_of(item) for item in mine} - {""})
    for item in mine:
        rows = annotate(item).rows
        guest = guests.get(cell_of(item))
        if guest and (lack := guest.lacks(rows)):
            item.add_marker(pytest.mark.skip(reason=lack))


def received(entries: Iterable[str]) -> dict[str, Guest]:
    """The images by their entries, as far as the engine has them; tests of the others say what is wrong."""
    guests = {}
    with suppress(DockerException):
        client = connect()
        for entry in entries:
            with suppress(DockerException):
                guests[entry] = receive(client, entry)
        client.close()
    return guests


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the rows that do not apply."""
    for line in not_applicable(terminalreporter.getreports("skipped")):
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def client() -> Iterator[DockerClient]:
    """The engine."""
    engine = connect()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, client: DockerClient) -> Cell:
    """The image under test."""
    if not request.param:
        pytest.fail(f"set {VARIABLE} to the images to test, as cell=image,cell=image")
    return receive(client, request.param).cell


@pytest.fixture(autouse=True)
def applies(request: pytest.FixtureRequest, image: Cell) -> None:
    """Leave out what the cell has no part in; the report names the rows."""
    if request.node.get_closest_marker("services") and image.svc == "none":
        pytest.skip("the cell has no service layer")
    for marker in request.node.iter_markers("but"):
        if {image.init, image.svc} & set(marker.args):
            pytest.skip(marker.kwargs["because"])


@pytest.fixture(scope="session")
def session_lab(client: DockerClient, image: Cell) -> Iterator[Lab]:
    """Containers that live as long as the tests of the image."""
    lab = Lab(client, image)
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def broom() -> Iterator[ThreadPoolExecutor]:
    """Takes containers away while the next test runs."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield pool


@pytest.fixture
def lab(client: DockerClient, image: Cell, broom: ThreadPoolExecutor) -> Iterator[Lab]:
    """Containers that live as long as one test."""
    one = Lab(client, image)
    yield one
    broom.submit(one.close)


@pytest.fixture(scope="session")
def cron_box(session_lab: Lab, image: Cell) -> Box | None:
    """A container with two cron jobs, or none where the image has no cron."""
    if "cron" not in image.options:
        return None
    files = {"/etc/cron.d/contract": File(CRONTAB, 0o644)}
    return session_lab.box(files=files, environment={"GREETING": AWKWARD}, cap_drop=["AUDIT_CONTROL", "AUDIT_WRITE"])


@pytest.fixture(scope="session", autouse=True)
def first_of_all(cron_box: Box | None) -> None:
    """Start what takes a minute before anything else."""


@pytest.fixture(scope="session")
def plain(session_lab: Lab) -> Box:
    """A container as it comes, for tests that only look, with one service and one hook."""
    files = service("web", "echo web says out; echo web says err >&2; exec sleep 1000")
    files["/etc/my_init.d/50_mark"] = script("echo hook ran")
    box = session_lab.box(files=files)
    if session_lab.cell.init:
        return box if session_lab.cell.svc == "none" else box.until_up("web")
    # not ours: it may have nothing to wait with, or nothing that keeps it up
    return box if eventually(lambda: "web says err" in box.log(), 3) else session_lab.box("sleep", "1000")


@pytest.fixture(scope="session")
def sshd_box(session_lab: Lab, image: Cell) -> Box:
    """A container whose sshd was started by hand, with a key of its own let in."""
    if "sshd" not in image.options:
        pytest.skip("the image has no sshd")
    box = session_lab.box(environment={"GREETING": AWKWARD}).until_up("cron" if "cron" in image.options else "sshd")
    box.sh(
        "umask 077; mkdir -p /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /tmp/key"
        " && cp /tmp/key.pub /root/.ssh/authorized_keys && container-svc start sshd"
    )
    return box
