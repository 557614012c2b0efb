"""Where the time of one of our builds goes, from the events that it wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

Event = dict[str, Any]

FACTS = "Gathering Facts"
PACKAGES = "Install the packages"
STAGES = ("initialize", "base", "conductor", "target", "commit", "verify", "tag", "push")
CONTAINERS = ("conductor", "target", "verify")


def events_of(output: str) -> list[Event]:
    """The events in what a build printed."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def containers_started(events: Sequence[Event]) -> int:
    """How many steps were begun that start a container."""
    return sum(event["event"] == "step_started" and event["stage"] in CONTAINERS for event in events)


def phases(events: Sequence[Event], started: float, ended: float) -> dict[str, float]:
    """Seconds by phase, in the order of a build; what is in none of them is the last entry.

    `started` and `ended` are when the process was begun and gone, as seconds since the epoch.
    """
    found = {"start: imports, recipe, engine": at(events[0]) - started}
    found |= {stage: _stage(events, stage) for stage in STAGES[:4]}
    found |= _provision(events)
    found |= {stage: _stage(events, stage) for stage in STAGES[4:]}
    found["end: conductor removed, exit"] = ended - at(events[-1])
    found["between steps"] = ended - started - sum(found.values())
    return found


def at(event: Event) -> float:
    """When an event was reported, in seconds since the epoch."""
    return datetime.fromisoformat(str(event["time"])).timestamp()


def _stage(events: Sequence[Event], stage: str) -> float:
    finished = [event for event in events if event["event"] == "step_finished"]
    return sum(float(event["seconds"]) for event in finished if event["step"].rsplit("/", 1)[-1] == stage)


def _provision(events: Sequence[Event]) -> dict[str, float]:
    """The plays of all roles: until the first task, facts, packages, other tasks, between tasks, after the last one."""
    names = ("play: files sent, Ansible starts", "play: facts", "play: packages", "play: other tasks")
    found = dict.fromkeys((*names, "play: between tasks", "play: Ansible ends"), 0.0)
    steps = [event["step"] for event in events if event["event"] == "step_started" and event["stage"] == "provision"]
    for step in steps:
        own = [event for event in events if event.get("step") == step]
        tasks = [event for event in own if event["event"] in ("task_started", "task_finished")]
        if not tasks:
            continue
        played = [event for event in tasks if event["event"] == "task_finished"]
        for event in played:
            found[{FACTS: names[1], PACKAGES: names[2]}.get(event["task"], names[3])] += event["seconds"]
        found[names[0]] += at(tasks[0]) - at(own[0])
        found["play: between tasks"] += at(tasks[-1]) - at(tasks[0]) - sum(event["seconds"] for event in played)
        found["play: Ansible ends"] += at(own[-1]) - at(tasks[-1])
    return found
