"""What a build would do: for each step HIT or BUILD, why, and what its last run took; as text or as JSON data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pipeline.engine import Image
from pipeline.plan import LayerKey, describe_base
from pipeline.recipe_model import BuiltService
from pipeline.registry_layer import RegistryLayer
from pipeline.stage import Build, Tools
from pipeline.unpinned import Unpinned
from pipeline.wording import duration, megabytes

SCHEMA_VERSION = 1
NO_ENGINE = "no engine"
NOT_COVERED = "no key covers what these fetch; cache: 7d in the recipe, or --refresh ROLE, plays them again:"

Unbuilt = Callable[[Build], tuple[LayerKey, ...]]
"""What changed in a service's layers since they were last there, where no engine says more."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One line of a plan. `key` holds the reasons and the last run; a base has a description instead.

    `shared` is the repository of a registry that has what the engine has not.
    """

    kind: Literal["base", "role", "image"]
    hit: bool
    role: str = ""
    reasons: tuple[str, ...] = ()
    key: LayerKey | None = None
    shared: str = ""


@dataclass(frozen=True, slots=True)
class PlannedService:
    """The steps of one service, lowest first. `finished` is its image, where it is there already.

    `unpinned` is what its roles fetch that no key covers.
    """

    name: str
    steps: tuple[PlannedStep, ...]
    finished: Image | RegistryLayer | None = field(default=None, compare=False)
    unpinned: tuple[Unpinned, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether anything is to be built."""
        return not all(step.hit for step in self.steps)


def planned(builds: Iterable[Build], tools: Tools | None, unbuilt: Unbuilt | None = None) -> tuple[PlannedService, ...]:
    """Every service in order. Without tools (no engine) nothing is known to be there."""
    done: dict[str, PlannedService] = {}
    for build in builds:
        done[build.service.name] = _service(build, tools, unbuilt, done)
    return tuple(done.values())


def as_text(services: Iterable[PlannedService]) -> str:
    """The lines for a terminal."""
    there, lines = tuple(services), list[str]()
    for service in there:
        lines.append(service.name)
        rows = [(_name(step), _mark(step), _remark(step)) for step in service.steps]
        width = max(len(name) for name, _, _ in rows)
        marks = max(6, *(len(mark) + 1 for _, mark, _ in rows))
        lines += [f"  {name:<{width}}  {mark:<{marks}} {remark}".rstrip() for name, mark, remark in rows]
    remarks = list(dict.fromkeys(str(each) for service in there for each in service.unpinned))
    if remarks:
        lines += ["", NOT_COVERED, *(f"  {remark}" for remark in remarks)]
    return "\n".join(lines)


def as_json(services: Iterable[PlannedService]) -> dict[str, Any]:
    """The documented form (docs/cache.md)."""
    there = tuple(services)
    return {
        "schema": SCHEMA_VERSION,
        "pending": any(service.pending for service in there),
        "services": [
            {
                "service": service.name,
                "pending": service.pending,
                "steps": [_step_json(step) for step in service.steps],
                "unpinned": [asdict(each) for each in service.unpinned],
            }
            for service in there
        ],
    }


def _step_json(step: PlannedStep) -> dict[str, Any]:
    key = step.key
    last = key.last if key else None
    return {
        "step": step.kind,
        "role": step.role,
        "action": "hit" if step.hit else "build",
        "reasons": list(step.reasons),
        "shared": step.shared or None,
        "key": key.key if key and key.below else None,
        "last_seconds": last.seconds if last and last.seconds else None,
        "last_size": last.size if last else None,
    }


def _mark(step: PlannedStep) -> str:
    if not step.hit:
        return "BUILD"
    return "HIT (shared)" if step.shared else "HIT"


def _name(step: PlannedStep) -> str:
    return f"role {step.role}" if step.kind == "role" else step.kind


def _remark(step: PlannedStep) -> str:
    reason = replace(step.key, reasons=step.reasons).reason if step.key else "; ".join(step.reasons)
    last = step.key.last if step.key else None
    if last is None or not (last.seconds or last.size):
        return reason
    took = [duration(last.seconds)] if last.seconds else []
    figures = ", ".join([*took, *([megabytes(last.size)] if last.size else [])])
    return f"{reason} ({figures})" if reason else f"({figures})"


def _service(
    build: Build, tools: Tools | None, unbuilt: Unbuilt | None, done: dict[str, PlannedService]
) -> PlannedService:
    base = _base(build, tools, done) if tools else None
    first = PlannedStep("base", bool(base), reasons=(describe_base(build.service.base),), shared=_repository(base))
    if tools is None or base is None:
        return PlannedService(build.service.name, (first, *_without_base(build, tools, unbuilt)))
    keys = tools.records.keys(build, base, tools.player.key())
    finished = tools.engine.find_image(keys[-1].image) if keys[-1].image else keys[-1].shared
    return PlannedService(build.service.name, (first, *(_step(key, key.reasons) for key in keys)), finished)


def _step(key: LayerKey, reasons: tuple[str, ...]) -> PlannedStep:
    there, repository = bool(key.image or key.shared), _repository(None if key.image else key.shared)
    return PlannedStep("role" if key.role else "image", there, key.role, reasons, key, repository)


def _repository(found: Image | RegistryLayer | None) -> str:
    return found.repository if isinstance(found, RegistryLayer) else ""


def _without_base(build: Build, tools: Tools | None, unbuilt: Unbuilt | None) -> Iterable[PlannedStep]:
    """The layers of a service whose base is not known: why it is not, then what changed in them since."""
    if tools is None:
        why = NO_ENGINE
        keys = unbuilt(build) if unbuilt else tuple(LayerKey(name, "") for name in (*build.service.role_labels, ""))
    else:
        on_service = isinstance(build.service.base, BuiltService)
        why = "the service below comes first" if on_service else "its base is not there yet"
        keys = tools.records.unbuilt(build, tools.player.key())
    return (_step(key, (why, *key.reasons)) for key in keys)


def _base(build: Build, tools: Tools, done: dict[str, PlannedService]) -> Image | RegistryLayer | None:
    match build.service.base:
        case BuiltService(name=name):
            return done[name].finished if name in done else None
        case base:
            return tools.roots.find(base) or (tools.cache.root(base) if tools.cache else None)
