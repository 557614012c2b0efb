"""Rows V, L and G: supervision, what services say, and health."""

from __future__ import annotations

import time

import pytest

from tests.contract.harness import Box, File, Lab, eventually, service


@pytest.fixture
def watched(lab: Lab) -> Box:
    """A container with two services and quick health checks."""
    check = {"test": ["CMD", "container-health"], "interval": 300_000_000, "timeout": 3 * 10**9, "retries": 2}
    files = service("web", "exec sleep 1000") | service("spare", "exec sleep 1000")
    files["/etc/service/spare/down"] = File("", 0o644)
    return lab.box(files=files, healthcheck=check).until_up("web")


@pytest.mark.services
def test_a_service_is_up_soon_after_the_start(lab: Lab) -> None:
    """V1."""
    lab.box(files=service("web", "exec sleep 1000")).until_up("web", 2)


@pytest.mark.services
@pytest.mark.parametrize("body", ["exec sleep 1000", "sleep .3; exit 0"], ids=["killed", "ended with 0"])
def test_a_service_that_ends_is_started_again(lab: Lab, body: str) -> None:
    """V2."""
    box = lab.box(files=service("web", f"echo web began\n{body}"))
    box.until_log("web began")
    if "exec" in body:
        box.until_up("web").sh(f"kill -9 {box.pid_of('web')}")
    assert eventually(lambda: box.log().count("web began") >= 2, 3)


@pytest.mark.services
def test_a_service_with_a_down_file_waits_until_it_is_started(watched: Box) -> None:
    """V5."""
    assert watched.run("container-svc", "status", "spare").code == 3
    assert watched.run("container-svc", "start", "spare").code == 0
    assert watched.run("container-svc", "status", "spare").code == 0


@pytest.mark.services
def test_one_command_steers_services_of_every_layer(watched: Box) -> None:
    """V7."""
    lines = watched.sh("container-svc list").splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines}
    assert table["web"][0] == "up"
    assert table["web"][1].startswith("pid=")
    assert table["web"][2] == "want=up"
    assert table["spare"] == ["down", "pid=-", "want=down"]
    before = watched.pid_of("web")
    watched.sh("container-svc restart web && container-svc wait web 5")
    assert watched.pid_of("web") != before
    watched.sh("container-svc stop web")
    assert watched.run("container-svc", "status", "web").code == 3
    assert watched.run("container-svc", "status", "nothing").code == 4
    assert watched.run("container-svc").code == 2


@pytest.mark.services
def test_what_a_service_says_is_in_the_log_of_the_container(plain: Box) -> None:
    """L1."""
    plain.until_log("web says out", 2)
    plain.until_log("web says err", 2)


@pytest.mark.services
def test_the_two_outputs_stay_apart(plain: Box) -> None:
    """L2."""
    plain.until_log("web says err", 2)
    assert "web says err" not in plain.log(stderr=False)
    assert "web says out" not in plain.log(stdout=False)


def test_the_image_has_a_health_check(lab: Lab) -> None:
    """G1."""
    config = lab.client.images.get(lab.cell.image).attrs["Config"]
    assert "container-health" in " ".join(config["Healthcheck"]["Test"])


@pytest.mark.services
def test_health_follows_the_services_that_are_wanted(watched: Box) -> None:
    """G2."""
    assert eventually(lambda: watched.health() == "healthy")
    watched.sh("container-svc stop web")
    assert eventually(lambda: watched.health() == "unhealthy")
    watched.sh("container-svc start web")
    assert eventually(lambda: watched.health() == "healthy")


@pytest.mark.services
def test_the_health_check_is_quick_and_says_which_service_is_down(watched: Box) -> None:
    """G3."""
    watched.sh("container-svc stop web")
    begun = time.monotonic()
    outcome = watched.run("container-health")
    assert time.monotonic() - begun < 1
    assert outcome.code == 1
    assert "web" in outcome.output


@pytest.mark.services
def test_a_service_that_is_down_on_purpose_is_not_unhealthy(watched: Box) -> None:
    """G4."""
    assert watched.run("container-svc", "status", "spare").code == 3
    assert watched.run("container-health").code == 0
