"""Provision: one role is played on the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.player import Play

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Play the role; what it says about the image's configuration is laid over that of the layer below."""
    if build.target is None or build.image is None:
        raise PipelineError("there is no target to provision")
    role = build.service.roles[step.index]
    below = tools.engine.find_image(build.image)
    play = Play(
        role=tools.records.role_files(role),
        parameters=role.parameters,
        variables=build.service.variables,
        gather_facts=role.gather_facts,
        hardware_facts=any(key.hardware for key in build.keys),
        borrowed_python=build.service.python == "runtime",
        step=step.id,
        path=below.config.environment.get("PATH", "") if below else "",
        secrets=role.secrets,
    )
    result = tools.player.play(build.target, play)
    config = below.config.merged(result.config) if below else result.config
    return replace(build, config=config)
