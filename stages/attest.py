"""Attest: bills of materials, provenance and a signature are attached to what was pushed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.events import Sink
    from pipeline.plan import Step
    from pipeline.stage import Build, Stage, Tools


class Attester(Protocol):
    """Knows what is wanted, and reaches the registry."""

    def attest(self, build: Build, engine: Engine, emit: Sink) -> str:
        """Attach what an image lacks where it was pushed to; says what that was. Raises PipelineError."""
        ...


def by(attester: Attester) -> Stage:
    """The stage: an image keeps its digest, and what is attached already stays."""

    def run(build: Build, step: Step, tools: Tools) -> Build:
        """Attach what an image lacks where it was pushed to."""
        return replace(build, note=attester.attest(build, tools.engine, tools.emit))

    return run
