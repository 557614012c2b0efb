"""Base: the root that the service starts from is an image of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Pull, bootstrap or import the root, then see which layers on top of it exist already."""
    image = tools.roots.ensure(build.service.base, step.id)
    keys = tools.records.keys(build, image, tools.player.key())
    return replace(build, base=image, image=image.id, keys=keys, note=f"{image.size / 1e6:.1f} MB")
