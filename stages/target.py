"""Target: a container of the layer below, kept alive by the runtime that it borrows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.engine import ContainerSpec
from pipeline.errors import PipelineError
from pipeline.events import Warned
from pipeline.plays import play_of

if TYPE_CHECKING:
    from pipeline.engine import ContainerId
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools

LISTS = "/var/lib/apt/lists"
MARK = "/var/cache/apt/refreshed-by-baseimage"
REFRESH_LISTS = f"""
[ -n "$(find {MARK} -mmin -60 2>/dev/null)" ] && [ -n "$(ls {LISTS}/*Release 2>/dev/null)" ] && exit 0
apt-get update -q && touch {LISTS} {MARK}
"""
"""Both folders are volumes that outlive the build: lists that are less than an hour old are fresh enough."""


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Start the target; the first one of a build finds the package lists fresh."""
    if build.base is None or build.image is None:
        raise PipelineError("the target has no base")
    below = tools.engine.find_image(build.image)
    name = tools.player.prepare(play_of(build, step.index, below.config if below else None, tools))
    caches = tools.roots.caches(build.recipe.root(build.service), build.base)
    spec = ContainerSpec(
        image=build.image,
        name=name,
        entrypoint=tools.player.keep_alive(),
        # The base's own command is only carried along, so that the commit finds it unchanged.
        command=build.base.config.command,
        # Only where the layer below has another one: a commit would keep it, and putting it right costs seconds.
        user="0" if below and below.config.user else "",
        mounts=(*tools.player.mounts(), *caches),
        network=tools.player.network(),
    )
    target = tools.engine.start(spec)
    tools.on_exit(partial(tools.engine.remove_container, target))
    if step.index == first_to_build(build) and any(mount.target == LISTS for mount in caches):
        _refresh(target, tools)
    return replace(build, target=target)


def first_to_build(build: Build) -> int:
    """The index of the first role whose layer does not exist yet."""
    return next((index for index, key in enumerate(build.keys) if not key.image), -1)


def _refresh(target: ContainerId, tools: Tools) -> None:
    done = tools.engine.run(target, ("sh", "-c", REFRESH_LISTS))
    if done.exit_code != 0:
        message = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        tools.emit(Warned("the package lists could not be refreshed", hint="".join(message)))
