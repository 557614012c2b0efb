"""The state of a build as the live tree needs it, folded from events. No drawing, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    NotPushed,
    Output,
    Pushed,
    Retrying,
    StepCached,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskFinished,
    TaskStarted,
    Transfer,
    Warned,
)
from pipeline.summary import Results
from pipeline.tally import ByteTally, TaskTally
from pipeline.wording import one_line, retry_text

Mark = Literal["pending", "running", "done", "cached", "failed", "stopped"]

_RETRY_STAYS = 2.0


@dataclass(slots=True)
class StepState:
    """One step: where it belongs in the tree, how far it is, and what it is doing now."""

    service: str
    stage: str
    role: str
    branch: str
    mark: Mark = "pending"
    text: str = ""
    began: float = 0.0
    seconds: float = 0.0
    tasks: TaskTally = field(default_factory=TaskTally)
    bytes: ByteTally = field(default_factory=ByteTally)
    task: str = ""
    task_began: float = 0.0
    output: str = ""

    def elapsed(self, now: float) -> float:
        """Seconds so far, or in all."""
        return now - self.began if self.mark == "running" else self.seconds

    def end(self, mark: Mark, seconds: float, text: str) -> None:
        """Note how the step ended; what it was doing is past."""
        self.mark, self.seconds, self.text = mark, seconds, text
        self.task = self.output = ""


@dataclass(slots=True)
class BuildState:
    """The whole build."""

    name: str = ""
    recipe: str = ""
    services: tuple[str, ...] = ()
    steps: dict[str, StepState] = field(default_factory=dict)
    results: Results = field(default_factory=Results)
    failures: list[BuildFailed] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    finished: BuildFinished | None = None
    began: float = 0.0
    ended: float | None = None
    retry: str = ""
    retry_until: float = 0.0

    def apply(self, event: Event, now: float) -> None:
        """Take in one event that happened at `now`."""
        match event:
            case StepStarted() | StepFinished() | StepCached() | StepFailed():
                self._apply_step(event, now)
            case TaskStarted() | TaskFinished() | Transfer() | Output():
                self._apply_work(event, now)
            case ImageBuilt() | Pushed() | NotPushed():
                self.results.add(event)
            case Warned() | Retrying() | BuildFailed():
                self._apply_trouble(event, now)
            case BuildStarted():
                self.results.add(event)
                self._begin(event, now)
            case BuildFinished():
                self.finished = event

    def close(self, now: float) -> None:
        """Nothing more will happen: what still runs was stopped."""
        self.ended = now if self.ended is None else self.ended
        self.retry = ""
        for step in self.steps.values():
            if step.mark == "running":
                step.end("stopped", now - step.began, "stopped")

    def take_warnings(self) -> list[Warned]:
        """The warnings not yet shown."""
        taken, self.warnings = self.warnings, []
        return taken

    def _begin(self, event: BuildStarted, now: float) -> None:
        self.name = f"{event.project} {event.version}".strip()
        self.recipe, self.services, self.began = event.recipe, event.services, now
        for step in event.steps:
            self.steps.setdefault(step, _ahead(step, event.services))

    def _apply_step(self, event: StepStarted | StepFinished | StepCached | StepFailed, now: float) -> None:
        step = self._step(event.step)
        if isinstance(event, StepStarted | StepCached):
            step.service, step.stage, step.role = event.service, event.stage, event.role
            step.branch = (step.branch or event.role) if event.role else ""
        match event:
            case StepStarted():
                step.mark, step.began, step.text = "running", now, _title(event)
            case StepFinished():
                step.end("done", event.seconds, one_line(event.detail))
            case StepCached():
                step.end("cached", 0.0, one_line(event.reason))
            case StepFailed():
                step.end("failed", event.seconds, one_line(event.message.split("\n", 1)[0]))

    def _apply_work(self, event: TaskStarted | TaskFinished | Transfer | Output, now: float) -> None:
        step = self._step(event.step)
        match event:
            case TaskStarted():
                step.task, step.task_began, step.output = one_line(event.task), now, ""
            case TaskFinished():
                step.tasks.add(event.status)
                step.task = step.output = ""
            case Transfer():
                step.bytes.add(event)
            case Output():
                step.output = one_line(event.line).strip() or step.output

    def _apply_trouble(self, event: Warned | Retrying | BuildFailed, now: float) -> None:
        match event:
            case Warned():
                self.warnings.append(event)
            case Retrying():
                self.retry, self.retry_until = retry_text(event), now + event.wait + _RETRY_STAYS
            case BuildFailed():
                self.failures.append(event)

    def _step(self, step: str) -> StepState:
        return self.steps.setdefault(step, _ahead(step, self.services))


def _title(event: StepStarted) -> str:
    """The title, where it says more than the line's own label does; for a role's small stages their name."""
    if event.title != event.role:
        return one_line(event.title)
    return "" if event.stage == "provision" else event.stage


def _ahead(step: str, services: Iterable[str]) -> StepState:
    """Where a step will be drawn, read from its id (`service/stage` or `service/role/stage`) until it starts."""
    service, _, rest = step.partition("/")
    if service not in services:
        service, rest = "", step
    role, _, stage = rest.rpartition("/")
    return StepState(service=service, stage=stage, role=role, branch=role)


def joint_mark(marks: Iterable[Mark]) -> Mark:
    """The mark of several steps drawn as one; between two steps the whole is still running."""
    seen = set(marks)
    for mark in ("failed", "running", "stopped"):
        if mark in seen:
            return mark
    if "pending" in seen and "done" in seen:
        return "running"
    for mark in ("done", "cached"):
        if mark in seen:
            return mark
    return "pending"
