"""A service flattened into ordered steps, and what is known of each before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.engine import ImageId
from pipeline.recipe_model import Base, BaseImage, Bootstrap, BuiltService, Rootfs, Service
from pipeline.registry_layer import RegistryLayer

MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A stage applied to a service, or to one role of it (`index` counts roles from 0, -1 without a role)."""

    stage: str
    service: str
    role: str = ""
    index: int = -1
    title: str = ""

    @property
    def id(self) -> str:
        """The step's name in events and logs: SERVICE/STAGE or SERVICE/ROLE/STAGE."""
        return "/".join(part for part in (self.service, self.role, self.stage) if part)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a layer belongs: the project's name, the recipe's file, the service."""

    project: str = ""
    recipe: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the last run of a step took, in seconds, and what came out of it, in bytes."""

    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class LayerKey:
    """The key of one layer (a role's, or the finished image's where `role` is ""), and where it stands.

    `image` is set when the engine has the layer, `shared` when a registry has it; `reasons` say why it has to be built
    otherwise. `below` is the key of the layer below, `shown` are values of inputs that may be read by anybody, `last`
    is an earlier run. `facts` says that the role can see facts about its target, `hardware` those about the machine's
    hardware.
    """

    role: str
    key: str
    image: ImageId | None = None
    reasons: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    home: Home = field(default_factory=Home)
    below: str = ""
    shown: dict[str, str] = field(default_factory=dict)
    last: LastRun | None = None
    shared: RegistryLayer | None = None
    hardware: bool = False
    facts: bool = True

    @property
    def reason(self) -> str:
        """The reasons on one line, no more than three of them."""
        more = len(self.reasons) - MOST_REASONS
        return "; ".join((*self.reasons[:MOST_REASONS], *((f"and {more} more",) if more > 0 else ())))


@dataclass(frozen=True, slots=True)
class Outline:
    """A stage's name and whether it is applied once for each role."""

    stage: str
    per_role: bool = False


def steps(service: Service, order: tuple[Outline, ...]) -> tuple[Step, ...]:
    """All steps of a service in the order in which they run; stages of roles are grouped by role."""
    result: list[Step] = []
    labels = service.role_labels
    grouped = tuple(outline for outline in order if outline.per_role)
    for outline in order:
        if not outline.per_role:
            result.append(Step(outline.stage, service.name, title=_title(outline.stage, service)))
        elif outline is grouped[0]:
            result += [
                Step(each.stage, service.name, label, index, title=label)
                for index, label in enumerate(labels)
                for each in grouped
            ]
    return tuple(result)


def describe_base(base: Base | BuiltService) -> str:
    """A base in a few words, for displays and messages."""
    match base:
        case BaseImage(reference=reference):
            return f"image {reference}"
        case Bootstrap(suite=suite):
            return f"root from {suite}'s packages"
        case Rootfs(source=source):
            return f"root from {source.rsplit('/', 1)[-1]}"
        case BuiltService(name=name):
            return f"service {name}"


def _title(stage: str, service: Service) -> str:
    return describe_base(service.base) if stage == "base" else ""
