"""The commands that run a recipe's stages: build, tag, push."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import click

from pipeline import assembly, errors, initializing, loading, runner, side_by_side, state
from pipeline.cleaning import Cleaner, sweep
from pipeline.cli.attesting import attest_options, wishes_of
from pipeline.cli.options import (
    EPILOG,
    build_options,
    gitflow,
    log_format,
    metadata_file,
    options_of,
    project_options,
    reproducible,
    squash,
)
from pipeline.display import open_display
from pipeline.engine import Engine
from pipeline.events import BuildFinished, BuildStarted, NotPushed, Sink, Warned
from pipeline.failures import failures, system_errors
from pipeline.masking import hide, masking
from pipeline.observed import Observed
from pipeline.plan import steps
from pipeline.plan_secrets import refuse_before
from pipeline.reporting import reported
from pipeline.secret_values import NO_SECRETS, SecretValues
from pipeline.shared_records import SharedRecords
from pipeline.side_by_side import Crew
from pipeline.stage import Build, Tools
from pipeline.stopping import Stoppable
from pipeline.together import Together
from stages import CATALOGUE, attesting


@click.command(epilog=EPILOG)
@project_options
@log_format
@metadata_file
@gitflow
@squash
@reproducible
@build_options
@click.option("--push", is_flag=True, help="Push every name when all services are verified.")
@attest_options
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="Build this many services side by side; 1: one after the other.  [default: the number of cores, at most 4]",
)
@click.option("--keep", is_flag=True, help="Keep the target and the conductor of a failed role, for a look inside.")
def build(**given: Any) -> None:
    """Build the images of RECIPE: a path, or a name in recipes/ (default: recipes/default.yml)."""
    run_shown(given, push=given["push"], keep=given["keep"], fetch=True, jobs=given["jobs"] or cores())


@click.command(epilog=EPILOG)
@project_options
@log_format
@metadata_file
@gitflow
@squash
@reproducible
def tag(**given: Any) -> None:
    """Give finished images their names again, after version.txt or image.txt changed. Builds nothing."""
    run_shown(given, push=False, only_finished=True)


@click.command(epilog=EPILOG)
@project_options
@log_format
@metadata_file
@gitflow
@squash
@reproducible
@attest_options
def push(**given: Any) -> None:
    """Tag finished images and push them. Builds nothing."""
    run_shown(given, push=True, only_finished=True)


def run_shown(
    given: dict[str, Any],
    *,
    push: bool,
    keep: bool = False,
    only_finished: bool = False,
    fetch: bool = False,
    jobs: int = 1,
    stages: tuple[runner.Entry, ...] = CATALOGUE,
) -> tuple[Build, ...]:
    """Bring what the command line names through the stages, on a display; a failure is told there and ends it."""
    options = options_of(given)
    display = open_display(given["log_format"], stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)
    with display as shown, reported(shown, given["metadata_file"], os.environ) as reporter, Stoppable():
        emit: Sink = reporter
        secrets = NO_SECRETS
        try:
            with system_errors():
                secrets = assembly.build_secrets(options, os.environ)
                emit = masking(state.recorded(reporter, os.environ) if fetch else reporter, secrets)
                if fetch:
                    initializing.bring_missing(options.folder, os.environ, emit, offline=given["offline"])
                rules = runner.Rules(keep, only_finished)
                return _build(options, emit, rules, given, secrets, push=push, jobs=jobs, stages=stages)
        except errors.PipelineError as error:
            for name in tuple(reporter.account.untried()):
                emit(NotPushed(name, tried=False))
            for failed in failures(error, keep=keep):
                emit(failed)
            if given["debug"]:
                click.echo(secrets.masked(traceback.format_exc()), err=True, nl=False)
            raise click.exceptions.Exit(error.exit_code) from None
        except Exception as error:
            hide(error, secrets)
            raise


def _build(
    options: loading.Options,
    emit: Sink,
    rules: runner.Rules,
    given: dict[str, Any],
    secrets: SecretValues,
    *,
    push: bool,
    jobs: int,
    stages: tuple[runner.Entry, ...],
) -> tuple[Build, ...]:
    loaded = loading.load(options, os.environ)
    wishes = wishes_of(given, loaded.project, os.environ, emit, push=push)
    for warning in loaded.warnings:
        emit(
            Warned(
                f"{warning.path}: {warning.message}" if warning.path else warning.message,
                warning.hint,
                f"{warning.file}:{warning.line}",
            )
        )
    epoch = assembly.epoch(loaded, options, os.environ, push=push)
    engine = assembly.open_engine(os.environ, keep=rules.keep)
    Cleaner(engine, assembly.OWNED, assembly.CONTAINER_PREFIX).clean(everything=False, dry_run=False)
    if loaded.cache.refused:
        emit(Warned(loaded.cache.refused, "--cache-pull-requests writes it all the same"))
    wanted = {"push": push, "rewrite": epoch is not None, "share": bool(loaded.cache.target)}
    catalogue = tuple(entry for entry in stages if wanted.get(entry.name, True))
    if wishes:
        emit = observed = Observed(emit)
        attester = assembly.attester(wishes, loaded, options, observed, os.environ, engine.container_prefix)
        catalogue = (*catalogue, attesting(attester))
    order = runner.outline(catalogue)
    emit(
        BuildStarted(
            project=loaded.project.name,
            version=loaded.project.version,
            recipe=loaded.recipe.file,
            services=tuple(service.name for service in loaded.services),
            steps=tuple(step.id for service in loaded.services for step in steps(service, order)),
            run_id=engine.container_prefix,
            revision=loaded.project.release.revision if loaded.project.release else "",
        )
    )
    started = time.monotonic()
    run = _Run(loaded, options, epoch, engine, engine.container_prefix, emit, assembly.in_common(os.environ), secrets)
    with _nothing_left(engine, engine.container_prefix, keep=rules.keep):
        done = run.build(catalogue, replace(rules, alone=run.together.alone), jobs)
    emit(BuildFinished(time.monotonic() - started, len(done)))
    return done


@dataclass(frozen=True, slots=True)
class _Run:
    """What is needed to make the tools for one thread or for several."""

    loaded: loading.Loaded
    options: loading.Options
    epoch: int | None
    engine: Engine
    prefix: str
    emit: Sink
    together: Together
    secrets: SecretValues

    def build(self, catalogue: tuple[runner.Entry, ...], rules: runner.Rules, jobs: int) -> tuple[Build, ...]:
        """One service after the other in this thread, or several side by side."""
        builds = assembly.builds(self.loaded, self.epoch)
        tools = self._tools(self.engine, self.emit, self.prefix)
        if rules.only_finished:
            tools = replace(tools, secrets=None)  # nothing is played
        else:
            refuse_before(builds, tools)
        if min(jobs, len(builds)) == 1:
            return runner.run(builds, tools, catalogue, time.monotonic, rules)
        clear = partial(sweep, self.engine, f"{self.prefix}_", interrupted=False)
        crew = Crew(jobs, self._hire, self.together.halt, clear)
        return side_by_side.run(builds, tools, catalogue, time.monotonic, rules, crew)

    def _hire(self, job: int) -> Tools:
        engine = assembly.another_engine(os.environ, self.prefix, job)
        made = self._tools(engine, self.together.halt.sink(self.emit), f"{self.prefix}_{job}")
        return replace(made, records=SharedRecords(made.records, self.together.made))

    def _tools(self, engine: Engine, emit: Sink, prefix: str) -> Tools:
        numbers = count(1)
        return assembly.tools(
            self.loaded,
            self.options,
            engine,
            emit,
            os.environ,
            self.together,
            lambda: assembly.another_engine(os.environ, f"{prefix}_aside", next(numbers)),
            prefix,
            self.secrets,
        )


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


def cores() -> int:
    """How many services are built side by side where nobody says it: more than four wait for one another's disk."""
    return min(os.cpu_count() or 1, 4)
