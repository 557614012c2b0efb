"""What happened, as data. Displays and logs are made from these, never the other way round.

Every event is a frozen dataclass; `to_json` gives the documented form (docs/events.md): the event's
name under `event`, then its fields. Times are seconds, sizes are bytes. `step` is `Step.id`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

SCHEMA_VERSION = 1

TaskStatus = Literal["ok", "changed", "skipped", "failed", "ignored", "unreachable"]


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build begins; `steps` are the ids of all steps, in order, so that a display can draw them ahead.

    `revision` is the commit that the images say they are made of, "" without gitflow.
    """

    project: str
    version: str
    recipe: str
    services: tuple[str, ...]
    steps: tuple[str, ...]
    run_id: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A stage begins work; `title` is a short phrase such as "root from trixie"."""

    step: str
    service: str
    stage: str
    role: str
    title: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A stage is done; `detail` says in a few words what came out of it."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepCached:
    """A stage had nothing to do, because its result is there already."""

    step: str
    service: str
    stage: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A stage failed; the error follows as `BuildFailed`."""

    step: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """Ansible begins a task; `path` is "file:line" relative to the project, where known."""

    step: str
    role: str
    task: str
    path: str


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """Ansible ended a task; `message` is the module's own where it failed, else empty."""

    step: str
    role: str
    task: str
    status: TaskStatus
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bytes of one pull, push or import; `item` names the layer, `total` is 0 where it is not known."""

    step: str
    item: str
    status: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Output:
    """A line that a tool printed (mmdebstrap, the conductor's build, a module's warning)."""

    step: str
    line: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know that does not stop the build."""

    message: str
    hint: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request to the engine or registry failed in a way that may pass; it is made again after `wait`."""

    what: str
    attempt: int
    wait: float
    reason: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a finished image: who made it and what it weighs (bytes, unpacked)."""

    made_by: str
    size: int
    cached: bool


@dataclass(frozen=True, slots=True)
class ImageBuilt:
    """A service is done. `stages` maps a stage to the seconds it took; `try_it` is a command line."""

    service: str
    image: str
    tags: tuple[str, ...]
    size: int
    layers: tuple[Layer, ...]
    stages: dict[str, float]
    try_it: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """The registry confirmed a tag with this digest; `already`: it had it from before, and nothing was sent."""

    tag: str
    digest: str
    already: bool = False


@dataclass(frozen=True, slots=True)
class NotPushed:
    """A name that was to be pushed and was not; `tried`: the registry failed or refused it, else nobody came to it."""

    tag: str
    tried: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """A build ended with an error. `place` is "file:line"; `detail` is the module's stderr or the like."""

    message: str
    hint: str = ""
    place: str = ""
    detail: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class BuildFinished:
    """The last event of a successful build."""

    seconds: float
    images: int


Event = (
    BuildStarted
    | StepStarted
    | StepFinished
    | StepCached
    | StepFailed
    | TaskStarted
    | TaskFinished
    | Transfer
    | Output
    | Warned
    | Retrying
    | ImageBuilt
    | Pushed
    | NotPushed
    | BuildFailed
    | BuildFinished
)
Sink = Callable[[Event], None]


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON data: `schema`, `event` (snake_case name), then its fields."""
    return {"schema": SCHEMA_VERSION, "event": _name(type(event)), **asdict(event)}


def from_json(data: Mapping[str, Any]) -> Event | None:
    """The event that `to_json` made this of, from whatever version; None where it cannot be one."""
    kind = _KINDS.get(str(data.get("event")))
    if kind is None:
        return None
    try:
        event: Event = kind(**{each.name: _value(data[each.name]) for each in fields(kind) if each.name in data})
    except TypeError:
        return None
    return event


def _name(kind: type) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")


def _value(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(Layer(**each) if isinstance(each, dict) else each for each in value)


_KINDS: dict[str, Any] = {_name(kind): kind for kind in get_args(Event)}
