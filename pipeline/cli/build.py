"""The commands that take a recipe: build, plan, tag, push."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import click

from pipeline import assembly, errors, runner
from pipeline.cleaning import Cleaner, sweep
from pipeline.cli.options import EPILOG, build_options, gitflow, log_format, no_cache, options_of, project_options
from pipeline.display import open_display
from pipeline.engine import Engine
from pipeline.events import BuildFinished, BuildStarted, Sink, Warned
from pipeline.failures import failures, system_errors
from pipeline.plan import steps
from pipeline.plan_view import preview
from pipeline.stopping import Stoppable
from stages import CATALOGUE


@click.command(epilog=EPILOG)
@project_options
@log_format
@gitflow
@build_options
@click.option("--push", is_flag=True, help="Push every name when all services are verified.")
@click.option("--keep", is_flag=True, help="Keep the target and the conductor of a failed role, for a look inside.")
def build(**given: Any) -> None:
    """Build the images of RECIPE: a path, or a name in recipes/ (default: recipes/default.yml)."""
    _run(given, push=given["push"], keep=given["keep"])


@click.command(epilog=EPILOG)
@project_options
@no_cache
def plan(**given: Any) -> None:
    """Show what a build would do and why; runs no role. Exit code 3: there is something to build."""
    options = options_of(given)
    loaded = assembly.load(options, os.environ)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    engine = None
    try:
        engine = assembly.open_engine(os.environ)
    except errors.EngineUnreachableError as error:
        click.echo(f"no engine answers, so it is not known what is there already: {error.message}", err=True)
    tools = assembly.tools(loaded, options, engine, _silent, os.environ) if engine else None
    text, pending = preview(assembly.builds(loaded), tools)
    click.echo(text)
    if pending:
        raise click.exceptions.Exit(errors.EXIT_SOMETHING_TO_BUILD)


@click.command(epilog=EPILOG)
@project_options
@log_format
@gitflow
def tag(**given: Any) -> None:
    """Give finished images their names again, after version.txt or image.txt changed. Builds nothing."""
    _run(given, push=False, only_finished=True)


@click.command(epilog=EPILOG)
@project_options
@log_format
@gitflow
def push(**given: Any) -> None:
    """Tag finished images and push them. Builds nothing."""
    _run(given, push=True, only_finished=True)


def _run(given: dict[str, Any], *, push: bool, keep: bool = False, only_finished: bool = False) -> None:
    options = options_of(given)
    display = open_display(given["log_format"], stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)
    with display as emit, Stoppable():
        try:
            with system_errors():
                _build(options, emit, runner.Rules(keep, only_finished), push=push)
        except errors.PipelineError as error:
            for failed in failures(error, keep=keep):
                emit(failed)
            if given["debug"]:
                traceback.print_exc()
            raise click.exceptions.Exit(error.exit_code) from None


def _build(options: assembly.Options, emit: Sink, rules: runner.Rules, *, push: bool) -> None:
    loaded = assembly.load(options, os.environ)
    for warning in loaded.warnings:
        emit(
            Warned(
                f"{warning.path}: {warning.message}" if warning.path else warning.message,
                warning.hint,
                f"{warning.file}:{warning.line}",
            )
        )
    engine = assembly.open_engine(os.environ, keep=rules.keep)
    Cleaner(engine, assembly.OWNED, assembly.CONTAINER_PREFIX).clean(everything=False, dry_run=False)
    catalogue = CATALOGUE if push else tuple(entry for entry in CATALOGUE if entry.name != "push")
    order = runner.outline(catalogue)
    emit(
        BuildStarted(
            project=loaded.project.name,
            version=loaded.project.version,
            recipe=loaded.recipe.file,
            services=tuple(service.name for service in loaded.services),
            steps=tuple(step.id for service in loaded.services for step in steps(service, order)),
            run_id=engine.container_prefix,
        )
    )
    started = time.monotonic()
    tools = assembly.tools(loaded, options, engine, emit, os.environ)
    with _nothing_left(engine, engine.container_prefix, keep=rules.keep):
        done = runner.run(assembly.builds(loaded), tools, catalogue, time.monotonic, rules)
    emit(BuildFinished(time.monotonic() - started, len(done)))


@contextlib.contextmanager
def _nothing_left(engine: Engine, prefix: str, *, keep: bool) -> Iterator[None]:
    """A signal may come between the making of a container and the moment when its removal is registered."""
    interrupted = True
    try:
        yield
        interrupted = False
    except errors.PipelineError:
        interrupted = False
        raise
    finally:
        if not keep:
            sweep(engine, f"{prefix}_", interrupted=interrupted)


def _silent(event: object) -> None:
    """For commands that show no progress."""
