"""Conductor: the container that runs Ansible is up, and the runtime that targets borrow is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Make the conductor's image on its own base where its inputs changed, and start it."""
    base = tools.roots.ensure(build.recipe.conductor.base, step.id)
    tools.player.start(tools.player.build(base.id, step.id))
    return build
