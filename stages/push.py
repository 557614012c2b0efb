"""Push: the registry has every name, and says so itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.errors import PushFailedError, SeveralServicesError
from pipeline.events import NotPushed, Pushed, Transfer
from pipeline.gitflow import REVISION
from pipeline.image_names import names_once
from pipeline.reference import ImageReference
from stages.commit import remove_nameless
from stages.tag import give

if TYPE_CHECKING:
    from pipeline.engine import Progress, Published
    from pipeline.errors import PipelineError
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Push all names; each is done when the registry confirms its digest. A registry that fails stops no other.

    A version that is published once stays as it is: where the registry has it, of the same commit, the names that
    move are given to that very image. Where one registry has it of another commit, or does not say, none gets anything.
    """
    there = _there(build, step, tools)
    if there:
        image = next(iter(there.values())).image
        for name in build.tags:
            give(image.id, name, tools)
    failed: dict[str, PushFailedError] = {}
    for name in build.tags:
        registry = ImageReference.parse(name).registry
        if name in there:
            tools.emit(Pushed(name, there[name].digest, already=True))
        elif registry not in failed:
            try:
                tools.emit(Pushed(name, tools.engine.push(name, _progress(step, tools))))
            except PushFailedError as error:
                tools.emit(NotPushed(name, tried=True, reason=error.message))
                failed[registry] = error
    if failed:
        raise _joined(tuple(failed.values()), step)
    return replace(build, note=_note(len(build.tags), len(there)))


def _joined(errors: tuple[PushFailedError, ...], step: Step) -> PipelineError:
    """One error for a registry's, or for those of several; nothing more was pushed to a registry that had failed."""
    for error in errors:
        error.step = step.id
    return errors[0] if len(errors) == 1 else SeveralServicesError(errors)


def _there(build: Build, step: Step, tools: Tools) -> dict[str, Published]:
    """What the registries have of the names that are published once. Every one is asked, and each that refuses told.

    Raises PushFailedError, SeveralServicesError.
    """
    there: dict[str, Published] = {}
    failed: dict[str, PushFailedError] = {}
    for name in names_once(build.project, build.service.name, build.recipe.tags):
        registry = ImageReference.parse(name).registry
        if name not in build.tags or registry in failed:
            continue
        try:
            if found := tools.engine.published(name, _progress(step, tools)):
                there[name] = _ours(name, found, build, tools)
        except PushFailedError as error:
            tools.emit(NotPushed(name, tried=True, reason=error.message))
            failed[registry] = error
    if failed:
        raise _joined(tuple(failed.values()), step)
    return there


def _ours(name: str, found: Published, build: Build, tools: Tools) -> Published:
    """What was found, if it is of this commit. Raises PushFailedError for another one's."""
    ours = build.project.release.revision if build.project.release else ""
    theirs = found.image.config.labels.get(REVISION, "")
    if theirs != ours:
        tools.on_exit(partial(remove_nameless, found.image.id, tools))
        raise PushFailedError(
            f"{name} is published already, of commit {theirs or '(it does not say)'}, and this is commit {ours}",
            hint="a version is published once; for this commit: baseimage bump patch, and release that",
            detail=f"{name} is {found.digest}",
        )
    return found


def _progress(step: Step, tools: Tools) -> Progress:
    return lambda item, status, now, total: tools.emit(Transfer(step.id, item, status, now, total))


def _note(names: int, there: int) -> str:
    if not names:
        return "nothing to push on this branch"
    if names == there:
        return "nothing to push: the registry has it already"
    return f"{names - there} names" + (f", {there} there already" if there else "")
