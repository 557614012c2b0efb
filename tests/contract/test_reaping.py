"""Rows R: what PID 1 does with processes that nobody waits for."""

from __future__ import annotations

from tests.contract.harness import PID_ONE, Box, Lab, eventually


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
