"""Commit: a role's result becomes a layer; the last layer gets the image's configuration."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.engine import Rewriting
from pipeline.errors import EngineError, PipelineError, VerificationError
from pipeline.events import Warned
from pipeline.image_config import ImageConfig
from pipeline.own_labels import without_inherited
from pipeline.residue import left_behind, residue
from pipeline.service_notes import service_warnings

if TYPE_CHECKING:
    from pipeline.engine import ContainerId, Engine, ImageId
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Commit the target after its role; nothing but the role's files may be in the layer."""
    if build.target is None:
        raise PipelineError("there is no target to commit")
    said = tools.player.settle(build.target)
    for message, hint in service_warnings(said):
        tools.emit(Warned(f"{step.role}: {message}", hint))
    _refuse_residue(left_behind(said), build, step)
    tools.on_exit(tools.aside.join)
    image = tools.engine.commit(build.target, build.config, "", f"role {step.role}")
    try:
        tools.player.conclude()  # only now: Ansible takes a quarter of a second to end, in which the layer was made
    except PipelineError:
        remove_nameless(image, tools)
        raise
    tools.aside.begin(partial(remove_target, build.target))
    tools.records.save(build.keys[step.index], image)
    return replace(build, image=image, target=None, note=image.removeprefix("sha256:")[:12])


def _refuse_residue(changes: tuple[str, ...], build: Build, step: Step) -> None:
    found = residue(changes, build.service.verify.allow)
    if found:
        raise VerificationError(
            f"role {step.role} leaves traces of the build in its layer: " + ", ".join(found[:20]),
            hint="let the role remove them, or list a pattern under verify.allow",
        )


def remove_target(target: ContainerId, engine: Engine) -> None:
    """Take a target away; a quarter of a second that nothing waits for."""
    engine.remove_container(target)


def finish(build: Build, step: Step, tools: Tools) -> Build:
    """Lay the recipe's configuration over the last layer's; no layer is added, but they may be merged into one.

    What the roles' meta files say comes below what the roles said while they were played, and above the base, whose
    labels about itself do not stay.
    """
    last = tools.engine.find_image(build.image or "")
    if last is None:
        raise PipelineError("there is no layer to configure")
    config = without_inherited(_with_meta(build, last.config).merged(build.service.config), build)
    image = tools.engine.configure(last.id, config, {})
    if image != last.id:
        tools.on_exit(partial(remove_nameless, image, tools))
    if build.service.squash and build.base:
        image = tools.engine.rewrite(image, Rewriting(len(build.base.layers), merge=True))
        tools.on_exit(partial(remove_nameless, image, tools))
    return replace(build, image=image, config=config, note=image.removeprefix("sha256:")[:12])


def _with_meta(build: Build, last: ImageConfig) -> ImageConfig:
    if build.base is None or build.service.role_config == ImageConfig():
        return last
    base = build.base.config
    return base.merged(build.service.role_config).merged(last.beyond(base))


def remove_nameless(image: ImageId, tools: Tools) -> None:
    """Take an image away that nobody has named: it was not verified, or the build was stopped."""
    with suppress(EngineError):  # what goes wrong here must not hide why
        found = tools.engine.find_image(image)
        if found and not found.tags:
            tools.engine.remove_image(image)
