"""Verify: the image declares what was asked, keeps its budget, comes up, and stops in time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.engine import ContainerSpec
from pipeline.errors import PipelineError, VerificationError
from pipeline.image_config import differences
from pipeline.image_difference import over_budget
from pipeline.image_names import previous_name
from pipeline.package_databases import DATABASES, contents, is_database
from stages.commit import remove_nameless, remove_target

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
    compared = check_budget(build, image, tools)
    note = _try(image, wanted, tools) if wanted.run else "configuration only"
    tools.records.save(build.keys[-1], build.image)
    return replace(build, note=", ".join(part for part in (note, compared) if part))


def check_config(build: Build, image: Image) -> None:
    """Raise VerificationError when the image declares anything but the base's, the roles' and the recipe's wishes."""
    if found := differences(build.config, image.config):
        raise VerificationError("the image's configuration is not the declared one: " + "; ".join(found))


def check_budget(build: Build, image: Image, tools: Tools) -> str:
    """Raise VerificationError when the image is over its budget; what it was compared with, in a few words."""
    budget, old = build.service.verify.budget, None
    name = previous_name(build.project, build.service.name, build.recipe.tags) if budget.growth is not None else ""
    if name:
        found = tools.engine.published(name, lambda *_: None)
        old = found.image if found else None
        if old:
            tools.on_exit(partial(remove_nameless, old.id, tools))
    packages = _packages(image, tools) if budget.packages is not None else None
    if over := list(over_budget(budget, image.size, packages, old.size if old else None)):
        raise VerificationError(
            "the image is over its budget: " + "; ".join(over),
            hint=f"see what is new: baseimage diff {name or 'OLD'} {image.id}; or raise verify.budget in the recipe",
        )
    if budget.growth is None:
        return ""
    return f"against {name}" if old else "no last release to compare with"


def _packages(image: Image, tools: Tools) -> int:
    return len(contents(tools.engine.read_files(image.id, is_database, DATABASES)).packages)


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
    tools.aside.begin(partial(remove_target, container))
    tools.on_exit(tools.aside.join)
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
