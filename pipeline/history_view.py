"""Builds of the past summed up: for a table, for one build in full, and as data for programs (docs/cache.md)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from pipeline.cleaning import left_behind
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    StepCached,
    StepFailed,
    StepFinished,
    Warned,
)
from pipeline.jsonlog import rfc3339
from pipeline.plain import table
from pipeline.wording import duration, megabytes, one_line, short_id

Result = Literal["running", "built", "failed", "stopped"]


@dataclass(slots=True)
class PastStep:
    """A step that ended: "done", "cached" or "failed"."""

    step: str
    result: str
    seconds: float
    detail: str


@dataclass(slots=True)
class PastBuild:
    """One build; `result` is "stopped" where it came to no end and its process is gone."""

    id: str
    started: float = 0.0
    project: str = ""
    version: str = ""
    recipe: str = ""
    services: tuple[str, ...] = ()
    result: Result = "running"
    seconds: float = 0.0
    message: str = ""
    images: list[dict[str, Any]] = field(default_factory=list)
    steps: list[PastStep] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def summed_up(name: str, events: Iterable[tuple[float, Event]]) -> PastBuild:
    """A build out of its events."""
    build, run, last = PastBuild(name), "", 0.0
    for at, event in events:
        build.started, last = build.started or at, at
        if isinstance(event, BuildStarted):
            run = event.run_id
        _add(build, event)
    if build.result == "running" and (not run or left_behind(f"{run}_1", socket.gethostname(), time.time())):
        build.result = "stopped"
    build.seconds = build.seconds or round(last - build.started, 3)
    return build


def _add(build: PastBuild, event: Event) -> None:
    match event:
        case BuildStarted():
            build.project, build.version, build.recipe = event.project, event.version, event.recipe
            build.services = event.services
        case StepFinished():
            build.steps.append(PastStep(event.step, "done", event.seconds, event.detail))
        case StepCached():
            build.steps.append(PastStep(event.step, "cached", 0.0, event.reason))
        case StepFailed():
            build.steps.append(PastStep(event.step, "failed", event.seconds, event.message))
        case Warned():
            build.warnings.append(event.message)
        case ImageBuilt():
            image = {"service": event.service, "image": event.image, "tags": list(event.tags), "size": event.size}
            build.images.append(image)
        case BuildFailed():
            build.result, build.message = "failed", build.message or event.message
        case BuildFinished():
            build.result, build.seconds = "built", event.seconds
        case _:
            return


def as_json(build: PastBuild, *, full: bool) -> dict[str, Any]:
    """The documented form; `full` adds steps and warnings."""
    data = asdict(build)
    if not full:
        del data["steps"], data["warnings"]
    return {**data, "started": rfc3339(build.started)}


def list_lines(builds: Iterable[PastBuild]) -> list[str]:
    """A table, a build on each line."""
    rows = [
        [
            build.id,
            f"{datetime.fromtimestamp(build.started).astimezone():%Y-%m-%d %H:%M}",
            build.result,
            duration(build.seconds),
            build.recipe,
            " ".join(build.services),
            " ".join(short_id(image["image"]) for image in build.images),
        ]
        for build in builds
    ]
    return table(rows, ("build", "started", "result", "time", "recipe", "services", "images"), None, right=(3,))


def inspect_lines(build: PastBuild) -> Iterator[str]:
    """One build in full."""
    facts = [
        ("build", build.id),
        ("started", f"{datetime.fromtimestamp(build.started).astimezone():%Y-%m-%d %H:%M:%S %z}"),
        ("project", f"{build.project} {build.version}"),
        ("recipe", build.recipe),
        ("result", build.result),
        ("time", duration(build.seconds)),
        *([("error", one_line(build.message))] if build.message else []),
        *(("warning", one_line(warning)) for warning in build.warnings),
    ]
    yield from table(facts, (), None)
    for image in build.images:
        yield from ("", f"{image['service']}  {image['image']}  {megabytes(image['size'])}")
        yield from (f"  {tag}" for tag in image["tags"])
    rows = [(each.step, each.result, duration(each.seconds), one_line(each.detail)) for each in build.steps]
    yield from ("", *table(rows, ("step", "result", "time", ""), None, right=(2,)))
