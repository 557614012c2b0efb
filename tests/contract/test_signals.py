"""Rows S: signals reach the command, untouched and once."""

from __future__ import annotations

import pytest

from tests.contract.harness import STOP_BAR, Box, Lab, eventually, script, service

RECORD = """
for s in USR1 USR2 HUP INT QUIT WINCH; do trap "echo got $s" $s; done
trap 'echo got TERM; exit 42' TERM
echo ready
while :; do sleep .02; done
"""

LIBC = 0b11 << 31
"""Signals 32 and 33, which belong to the C library and cannot be had by anybody else."""


def test_term_reaches_the_command_and_its_own_status_counts(lab: Lab) -> None:
    """S1."""
    box = lab.box("sh", "-c", RECORD)
    box.until_log("ready")
    seconds, outcome = box.stop()
    assert outcome.code == 42
    assert outcome.output.count("got TERM") == 1
    assert seconds < STOP_BAR


def test_other_signals_reach_the_command_once_each(lab: Lab) -> None:
    """S2."""
    box = lab.box("sh", "-c", RECORD)
    box.until_log("ready")
    for name in ("USR1", "USR2", "HUP", "INT", "QUIT", "WINCH"):
        box.kill(name)
        box.until_log(f"got {name}")
    box.kill("TERM")
    outcome = box.wait()
    assert outcome.code == 42
    assert all(outcome.output.count(f"got {name}\n") == 1 for name in ("USR1", "USR2", "HUP", "INT", "QUIT", "WINCH"))


@pytest.mark.services
def test_nothing_is_ignored_or_blocked_in_the_command_and_in_services(lab: Lab) -> None:
    """S7."""
    show = "grep -E '^Sig(Ign|Blk)' /proc/self/status"
    box = lab.box("sh", "-c", f"{show}; exec sleep 60", files=service("web", f"{show} >/srv/web; exec sleep 1000"))
    box.until_up("web")
    assert eventually(lambda: box.has("/srv/web"))
    for masks in (box.log(), box.read("/srv/web").decode()):
        values = [int(line.split()[1], 16) for line in masks.splitlines() if line.startswith("Sig")]
        assert [value & ~LIBC for value in values] == [0, 0]


@pytest.mark.services
def test_standard_input_reaches_the_command(lab: Lab) -> None:
    """S7."""
    box = lab.make("cat", files=service("web", "exec cat"), stdin_open=True)
    box.type("typed\n")
    box.until_log("typed")


@pytest.mark.parametrize("body", ["echo begun; exec sleep 60", "echo begun; sleep 60"], ids=["exec", "child"])
def test_term_during_a_startup_hook_ends_the_container_at_once(lab: Lab, body: str) -> None:
    """S14."""
    box: Box = lab.box(files={"/etc/my_init.d/10_slow": script(body)})
    box.until_log("begun")
    seconds, outcome = box.stop()
    assert outcome.code == 143
    assert seconds < 3
