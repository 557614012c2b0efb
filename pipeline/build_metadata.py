"""What came of a run, as data for the job that started it (docs/metadata.md), folded from events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    NotPushed,
    Pushed,
    StepFailed,
)

SCHEMA_VERSION = 1
Result = Literal["done", "failed", "stopped"]


@dataclass
class Account:
    """Takes every event; `clock` gives the time as it is to be written. A run that says no end was stopped."""

    clock: Callable[[], str]
    started: str = ""
    begun: BuildStarted | None = None
    images: dict[str, ImageBuilt] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    failed_services: set[str] = field(default_factory=set)
    errors: list[dict[str, str]] = field(default_factory=list)
    seconds: float | None = None

    def __post_init__(self) -> None:
        """The time at which it begins is that of the run."""
        self.started = self.clock()

    def add(self, event: Event) -> None:
        """Keep what belongs into the account."""
        match event:
            case BuildStarted():
                self.begun = event
            case ImageBuilt():
                self.images[event.service] = event
            case Pushed():
                self.names[event.tag] = {"state": "kept" if event.already else "pushed", "digest": event.digest}
            case NotPushed():
                state = "failed" if event.tried else "not tried"
                self.names[event.tag] = {"state": state, "digest": "", "reason": event.reason}
            case StepFailed():
                self.failed_services.add(event.step.partition("/")[0])
            case BuildFailed():
                kept = ("message", "hint", "place", "step")
                self.errors.append({key: value for key, value in asdict(event).items() if key in kept})
            case BuildFinished():
                self.seconds = event.seconds
            case _:
                return

    def untried(self) -> Iterator[str]:
        """The names that were to be pushed and that nothing has come of."""
        for image in self.images.values():
            if self._is_pushed(image.service):
                yield from (name for name in image.tags if name not in self.names)

    @property
    def result(self) -> Result:
        """How the run ended."""
        if self.errors:
            return "failed"
        return "stopped" if self.seconds is None else "done"

    def data(self) -> dict[str, Any]:
        """The documented form."""
        begun = self.begun
        return {
            "schema": SCHEMA_VERSION,
            "result": self.result,
            "project": begun.project if begun else "",
            "version": begun.version if begun else "",
            "revision": begun.revision if begun else "",
            "recipe": begun.recipe if begun else "",
            "run_id": begun.run_id if begun else "",
            "started": self.started,
            "ended": self.clock(),
            "services": {name: self._service(name) for name in begun.services} if begun else {},
            "errors": self.errors,
        }

    def _service(self, name: str) -> dict[str, Any]:
        image = self.images.get(name)
        if image is None:
            return {"state": "failed" if name in self.failed_services else "not built"}
        nothing = {"state": "not tried" if self._is_pushed(name) else "named", "digest": ""}
        names = [{"name": tag, **self.names.get(tag, nothing)} for tag in image.tags]
        digests = {each["digest"] for each in names if each["digest"]}
        return {
            "state": self._state(name, [each["state"] for each in names]),
            "image": image.image,
            "digest": digests.pop() if len(digests) == 1 else "",
            "size": image.size,
            "names": names,
            "layers": [asdict(layer) for layer in image.layers],
            "seconds": image.stages,
        }

    def _state(self, service: str, states: list[str]) -> str:
        if not states or not self._is_pushed(service):
            return "built"
        return "pushed" if set(states) <= {"pushed", "kept"} else "not pushed"

    def _is_pushed(self, service: str) -> bool:
        """Whether the run was to push it."""
        return bool(self.begun and f"{service}/push" in self.begun.steps)
