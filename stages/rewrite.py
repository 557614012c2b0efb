"""Rewrite: the image that gets the names has the same digest whenever and wherever it is built."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.engine import Rewriting
from pipeline.errors import PipelineError
from stages.commit import remove_nameless

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Write all layers above the root anew, no younger than the build's epoch; nothing without one.

    What was built stays as it is: the cache, and what is built on it, do not change with every commit.
    """
    if build.image is None:
        raise PipelineError("there is no image to rewrite")
    if build.epoch is None:
        return build
    how = Rewriting(build.root_layers, epoch=build.epoch)
    known = tools.records.rewritten(build.image, how)
    image = known or tools.engine.rewrite(build.image, how)
    if image != build.image:
        tools.on_exit(partial(remove_nameless, image, tools))
    if not known:
        tools.records.save_rewritten(build.image, how, image)
    return replace(build, rewritten=image, note=image.removeprefix("sha256:")[:12])
