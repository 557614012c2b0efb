"""Share: a registry has every layer of the service, for other engines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Write the layers that the shared cache does not have yet: all of them are of roles that succeeded."""
    return replace(build, note=tools.cache.share(build, step.id) if tools.cache else "")
