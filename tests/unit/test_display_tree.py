"""What the live tree shows at one moment."""

from __future__ import annotations

import pytest

from pipeline.events import (
    BuildStarted,
    Event,
    Retrying,
    StepCached,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskStarted,
    Transfer,
)
from tests.unit.demo_display import script
from tests.unit.display_terminal import RUNNING, STARTED, drawn


def test_the_tree_shows_what_is_done_cached_under_way_and_to_come() -> None:
    assert drawn(*RUNNING, later=2.5).splitlines() == [
        "⠋ acme 1.4.0          2.5s  recipes/base.yml",
        "└── ⠋ full           23.8s  2 of 5 steps",
        "    ├── ✔ base       21.3s  119.8 MB",
        "    ├── ≡ role tini         cached · same inputs",
        "    ├── ⠋ role sshd   2.5s  1 ok",
        "    │     ▸ Install [bold]packages[/]  2.5s",
        "    │       Unpacking openssh-server",
        "    ├── · verify",
        "    └── · push",
    ]


def test_services_that_run_side_by_side_are_each_shown_with_what_they_do() -> None:
    steps = [f"{service}/nginx/provision" for service in ("one", "two", "three")]
    begun = BuildStarted("acme", "1.4.0", "recipes/base.yml", ("one", "two", "three"), tuple(steps), "r1")
    playing = [StepStarted(step, step.split("/", maxsplit=1)[0], "provision", "nginx", "nginx") for step in steps[:2]]
    tasks = [TaskStarted(step, "nginx", f"Task of {step[:3]}", "") for step in steps[:2]]
    assert drawn(begun, *playing, *tasks, later=2.5).splitlines() == [
        "⠋ acme 1.4.0           2.5s  recipes/base.yml",
        "├── ⠋ one              2.5s  0 of 1 step",
        "│   └── ⠋ role nginx   2.5s",
        "│         ▸ Task of one  2.5s",
        "├── ⠋ two              2.5s  0 of 1 step",
        "│   └── ⠋ role nginx   2.5s",
        "│         ▸ Task of two  2.5s",
        "└── · three                  1 step",
        "    └── · role nginx",
    ]


@pytest.mark.parametrize("width", [100, 60, 40, 24])
def test_no_line_of_the_tree_is_wider_than_the_window(width: int) -> None:
    events = [event for event in script(fail=True) if not isinstance(event, float)]
    lines = drawn(*events, width=width, height=200).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == len(drawn(*events, height=200).splitlines())


@pytest.mark.parametrize("height", [8, 12, 24, 40])
def test_the_tree_is_never_taller_than_the_window(height: int) -> None:
    events: list[Event] = []
    for event in script(many=True):
        if not isinstance(event, float):
            events.append(event)
        if isinstance(event, StepStarted | TaskStarted) and len(events) < 600:
            assert len(drawn(*events, height=height).splitlines()) <= height


def test_in_a_low_window_what_is_over_and_what_waits_are_one_line_each() -> None:
    lines = drawn(*RUNNING, later=2.5, height=9).splitlines()
    assert lines[2] == "    ├── ✔ 2 steps    21.3s  base, role tini"
    assert lines[-2:] == ["    ├── · verify", "    └── · push"]
    lines = drawn(*RUNNING, later=2.5, height=8).splitlines()
    assert lines[-1] == "    └── · 2 steps           verify, push"


def test_a_transfer_is_summed_over_its_items() -> None:
    events = (
        STARTED,
        StepStarted("full/push", "full", "push", "", "acme/full"),
        Transfer("full/push", "a", "Pushing", 10_000_000, 40_000_000),
        Transfer("full/push", "b", "Pushing", 2_300_000, 5_600_000),
    )
    assert "⠋ push        0.0s  12.3/45.6 MB · acme/full" in drawn(*events)


def test_a_retry_is_shown_while_it_is_waited_for() -> None:
    retry = Retrying("push", 2, 1.5, "503 from the registry")
    assert "↻ retrying push in 1.5s (attempt 2): 503 from the registry" in drawn(*RUNNING, retry)
    assert "retrying" not in drawn(*RUNNING, retry, later=5)


def test_a_role_that_is_between_two_of_its_steps_is_still_running() -> None:
    target = StepStarted("full/tini/target", "full", "target", "tini", "tini")
    assert "⠋ role tini   0.3s" in drawn(STARTED, target, StepFinished("full/tini/target", 0.3))


def test_a_failed_step_says_why() -> None:
    lines = drawn(*RUNNING, StepFailed("full/sshd/provision", 3.1, "no such package\nat all"))
    assert "✘ role sshd   3.1s  no such package" in lines
    assert "✘ full" in lines


def test_a_role_of_which_only_the_end_was_looked_up_is_cached() -> None:
    cached = StepCached("full/tini/commit", "full", "commit", "tini", "same inputs")
    assert "≡ role tini         cached · same inputs" in drawn(*RUNNING[:3], cached)


def test_a_role_used_twice_has_two_lines() -> None:
    steps = tuple(f"full/{role}/commit" for role in ("app", "app-2"))
    started = BuildStarted("acme", "1", "a.yml", ("full",), steps, "r1")
    both = [StepStarted(step, "full", "commit", step.split("/")[1], "") for step in steps]
    lines = drawn(started, *both, StepFinished(steps[0], 1.0)).splitlines()
    assert lines[2:] == ["    ├── ✔ role app     1.0s", "    └── ⠋ role app-2   0.0s"]


def test_a_step_for_all_services_hangs_on_the_root() -> None:
    started = BuildStarted("acme", "1", "a.yml", ("lean", "full"), ("conductor", "lean/base", "full/base"), "r1")
    assert drawn(started).splitlines()[1] == "├── · conductor"
