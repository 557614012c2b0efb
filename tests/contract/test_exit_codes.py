"""Rows X: how a container ends."""

from __future__ import annotations

import pytest

from tests.contract.harness import Lab, eventually, script, side_by_side


def test_the_status_of_the_command_is_the_status_of_the_container(lab: Lab) -> None:
    """X1."""
    codes = [0, 1, 2, 7, 42, 126, 127, 128, 254, 255]
    outcomes = side_by_side(lambda code: lab.outcome("sh", "-c", f"exit {code}"), codes)
    assert [outcome.code for outcome in outcomes] == codes


@pytest.mark.parametrize(("signal", "code"), [("KILL", 137), ("TERM", 143), ("USR1", 138)])
def test_a_command_killed_by_a_signal_gives_128_and_its_number(lab: Lab, signal: str, code: int) -> None:
    """X2."""
    assert lab.outcome("sh", "-c", f"kill -{signal} $$").code == code


@pytest.mark.parametrize("flags", [(), ("--skip-runit", "--")], ids=["with services", "alone"])
def test_a_command_that_is_missing_gives_127_and_one_that_cannot_run_126(lab: Lab, flags: tuple[str, ...]) -> None:
    """X3."""
    missing, forbidden = side_by_side(lambda path: lab.outcome(*flags, path), ["/nope", "/etc/passwd"])
    assert (missing.code, forbidden.code) == (127, 126)
    assert "/nope" in missing.output
    assert "/etc/passwd" in forbidden.output


def test_a_stop_without_a_command_gives_0(lab: Lab) -> None:
    """X4."""
    box = lab.box()
    assert eventually(lambda: box.run("container-health").code == 0)
    _, outcome = box.stop()
    assert outcome.code == 0


def test_a_failing_hook_ends_the_start_with_its_status_and_name(lab: Lab) -> None:
    """X6."""
    hooks = {"/etc/my_init.d/10_breaks": script("exit 9"), "/etc/my_init.d/20_later": script("echo later")}
    outcome = lab.outcome("echo", "command", files=hooks)
    assert outcome.code == 9
    assert "10_breaks" in outcome.output
    assert "later" not in outcome.output
    assert "command" not in outcome.output


def test_without_services_nothing_stands_between_the_init_and_the_command(lab: Lab) -> None:
    """X9."""
    box = lab.box("--skip-runit", "--", "sh", "-c", "echo command speaks; exec sleep 60")
    box.until_log("command speaks")
    processes = [row[-1] for row in box.container.top()["Processes"]]
    assert len(processes) == 2
    assert "sleep 60" in processes


def test_arguments_are_a_command_or_go_to_the_default_command(lab: Lab) -> None:
    """X10."""
    assert "hi" in lab.outcome("--quiet", "echo", "hi").output.splitlines()
    flagged = lab.outcome("-x", environment={"CONTAINER_DEFAULT_COMMAND": "echo default"})
    assert flagged.code == 0
    assert "default -x" in flagged.output.splitlines()
    refused = lab.outcome("-x")
    assert refused.code == 2
    assert "-x" in refused.output


def test_a_status_can_be_called_a_success(lab: Lab) -> None:
    """X5."""
    environment = {"CONTAINER_SUCCESS_EXIT_CODES": "143 9"}
    outcomes = side_by_side(lambda code: lab.outcome("sh", "-c", f"exit {code}", environment=environment), [9, 143, 8])
    assert [outcome.code for outcome in outcomes] == [0, 0, 8]
