"""Which events are worth a line of a log, and what the line says."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.events import (
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
    Transfer,
    Warned,
)
from pipeline.tally import ByteTally, TaskTally
from pipeline.wording import (
    count,
    duration,
    hint_lines,
    megabytes,
    not_pushed_text,
    one_line,
    retry_text,
    short_id,
    warning_text,
)

_QUARTER = 25
_AT_MOST_EVERY = 10.0


@dataclass(slots=True)
class _Step:
    tasks: TaskTally = field(default_factory=TaskTally)
    bytes: ByteTally = field(default_factory=ByteTally)
    quarter: int = 0
    said: float | None = None


@dataclass(slots=True)
class Lines:
    """Turns events into lines; remembers for each step its tasks and how far its transfer was told."""

    steps: dict[str, _Step] = field(default_factory=dict)

    def of(self, event: Event, now: float) -> list[str]:
        """The lines for one event, often none."""
        match event:
            case StepStarted() | StepCached() | StepFinished() | StepFailed():
                return self._of_step(event)
            case TaskFinished() | Output() | Transfer():
                return self._of_work(event, now)
            case BuildStarted():
                return [_begin_text(event)]
            case _:
                return _besides(event)

    def _of_step(self, event: StepStarted | StepCached | StepFinished | StepFailed) -> list[str]:
        text = _step_text(event, self._step(event.step))
        return [within(event.step, one_line(text.replace("\n", " ")))]

    def _of_work(self, event: TaskFinished | Output | Transfer, now: float) -> list[str]:
        match event:
            case TaskFinished():
                self._step(event.step).tasks.add(event.status)
                return [] if event.status == "skipped" else [within(event.step, _task_text(event))]
            case Output():
                return [within(event.step, f"| {one_line(event.line)}")]
            case Transfer():
                text = _transfer_text(self._step(event.step), event, now)
                return [within(event.step, text)] if text else []

    def _step(self, step: str) -> _Step:
        return self.steps.setdefault(step, _Step())


def within(step: str, text: str) -> str:
    """A line of a step, led by the step's name where one is known."""
    return f"{step}  {text}" if step else text


def opens(event: Event) -> str:
    """The step that an event begins."""
    return event.step if isinstance(event, StepStarted) else ""


def closes(event: Event) -> str:
    """The step that an event ends."""
    return event.step if isinstance(event, StepFinished | StepFailed) else ""


def _step_text(event: StepStarted | StepCached | StepFinished | StepFailed, step: _Step) -> str:
    match event:
        case StepStarted():
            return event.title if event.title not in ("", event.role) else "started"
        case StepCached():
            return f"cached: {event.reason}" if event.reason else "cached"
        case StepFailed():
            return f"failed after {duration(event.seconds)}: {event.message}"
        case StepFinished():
            parts = (f"done in {duration(event.seconds)}", event.detail, step.tasks.text)
            return ", ".join(part for part in parts if part)


def _begin_text(event: BuildStarted) -> str:
    name = f"{event.project} {event.version}".strip()
    services = f": {', '.join(event.services)}" if event.services else ""
    return f"{name}  {event.recipe}{services} ({count(len(event.steps), 'step')})"


def _besides(event: Event) -> list[str]:
    match event:
        case Warned():
            return [warning_text(event), *hint_lines(event.hint)]
        case Retrying():
            return [retry_text(event)]
        case ImageBuilt():
            return [f"{event.service}  image {short_id(event.image)}, {megabytes(event.size)}"]
        case Pushed():
            return [f"{'is there already:' if event.already else 'pushed'} {event.tag}  {event.digest}"]
        case NotPushed():
            return [not_pushed_text(event)]
        case _:
            return []


def _task_text(event: TaskFinished) -> str:
    why = f": {one_line(event.message.replace(chr(10), ' '))}" if event.message else ""
    return f"{event.status}  {one_line(event.task)} ({duration(event.seconds)}){why}"


def _transfer_text(step: _Step, event: Transfer, now: float) -> str:
    step.bytes.add(event)
    step.said = now if step.said is None else step.said
    total = step.bytes.total
    quarter = step.bytes.current * 100 // total // _QUARTER if total else 0
    if quarter <= step.quarter and now - step.said < _AT_MOST_EVERY:
        return ""
    step.quarter, step.said = max(quarter, step.quarter), now
    percent = f" ({step.bytes.current * 100 // total} %)" if total else ""
    return f"{step.bytes.text}{percent}" if step.bytes.current else ""
