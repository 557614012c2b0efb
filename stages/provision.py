"""Provision: one role is played on the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.plays import follows, play_of

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Play the role; what it says about the image's configuration is laid over that of the layer below."""
    if build.target is None or build.image is None:
        raise PipelineError("there is no target to provision")
    below = tools.engine.find_image(build.image)
    known = below.config if below else None
    then = play_of(build, step.index + 1, known, tools) if follows(build, step.index) else None
    result = tools.player.play(build.target, play_of(build, step.index, known, tools), then)
    config = below.config.merged(result.config) if below else result.config
    return replace(build, config=config)
