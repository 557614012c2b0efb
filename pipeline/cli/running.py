"""The commands for one container of a finished image: run, stop, shell."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from typing import Any

import click

from pipeline import assembly, errors, loading
from pipeline.cli.options import EPILOG, PassingOn, options_of, passed_on, production, project_options
from pipeline.compose_document import compose_name
from pipeline.engine import ContainerId, Engine
from pipeline.image_names import image_names
from pipeline.processes import run_in_terminal
from pipeline.recipe import Service
from pipeline.run_keys import Keys, RunKeys, run_keys
from pipeline.run_options import GRACE, RunOptions, run_options
from pipeline.stopping import Stoppable

PROJECT_LABEL, SERVICE_LABEL = "io.baseimage.run.project", "io.baseimage.run.service"
GRACE_LABEL = "io.baseimage.run.grace"


@click.command(cls=PassingOn, epilog=EPILOG)
@project_options
@production
@click.option("-d", "--detach", is_flag=True, help="Leave it running; `baseimage stop` ends it.")
def run(**given: Any) -> None:
    """Run a container of one service, with the command after -- or the image's own.

    It gets the ports, volumes and other run-time keys of the recipe, and its dev_overrides. What needs other services
    (depends_on, links, networks, secrets) takes `baseimage compose up`. Ctrl-C stops it in order; the exit code is the
    container's. Afterwards it is removed; named volumes stay.
    """
    loaded = loading.load(options_of(given), os.environ)
    service = _one_service(loaded, given["services"])
    engine = assembly.open_engine(os.environ)
    image = _image(engine, loaded, service)
    name = f"{compose_name(loaded.project.name)}-{service.name}"
    if engine.owned("container", _labels(loaded.project.name, (service.name,))[0]):
        raise errors.UsageError(f"{name} runs already", hint=f"end it with: baseimage stop -s {service.name}")
    found = run_keys(service, {}, production=given["production"])
    options = _options(loaded, found, given)
    labels = {PROJECT_LABEL: loaded.project.name, SERVICE_LABEL: service.name, GRACE_LABEL: str(options.grace)}
    _run(image, name, labels, options, detach=given["detach"])


def _options(loaded: loading.Loaded, found: RunKeys, given: dict[str, Any]) -> RunOptions:
    place = assembly.place(given["project"], os.environ)
    command: Keys = {"command": [*passed_on()]} if passed_on() else {}
    name = compose_name(loaded.project.name)
    options = run_options(
        {**found.keys, **command}, home=place.home, folder=place.folder, name=name, detached=given["detach"]
    )
    for note in (*found.notes, *(f"{key} needs other services: baseimage compose up" for key in options.left_out)):
        click.echo(f"warning: {note}", err=True)
    return options


def _run(image: str, name: str, labels: dict[str, str], options: RunOptions, *, detach: bool) -> None:
    runner = assembly.open_runner(os.environ)
    with Stoppable():
        container = runner.create(image, name, labels, options)
        try:
            if detach:
                runner.start(container)
                click.echo(name)
                return
            code = runner.follow(container, _print, grace=options.grace)
        except BaseException:
            runner.remove(container)
            raise
        runner.remove(container)
    raise click.exceptions.Exit(code)


@click.command(epilog=EPILOG)
@project_options
def stop(**given: Any) -> None:
    """Stop and remove what `baseimage run` started for this project; -s: only for these services."""
    loaded = loading.load(options_of(given), os.environ)
    engine = assembly.open_engine(os.environ)
    ended = 0
    for labels in _labels(loaded.project.name, given["services"]):
        for identity, found in engine.owned("container", labels):
            container = ContainerId(identity)
            with suppress(errors.NotFoundError):  # one in the foreground is removed by the command that runs it
                engine.stop(container, seconds=round(float(found.get(GRACE_LABEL, GRACE))))
            engine.remove_container(container)
            click.echo(f"stopped {found.get(SERVICE_LABEL, identity)}")
            ended += 1
    if not ended:
        click.echo("nothing runs")


@click.command(cls=PassingOn, epilog=EPILOG)
@project_options
@click.option("--kept", is_flag=True, help="In the newest target that a failed `build --keep` left.")
@click.option("--conductor", is_flag=True, help="With --kept: in its conductor.")
def shell(**given: Any) -> None:
    """Open a shell, or the command after --, in a new container of a finished image.

    Nothing else is started in it, and it is removed afterwards. The docker command holds the terminal; the exit code
    is the shell's.
    """
    docker = shutil.which("docker", path=os.environ.get("PATH"))
    if docker is None:
        raise errors.UsageError(
            "a shell needs the docker command", hint="install docker-cli (before Debian 13: docker.io)"
        )
    if given["conductor"] and not given["kept"]:
        raise errors.UsageError("--conductor needs --kept", hint="baseimage shell --kept --conductor")
    terminal = ("-i", "-t") if sys.stdin.isatty() else ("-i",)
    program, *arguments = passed_on() or ("sh",)
    engine = assembly.open_engine(os.environ)
    if given["kept"]:
        container = _kept(engine, conductor=given["conductor"])
        command = (docker, "exec", *terminal, container, program, *arguments)
    else:
        loaded = loading.load(options_of(given), os.environ)
        service = _one_service(loaded, given["services"])
        image = _image(engine, loaded, service)
        command = (docker, "run", "--rm", *terminal, "--entrypoint", program, image, *arguments)
    raise click.exceptions.Exit(run_in_terminal(command, os.environ))


def built_images(engine: Engine, images: dict[str, str], recipe: str) -> dict[str, str]:
    """The images themselves, if all are there. Raises UsageError that says how to build them from the recipe."""
    if missing := [name for name, image in images.items() if engine.find_image(image) is None]:
        these = "" if len(missing) == len(images) else "".join(f" -s {name}" for name in missing)
        raise errors.UsageError(
            f"not built yet: {', '.join(f'{name} ({images[name]})' for name in missing)}",
            hint=f"run: baseimage build {recipe}{these}",
        )
    return images


def _image(engine: Engine, loaded: loading.Loaded, service: Service) -> str:
    names = {service.name: image_names(loaded.project, service.name)[0]}
    return built_images(engine, names, loaded.recipe.file)[service.name]


def _one_service(loaded: loading.Loaded, named: tuple[str, ...]) -> Service:
    names = named or tuple(service.name for service in loaded.recipe.services)
    if len(names) != 1:
        raise errors.UsageError(
            f"one service, please: there are {', '.join(names)}",
            hint="name it with -s; all of them: baseimage compose up",
        )
    return next(service for service in loaded.recipe.services if service.name == names[0])


def _labels(project: str, services: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Label filters for containers of a project, one for each service that is named."""
    mine = f"{PROJECT_LABEL}={project}"
    return tuple((mine, f"{SERVICE_LABEL}={name}") for name in services) or ((mine,),)


def _kept(engine: Engine, *, conductor: bool) -> str:
    conductors = {
        identity
        for identity, _ in engine.owned("container", tuple(f"{key}={value}" for key, value in assembly.OWNED.items()))
    }
    found = [
        (_when(name), identity)
        for identity, name in engine.named("container", f"{assembly.KEPT_PREFIX}_")
        if (identity in conductors) == conductor
    ]
    if not found:
        what = "conductor" if conductor else "target"
        raise errors.UsageError(f"no {what} of a failed build was kept", hint="run: baseimage build --keep")
    return max(found)[1]


def _when(name: str) -> tuple[int, ...]:
    """Start of the run and number in it, out of PREFIX_HOST_PID_STARTED_RANDOM_NUMBER."""
    parts = name.split("_")
    return tuple(int(part) for part in (parts[3:4] + parts[-1:]) if part.isdecimal())


def _print(printed: bytes, is_error: bool) -> None:  # noqa: FBT001 - docker_run.Output
    click.echo(printed, nl=False, err=is_error)
