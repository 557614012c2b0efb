"""Rows H: the way down."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from docker.errors import APIError

from tests.contract.harness import (
    PID_ONE,
    STOP_BAR,
    Box,
    Lab,
    eventually,
    obedient,
    script,
    service,
    side_by_side,
    stubborn,
)

PRE = "/etc/my_init.pre_shutdown.d"
POST = "/etc/my_init.post_shutdown.d"


@pytest.mark.services
def test_every_service_hears_term_and_may_finish(lab: Lab) -> None:
    """H1."""
    box = lab.box(files=obedient("one") | obedient("two"))
    box.until_log("one runs")
    box.until_log("two runs")
    seconds, outcome = box.stop()
    assert "one is clean" in outcome.output
    assert "two is clean" in outcome.output
    assert outcome.code == 0
    assert seconds < 3


@pytest.mark.services
def test_a_service_that_ignores_term_does_not_make_the_engine_kill(lab: Lab) -> None:
    """H2."""
    box = lab.box(files=obedient("good") | stubborn("bad"))
    box.until_log("good runs")
    box.until_log("bad runs")
    seconds, outcome = box.stop()
    assert "good is clean" in outcome.output
    assert outcome.code == 0
    assert seconds < STOP_BAR


@pytest.mark.services
def test_a_command_that_ignores_term_does_not_make_the_engine_kill(lab: Lab) -> None:
    """H2."""
    command = "trap '' TERM; echo up; while :; do sleep .1; done"
    box = lab.box("sh", "-c", command, files=obedient("good"), environment={"CONTAINER_STOP_TIMEOUT": "1"})
    box.until_log("good runs")
    box.until_log("up")
    seconds, outcome = box.stop()
    assert "good is clean" in outcome.output
    assert seconds < 5


@pytest.mark.services
def test_the_stop_goes_hooks_applications_base_services_log_hooks(lab: Lab) -> None:
    """H3."""
    files = {f"{PRE}/10_pre": script("echo step pre"), f"{POST}/10_post": script("echo step post")}
    for name, stage in (("web", "app"), ("basic", "base"), ("writer", "log")):
        files |= service(
            name, f"trap 'sleep .1; echo step {name}; exit 0' TERM\necho {name} runs; while :; do sleep .02; done"
        )
        files[f"/etc/service/{name}/stage"] = script("")
        files[f"/etc/service/{name}/stage"] = type(files[f"/etc/service/{name}/run"])(f"{stage}\n", 0o644)
    box = lab.box(files=files)
    for name in ("web", "basic", "writer"):
        box.until_log(f"{name} runs")
    _, outcome = box.stop()
    steps = [line.split()[1] for line in outcome.output.splitlines() if line.startswith("step ")]
    assert steps == ["pre", "web", "basic", "writer", "post"]


@pytest.mark.services
def test_a_failing_hook_cannot_stop_the_stop(lab: Lab) -> None:
    """H4."""
    hooks = {f"{PRE}/10_breaks": script("exit 1"), f"{POST}/10_post": script("echo post ran")}
    box = lab.box(files=obedient("good") | hooks)
    box.until_log("good runs")
    _, outcome = box.stop()
    assert outcome.code == 0
    assert "good is clean" in outcome.output
    assert "post ran" in outcome.output
    assert "10_breaks" in outcome.output


@pytest.mark.services
def test_a_hook_that_hangs_cannot_hold_the_stop(lab: Lab) -> None:
    """H4."""
    box = lab.box(files=obedient("good") | {f"{PRE}/10_hangs": script("sleep 60")})
    box.until_log("good runs")
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert "good is clean" in outcome.output
    assert seconds < STOP_BAR


@pytest.mark.services
def test_the_budget_can_be_set_at_run_time(lab: Lab) -> None:
    """H5."""
    box = lab.box(files=stubborn("bad"), environment={"CONTAINER_STOP_TIMEOUT": "1"})
    box.until_log("bad runs")
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert seconds < 2.5


@pytest.mark.services
def test_services_are_stopped_when_the_command_ends_and_its_status_is_kept(lab: Lab) -> None:
    """H6."""
    files = obedient("good") | {"/etc/service/good/check": script("test -e /srv/runs")}
    run = files["/etc/service/good/run"]
    files["/etc/service/good/run"] = script(run.text.replace("echo good runs", "touch /srv/runs"))
    outcome = lab.outcome("sh", "-c", "container-svc wait good 9; exit 7", files=files)
    assert outcome.code == 7
    assert "good is clean" in outcome.output


@pytest.mark.services
def test_a_second_term_is_harmless(lab: Lab) -> None:
    """H8."""
    hooks = {f"{PRE}/10_pre": script("sleep .3; echo pre ended"), f"{POST}/10_post": script("echo post ran")}
    box = lab.box(files=obedient("good") | hooks)
    box.until_log("good runs")
    box.kill("TERM")
    time.sleep(0.1)
    box.kill("TERM")
    outcome = box.wait()
    assert outcome.code == 0
    assert [outcome.output.count(text) for text in ("pre ended", "good is clean", "post ran")] == [1, 1, 1]


@pytest.mark.services
def test_with_the_third_term_nothing_is_waited_for(lab: Lab) -> None:
    """H8."""
    box = lab.box(files=stubborn("bad"))
    box.until_log("bad runs")
    begun = time.monotonic()
    while box.is_running():  # two that arrive at the same time count as one, and the last may come too late
        with suppress(APIError):
            box.kill("TERM")
        time.sleep(0.3)
    assert box.wait().code == 0
    assert time.monotonic() - begun < 4


def listens(box: Box, init: str) -> bool:
    """Whether PID 1 has become the init and has a child; s6-svscan makes its fifo when it listens to signals."""
    processes = box.container.top()["Processes"] or []
    began = len(processes) > 1 and any(PID_ONE[init] in row[-1] for row in processes)
    return began and (init != "s6-init" or box.has("/run/service/.s6-svscan/control"))


@pytest.mark.services
def test_a_stop_right_after_the_start_is_clean_at_every_moment(lab: Lab) -> None:
    """H9, from the moment that the init listens: what comes before the kernel or the init drops, see the README."""

    def stopped_after(milliseconds: int) -> tuple[float, int]:
        box = lab.box(files=stubborn("bad"), environment={"CONTAINER_STOP_TIMEOUT": "1"})
        assert eventually(lambda: listens(box, lab.cell.init))
        time.sleep(milliseconds / 1000)
        seconds, outcome = box.stop()
        return seconds, outcome.code

    for seconds, code in side_by_side(stopped_after, [0, 30, 50, 70, 100, 150, 200, 300, 800]):
        assert code in {0, 143}
        assert seconds < STOP_BAR


@pytest.mark.services
def test_a_container_can_be_restarted_also_after_a_kill(lab: Lab) -> None:
    """H10."""
    box = lab.box(files=service("web", "echo web began; exec sleep 1000"))
    names = ["web", *sorted(lab.cell.options - {"sshd"})]
    for end in ("stop", "stop", "kill"):
        for name in names:
            box.until_up(name)
        if end == "kill":
            box.kill("KILL")
            box.container.wait()
        else:
            box.stop()
        box.start()
    for name in names:
        box.until_up(name)
    assert box.log().count("web began") == 4
