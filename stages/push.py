"""Push: the registry has every name, and says so itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.events import Pushed, Transfer

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Push all names; each is done when the registry confirms its digest."""
    for name in build.tags:
        digest = tools.engine.push(
            name, lambda item, status, now, total: tools.emit(Transfer(step.id, item, status, now, total))
        )
        tools.emit(Pushed(name, digest))
    return replace(build, note=f"{len(build.tags)} names")
