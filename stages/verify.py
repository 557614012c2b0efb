"""Verify: the image declares what was asked, comes up, and stops in time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.engine import ContainerSpec
from pipeline.errors import PipelineError, VerificationError
from pipeline.image_config import differences

if TYPE_CHECKING:
    from pipeline.engine import ContainerId, Image
    from pipeline.plan import Step
    from pipeline.recipe import Verify
    from pipeline.stage import Build, Tools

KILLED = 137
NOT_STARTED = (125, 126, 127)


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Check the configuration, then start and stop the image; only then is it remembered as good."""
    image = tools.engine.find_image(build.result or "")
    if image is None or build.image is None:
        raise PipelineError("there is no image to verify")
    check_config(build, image)
    wanted = build.service.verify
    note = _try(image, wanted, tools) if wanted.run else "configuration only"
    tools.records.save(build.keys[-1], build.image)
    return replace(build, note=note)


def check_config(build: Build, image: Image) -> None:
    """Raise VerificationError when the image declares anything but the base's, the roles' and the recipe's wishes."""
    if found := differences(build.config, image.config):
        raise VerificationError("the image's configuration is not the declared one: " + "; ".join(found))


def _try(image: Image, wanted: Verify, tools: Tools) -> str:
    container = tools.engine.start(ContainerSpec(image=image.id, command=wanted.command or None))
    tools.on_exit(partial(tools.engine.remove_container, container))
    state = tools.engine.await_ready(container, _probe(image), seconds=wanted.ready_seconds)
    if state.status == "running" and (state.health == "healthy" or not _probe(image)):
        state = tools.engine.stop(container, seconds=int(wanted.stop_seconds))
        note, ended = f"up, stopped with {state.exit_code}", False
    else:
        note, ended = f"ran and ended with {state.exit_code}", True
    _judge(container, state.status, state.exit_code, tools, ended=ended)
    tools.engine.remove_container(container)
    return note


def _probe(image: Image) -> tuple[str, ...]:
    """The image's own health check as a command; the engine itself would first ask after a whole interval."""
    test = image.config.healthcheck.test if image.config.healthcheck else ()
    match test[:1]:
        case ("CMD",):
            return test[1:]
        case ("CMD-SHELL",):
            return ("/bin/sh", "-c", *test[1:])
        case _:
            return ()


def _judge(container: ContainerId, status: str, exit_code: int, tools: Tools, *, ended: bool) -> None:
    if status == "running":
        problem = "does not get healthy in time"
    elif exit_code == KILLED:
        problem = "did not stop in time and had to be killed"
    elif exit_code in NOT_STARTED:
        problem = f"does not start (exit code {exit_code})"
    elif ended and exit_code:
        problem = f"ends by itself with exit code {exit_code}"
    else:
        return
    hint = "if it needs arguments to run, give them under verify.command, or say verify: false"
    raise VerificationError(f"the image {problem}", hint=hint, detail=tools.engine.logs(container))
