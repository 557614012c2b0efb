"""The loop: every step of every service in order, clean-up in reverse, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline import plan
from pipeline.errors import EngineError, PipelineError, UsageError
from pipeline.events import Sink, StepCached, StepFailed, StepFinished, StepStarted, Warned
from pipeline.image_report import Times, report
from pipeline.plan import Outline, Step
from pipeline.recipe_model import BuiltService
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


def outline(catalogue: tuple[Entry, ...]) -> tuple[Outline, ...]:
    """The catalogue's order as the plan wants it."""
    return tuple(Outline(entry.name, entry.per_role) for entry in catalogue)


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run goes: `keep` leaves what a failed service made; `only_finished` builds nothing.

    `alone`, called with a layer's key, keeps others from making the same layer for as long as it is held.
    """

    keep: bool = False
    only_finished: bool = False
    alone: Callable[[str], AbstractContextManager[object]] = nullcontext


def run(
    builds: tuple[Build, ...], tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules
) -> tuple[Build, ...]:
    """Run all steps for each service, in the order given, and return what came out.

    A service that is built on another one of the recipe comes after it.

    Raises the first PipelineError, or StopRequested, after everything else was cleaned up.
    """
    with ExitStack() as cleanup:
        register(cleanup, tools.player.stop, tools.emit, keep=rules.keep)
        first, last = halves(catalogue)
        built: dict[str, Build] = {}
        for build in builds:
            built[build.service.name] = build_service(build, built, tools, first, clock, rules)
        return finish(tuple(built.values()), tools, last, clock, rules)


def halves(catalogue: tuple[Entry, ...]) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """What is run service by service, and what comes when all of them have come through that."""
    first = tuple(entry for entry in catalogue if not entry.after_all)
    return first, tuple(entry for entry in catalogue if entry.after_all)


def build_service(
    build: Build, built: Mapping[str, Build], tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules
) -> Build:
    """Bring one service through the catalogue; `built` has the one that it is built on. Reports the image."""
    match build.service.base:
        case BuiltService(name=name) if name in built:
            base = tools.engine.find_image(built[name].image or "")
            build = replace(build, base=base, root_layers=built[name].root_layers)
    times = Times()
    build = _run_service(build, tools, catalogue, times, clock, rules)
    report(build, tools, times)
    return build


def finish(
    builds: tuple[Build, ...], tools: Tools, catalogue: tuple[Entry, ...], clock: Clock, rules: Rules
) -> tuple[Build, ...]:
    """Bring the services, one after the other, through what comes when all are built."""
    if not catalogue:
        return builds
    return tuple(_run_service(build, tools, catalogue, Times(), clock, rules) for build in builds)


@dataclass(frozen=True, slots=True)
class _Way:
    """What the steps of one service are run with."""

    tools: Tools
    stages: dict[tuple[str, bool], Stage]
    times: Times
    clock: Clock
    rules: Rules


def _run_service(
    build: Build, tools: Tools, catalogue: tuple[Entry, ...], times: Times, clock: Clock, rules: Rules
) -> Build:
    stages = {(entry.name, entry.per_role): entry.run for entry in catalogue}
    with ExitStack() as cleanup:
        own = replace(tools, on_exit=lambda undo: register(cleanup, undo, tools.emit, keep=rules.keep))
        way = _Way(own, stages, times, clock, rules)
        for layer, steps in groupby(plan.steps(build.service, outline(catalogue)), key=_layer):
            build = _run_steps(build, layer, tuple(steps), way)
    return build


def _layer(step: Step) -> int | None:
    """The index of the key whose layer a step has a part in: a role's, -1 for the finished image's."""
    return step.index if step.index >= 0 or step.stage in ("commit", "rewrite", "verify") else None


def _run_steps(build: Build, layer: int | None, steps: tuple[Step, ...], way: _Way) -> Build:
    """The steps of one layer, or between layers. What is missing may be made by somebody else at this moment."""
    if layer is None or not build.keys or build.keys[layer].image or way.rules.only_finished:
        return _run_each(build, steps, way)
    with way.rules.alone(build.keys[layer].key):
        return _run_each(_looked_again(build, layer, way.tools), steps, way)


def _looked_again(build: Build, layer: int, tools: Tools) -> Build:
    """The keys as they are by now. What is said of the layers below stays: what this build made was not found."""
    if build.base is None:
        return build
    found = tools.records.keys(build, build.base, tools.player.key())
    return replace(build, keys=build.keys[:layer] + found[layer:])


def _run_each(build: Build, steps: tuple[Step, ...], way: _Way) -> Build:
    for step in steps:
        if reason := cached(build, step):
            way.tools.emit(StepCached(step.id, step.service, step.stage, step.role, reason))
            build = adopt(build, step)
        elif way.rules.only_finished and _builds(build, step, way.tools):
            raise UsageError(f"{step.service} is not built as its recipe now stands", hint="run: baseimage build")
        else:
            build = _run_step(build, step, way)
    return build


def _run_step(build: Build, step: Step, way: _Way) -> Build:
    stage, emit, clock = way.stages[step.stage, step.index >= 0], way.tools.emit, way.clock
    emit(StepStarted(step.id, step.service, step.stage, step.role, step.title))
    started = clock()
    try:
        build = stage(build, step, way.tools)
    except PipelineError as error:
        error.step = step.id
        emit(StepFailed(step.id, clock() - started, error.message))
        raise
    way.times.add(step.stage, clock() - started)
    emit(StepFinished(step.id, clock() - started, build.note))
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
    base = build.service.base
    missing = step.stage == "base" and not isinstance(base, BuiltService) and tools.roots.find(base) is None
    return missing or step.stage in BUILDING


def adopt(build: Build, step: Step) -> Build:
    """The state after a step whose result is there already."""
    key = build.keys[step.index] if step.stage == "commit" else None
    return replace(build, image=key.image) if key else build


def register(cleanup: ExitStack, undo: Callable[[], None], emit: Sink, *, keep: bool) -> None:
    """Undo something at the end, whatever comes; with `keep` not after a failure."""

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
