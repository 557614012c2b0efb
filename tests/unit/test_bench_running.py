"""How the bench takes its turns: what is timed, what is looked at, what becomes of failures; and phases of a build."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.bench.cases import CASES, Case
from tests.bench.checking import checks
from tests.bench.measuring import BuildError
from tests.bench.peers.peer import Job
from tests.bench.phases import Event, containers_started, events_of, phases
from tests.bench.running import Runner
from tests.bench.selection import Turn


@dataclass
class FakePeer:
    """A builder whose images are good, unless it is told otherwise."""

    title: str = "fake"
    keeps: frozenset[str] = frozenset({"layers", "packages"})
    broken: str = ""
    lacking: str = ""
    calls: list[str] = field(default_factory=list)

    def version(self) -> str:
        return "1"

    def prepare(self) -> None:
        self.calls.append("prepare")

    def ready(self, job: Job) -> None:
        self.calls.append(f"ready {job.name}")

    def build(self, job: Job) -> int:
        if self.broken in job.name and self.broken:
            raise BuildError("it broke")
        self.calls.append(f"build {job.name} reuse={job.reuse} packages={job.packages}")
        return 7

    def look(self, job: Job, number: int, script: str) -> str:
        self.calls.append(f"look {number}")
        assert script
        lines = [line for check in checks(job.works[number]) for line in check.expected]
        return "\n".join(lines[1:] if self.lacking == job.name else lines)

    def clear(self) -> None:
        self.calls.append("clear")


def case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def taken(peer: FakePeer, *names: str) -> Runner:
    runner = Runner({"fake": peer}, "unique", lambda _: None)
    runner.take([Turn(number, case(name), "fake") for number, name in enumerate(names)], lambda: None)
    return runner


def test_a_turn_is_made_ready_built_and_looked_at() -> None:
    peer = FakePeer()
    (sample,) = taken(peer, "cold").samples
    assert peer.calls == ["ready cold", "build cold reuse=False packages=False", "look 0"]
    assert (sample.peak, sample.failed) == (7, "")


def test_the_state_before_a_case_is_built_once() -> None:
    peer = FakePeer()
    taken(peer, "warm", "warm")
    builds = [call for call in peer.calls if call.startswith("build")]
    assert builds == ["build warm reuse=True packages=True", *["build warm reuse=False packages=True"] * 2]


def test_a_builder_that_keeps_nothing_gets_no_such_start() -> None:
    peer = FakePeer(keeps=frozenset())
    taken(peer, "warm", "nothing")
    assert [call for call in peer.calls if call.startswith("ready")] == ["ready warm", "ready nothing"]


def test_every_image_of_a_matrix_is_looked_at() -> None:
    peer = FakePeer(keeps=frozenset())
    taken(peer, "matrix-12")
    assert [call for call in peer.calls if call.startswith("look")] == [f"look {number}" for number in range(12)]


def test_a_failed_build_is_a_sample_that_does_not_count_and_the_run_goes_on() -> None:
    failed, good = taken(FakePeer(broken="cold"), "cold", "tasks-10").samples
    assert (failed.failed, good.failed) == ("it broke", "")


def test_nobody_wins_with_an_image_that_lacks_something() -> None:
    (sample,) = taken(FakePeer(lacking="tasks-10"), "tasks-10").samples
    assert "is not what was asked for" in sample.failed


def test_a_builder_that_cannot_build_the_least_is_named_with_the_reason() -> None:
    runner = Runner({"good": FakePeer(), "bad": FakePeer(broken="begin")}, "unique", lambda _: None)
    assert runner.begin() == {"bad": "it broke"}


def said(after: float, event: str, /, **more: object) -> Event:
    time = datetime.fromtimestamp(1000 + after, UTC).isoformat(timespec="milliseconds")
    return {"time": time, "event": event, **more}


EVENTS = [
    said(0.5, "build_started"),
    said(0.6, "step_started", step="web/base", stage="base"),
    said(0.7, "step_finished", step="web/base", seconds=0.1),
    said(0.7, "step_started", step="web/a/target", stage="target"),
    said(1.2, "step_finished", step="web/a/target", seconds=0.5),
    said(1.2, "step_started", step="web/a/provision", stage="provision"),
    said(2.0, "task_started", step="web/a/provision", task="Gathering Facts"),
    said(2.5, "task_finished", step="web/a/provision", task="Gathering Facts", seconds=0.5),
    said(2.6, "task_started", step="web/a/provision", task="Install the packages"),
    said(5.6, "task_finished", step="web/a/provision", task="Install the packages", seconds=3.0),
    said(5.6, "task_started", step="web/a/provision", task="Make the folders"),
    said(5.8, "task_finished", step="web/a/provision", task="Make the folders", seconds=0.2),
    said(6.2, "step_finished", step="web/a/provision", seconds=5.0),
    said(6.2, "build_finished", seconds=6.0),
]


def test_the_phases_of_a_build_are_all_its_time() -> None:
    found = phases(EVENTS, 1000.0, 1006.5)
    assert sum(found.values()) == pytest.approx(6.5)
    assert {name: seconds for name, seconds in found.items() if seconds > 0.001} == pytest.approx(
        {
            "start: imports, recipe, engine": 0.5,
            "base": 0.1,
            "target": 0.5,
            "play: files sent, Ansible starts": 0.8,
            "play: facts": 0.5,
            "play: packages": 3.0,
            "play: other tasks": 0.2,
            "play: between tasks": 0.1,
            "play: Ansible ends": 0.4,
            "end: conductor removed, exit": 0.3,
            "between steps": 0.1,
        }
    )


def test_steps_that_start_containers_are_counted() -> None:
    assert containers_started(EVENTS) == 1
    assert containers_started(EVENTS[:3]) == 0


def test_events_are_found_among_other_lines() -> None:
    assert events_of('a warning\n{"event": "build_started"}\n\n') == [{"event": "build_started"}]
