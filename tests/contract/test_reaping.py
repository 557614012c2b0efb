"""Rows R: what PID 1 does with processes that nobody waits for."""

from __future__ import annotations

import pytest

from tests.contract.harness import PID_ONE, Box, Lab, eventually, obedient


def test_pid_one_is_the_init_that_the_label_names(plain: Box, lab: Lab) -> None:
    """R1."""
    assert plain.sh("cat /proc/1/comm") == PID_ONE[lab.cell.init]


def test_orphans_are_reaped(plain: Box) -> None:
    """R2."""
    plain.sh("for i in $(seq 20); do ( (sleep .05; echo x >>/srv/orphans) & ); done")
    assert eventually(lambda: plain.has("/srv/orphans") and len(plain.read("/srv/orphans")) == 40)
    assert eventually(lambda: plain.zombies() == 0, 2)


def test_orphans_of_health_checks_are_reaped(lab: Lab) -> None:
    """R4."""
    check = {"test": ["CMD-SHELL", "(sleep .1 &) ; echo x >>/srv/checks"], "interval": 200_000_000, "timeout": 10**9}
    box = lab.box(healthcheck=check)
    assert eventually(lambda: box.has("/srv/checks") and len(box.read("/srv/checks")) >= 10)
    assert eventually(lambda: box.zombies() == 0, 2)


def test_five_hundred_orphans_at_once_are_reaped(lab: Lab) -> None:
    """R3."""
    box = lab.box()
    box.sh("for i in $(seq 500); do (sleep .5 &) ; done")
    asleep = "cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^sleep' || true"
    assert eventually(lambda: int(box.sh(asleep)) <= 2, 10)
    assert eventually(lambda: box.zombies() == 0, 3)
    assert box.is_running()


@pytest.mark.but("s6-overlay", because="s6-overlay runs as PID 1 only")
@pytest.mark.services
def test_it_works_below_the_init_of_the_engine(lab: Lab) -> None:
    """R5."""
    box = lab.box(files=obedient("good"), init=True)
    box.until_log("good runs")
    assert box.sh("cat /proc/1/comm") == "docker-init"
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert "good is clean" in outcome.output
    assert seconds < 3
    assert lab.outcome("sh", "-c", "exit 7", init=True).code == 7


@pytest.mark.but("s6-overlay", because="s6-overlay runs as PID 1 only")
@pytest.mark.services
def test_a_stop_leaves_alone_what_is_another_container_s(lab: Lab) -> None:
    """R5."""
    host = lab.box(files=obedient("host"))
    host.until_log("host runs")
    guest = lab.box(files=obedient("guest"), pid_mode=f"container:{host.container.id}", init=None)
    guest.until_log("guest runs")
    seconds, outcome = guest.stop()
    assert outcome.code == 0
    assert "guest is clean" in outcome.output
    assert seconds < 4
    assert host.is_running()
    assert host.run("container-svc", "status", "host").code == 0
    assert "host is clean" not in host.log()
