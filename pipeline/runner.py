"""The loop: every step of every service in order, clean-up in reverse, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from pipeline import plan
from pipeline.engine import Image
from pipeline.errors import EngineError, PipelineError, UsageError
from pipeline.events import ImageBuilt, Layer, Sink, StepCached, StepFailed, StepFinished, StepStarted, Warned
from pipeline.plan import Outline, Step
from pipeline.stage import Build, Stage, Tools

Clock = Callable[[], float]
BUILDING = ("conductor", "target", "provision", "commit", "verify")
"""Stages that change or try an image; a run that builds nothing may not come to one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the catalogue: a stage's name and function.

    It may run once for each role, or only when all services have come through everything before it.
    """

    name: str
    run: Stage
    per_role: bool = False
    after_all: bool = False


@dataclass
class _Times:
    """Seconds per stage of one service."""

    stages: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, seconds: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


def outline(catalogue: tuple[Entry, ...]) -> tuple[Outline, ...]:
    """The catalogue's order as the plan wants it."""
    return tuple(Outline(entry.name, entry.per_role) for entry in catalogue)


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run goes: `keep` leaves what a failed service made; `only_finished` builds nothing."""

    keep: bool = False
    only_finished: bool = False


def run(
    builds: tuple[Build, ...], tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules
) -> tuple[Build, ...]:
    """Run all steps for each service and return what came out.

    Raises the first PipelineError, or StopRequested, after everything else was cleaned up.
    """
    with ExitStack() as cleanup:
        _register(cleanup, tools.player.stop, tools.emit, keep=rules.keep)
        first = tuple(entry for entry in catalogue if not entry.after_all)
        built = tuple(_run_service(build, tools, first, clock, rules) for build in builds)
        last = tuple(entry for entry in catalogue if entry.after_all)
        return tuple(_run_service(build, tools, last, clock, rules) for build in built) if last else built


def _run_service(build: Build, tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules) -> Build:
    stages = {(entry.name, entry.per_role): entry.run for entry in catalogue}
    times = _Times()
    with ExitStack() as cleanup:
        own = replace(tools, on_exit=lambda undo: _register(cleanup, undo, tools.emit, keep=rules.keep))
        for step in plan.steps(build.service, outline(catalogue)):
            if reason := cached(build, step):
                tools.emit(StepCached(step.id, step.service, step.stage, step.role, reason))
                build = adopt(build, step)
            elif rules.only_finished and _builds(build, step, tools):
                raise UsageError(f"{step.service} is not built as its recipe now stands", hint="run: baseimage build")
            else:
                build = _run_step(build, step, stages[step.stage, step.index >= 0], own, times, clock)
    if not all(entry.after_all for entry in catalogue):
        _report(build, tools, times)
    return build


def _run_step(build: Build, step: Step, stage: Stage, tools: Tools, times: _Times, clock: Clock) -> Build:
    tools.emit(StepStarted(step.id, step.service, step.stage, step.role, step.title))
    started = clock()
    try:
        build = stage(build, step, tools)
    except PipelineError as error:
        tools.emit(StepFailed(step.id, clock() - started, error.message))
        raise
    times.add(step.stage, clock() - started)
    tools.emit(StepFinished(step.id, clock() - started, build.note))
    return replace(build, note="")


def cached(build: Build, step: Step) -> str:
    """Why a step has nothing to do, "" when it has to run."""
    if not build.keys:
        return ""
    finished = build.keys[-1].image is not None
    match step.stage:
        case "conductor":
            return "no role to play" if all(key.image for key in build.keys[:-1]) else ""
        case "commit" | "verify" if step.index < 0:
            return "same layers, same configuration" if finished else ""
        case "target" | "provision" | "commit":
            return "same inputs" if build.keys[step.index].image else ""
        case _:
            return ""


def _builds(build: Build, step: Step, tools: Tools) -> bool:
    missing = step.stage == "base" and tools.roots.find(build.service.base) is None
    return missing or step.stage in BUILDING


def adopt(build: Build, step: Step) -> Build:
    """The state after a step whose result is there already."""
    key = build.keys[step.index] if step.stage == "commit" else None
    return replace(build, image=key.image) if key else build


def _register(cleanup: ExitStack, undo: Callable[[], None], emit: Sink, *, keep: bool) -> None:
    def attempt() -> None:
        try:
            undo()
        except EngineError as error:  # it must hide neither what failed before nor what is still to be removed
            emit(Warned(f"something is left behind: {error.message}", hint="baseimage gc removes it"))

    if keep:
        cleanup.push(_unless_failed(attempt))
    else:
        cleanup.callback(attempt)


def _unless_failed(undo: Callable[[], None]) -> Callable[..., None]:
    def leave(_kind: object, error: object, _trace: object) -> None:
        if not isinstance(error, PipelineError):
            undo()

    return leave


def _report(build: Build, tools: Tools, times: _Times) -> None:
    image = tools.engine.find_image(build.tags[0] if build.tags else build.image or "")
    if image is None or build.base is None:
        return
    tools.emit(
        ImageBuilt(
            service=build.service.name,
            image=image.id,
            tags=build.tags,
            size=image.size,
            layers=_layers(build, image, tools),
            stages=times.stages,
            try_it=f"docker run --rm {build.tags[0] if build.tags else image.id}",
        )
    )


def _layers(build: Build, image: Image, tools: Tools) -> tuple[Layer, ...]:
    """The image's layers: all of the base's as one, then one for each role."""
    layers = tools.engine.layers(image.id)
    names = [f"role {label}" for label in build.service.role_labels]
    above = layers[len(tools.engine.layers(build.base.id)) if build.base else 0 :]
    sizes = [layer.size for layer in above]
    if len(sizes) != len(names):  # a role that only removed something, or nothing at all, has no layer with data
        sizes = [sum(layer.size for layer in above if layer.created_by == name) for name in names]
    base = sum(layer.size for layer in layers) - sum(sizes)
    return Layer(plan.describe_base(build.service.base), base, cached=False), *(
        Layer(name, size, cached=bool(key.image)) for name, size, key in zip(names, sizes, build.keys, strict=False)
    )
