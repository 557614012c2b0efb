"""Commit: a role's result becomes a layer; the last layer gets the image's configuration."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.errors import EngineError, PipelineError, VerificationError
from pipeline.residue import residue

if TYPE_CHECKING:
    from pipeline.engine import ImageId
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Commit the target after its role; nothing but the role's files may be in the layer."""
    if build.target is None:
        raise PipelineError("there is no target to commit")
    tools.player.settle(build.target)
    found = residue(tools.engine.changes(build.target), build.service.verify.allow)
    if found:
        raise VerificationError(
            f"role {step.role} leaves traces of the build in its layer: " + ", ".join(found[:20]),
            hint="let the role remove them, or list a pattern under verify.allow",
        )
    image = tools.engine.commit(build.target, build.config, "", f"role {step.role}")
    tools.engine.remove_container(build.target)
    tools.records.save(build.keys[step.index], image)
    return replace(build, image=image, target=None, note=image.removeprefix("sha256:")[:12])


def finish(build: Build, step: Step, tools: Tools) -> Build:
    """Lay the recipe's configuration over the last layer's; no layer is added."""
    last = tools.engine.find_image(build.image or "")
    if last is None:
        raise PipelineError("there is no layer to configure")
    config = last.config.merged(build.service.config)
    image = tools.engine.configure(last.id, config, {})
    if image != last.id:
        tools.on_exit(partial(remove_nameless, image, tools))
    return replace(build, image=image, config=config, note=image.removeprefix("sha256:")[:12])


def remove_nameless(image: ImageId, tools: Tools) -> None:
    """Take an image away that nobody has named: it was not verified, or the build was stopped."""
    with suppress(EngineError):  # what goes wrong here must not hide why
        found = tools.engine.find_image(image)
        if found and not found.tags:
            tools.engine.remove_image(image)
