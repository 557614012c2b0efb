"""Bootstrapping a root in the conductor, for machines that have no mmdebstrap of their own.

mmdebstrap works in a container without privileges: it goes on without the mounts that it may not make.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.engine import ContainerId, Engine
from pipeline.errors import PipelineError
from pipeline.events import Output, Sink
from pipeline.mmdebstrap import arguments, sources
from pipeline.recipe import Bootstrap


def bootstrap(
    engine: Engine, conductor: Callable[[str], ContainerId], emit: Sink, base: Bootstrap, archive: Path, step: str
) -> float:
    """Write the root as a tar file; `conductor` starts one that has mmdebstrap. Raises PipelineError.

    Returns when it began, in seconds since 1970, as the times in the root count: by the clock of the engine's machine.
    """
    container = conductor(step)
    command = ("mmdebstrap", "--mode=root", "--skip=check/qemu", *arguments(base), base.suite, "-", *sources(base))
    emit(Output(step, f"mmdebstrap runs in the conductor: {base.suite}"))
    started = float(engine.run(container, ("date", "+%s")).stdout)
    channel = engine.open(container, command)
    try:
        with archive.open("wb") as target:
            shutil.copyfileobj(channel.stdout, target)
        if channel.exit_code() != 0:
            raise PipelineError(
                f"mmdebstrap could not make a root from {base.suite}'s packages in the conductor",
                hint="check the suite's name and that its mirror can be reached",
                detail="\n".join(channel.stderr().decode(errors="replace").splitlines()[-20:]),
            )
    finally:
        channel.close()
    return started
