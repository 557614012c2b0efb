"""The command line: the only place that reads the environment and that exits."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from pipeline import assembly, errors, runner
from pipeline.cleaning import Cleaner, sweep
from pipeline.display import open_display
from pipeline.engine import Engine
from pipeline.events import BuildFinished, BuildStarted, Sink, Warned
from pipeline.failures import failures, system_errors
from pipeline.plan import steps
from pipeline.plan_view import preview
from pipeline.stopping import Stoppable
from stages import CATALOGUE

EPILOG = """\b
Exit codes:
  0  done             1  the build failed         2  bad input, nothing was started
  3  plan: something to build                     4  no engine answers, or it is too old
  5  a push failed  130  stopped by Ctrl-C      143  stopped by TERM     70  a defect of this program
"""


def main() -> NoReturn:
    """Run the command line and exit with one of the documented codes."""
    debug = "--debug" in sys.argv
    try:
        # Without its standalone mode click returns the code of an Exit, and None after a plain return.
        code = cli.main(standalone_mode=False) or errors.EXIT_OK
    except click.ClickException as error:
        error.show()
        code = errors.EXIT_BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        code = errors.EXIT_INTERRUPTED
    except errors.StopRequested as stop:
        code = stop.exit_code
    except errors.PipelineError as error:
        _say(error, debug=debug)
        code = error.exit_code
    except BrokenPipeError:
        code = errors.EXIT_BUILD_FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: a defect, said in one line
        _unexpected(error, debug=debug)
        code = errors.EXIT_UNEXPECTED
    sys.stdout.flush()
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(package_name="baseimage-pipeline", prog_name="baseimage")
def cli() -> None:
    """Turn a recipe into application base images.

    A root is pulled or made from a distribution's packages; a conductor container plays Ansible roles on a
    target container; each role becomes a layer; the image is verified, tagged from version.txt and image.txt,
    and pushed on request.
    """


log_format = click.option(
    "--log-format",
    type=click.Choice(["auto", "tty", "plain", "json", "quiet"]),
    default="auto",
    show_default=True,
    help="tty: a live tree; plain: lines with the time; json: one event a line (docs/events.md).",
)
no_cache = click.option("--no-cache", is_flag=True, help="Play every role, whatever is there.")


def project_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every command about a project takes."""
    decorators = (
        click.argument("recipe", required=False, default=""),
        click.option(
            "-p",
            "--project",
            default=".",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The project's folder: version.txt, image.txt, recipes/, roles/.  [default: here]",
        ),
        click.option(
            "-s", "--service", "services", multiple=True, help="Only this service of the recipe; may be repeated."
        ),
        click.option("-n", "--project-name", default="", help="The project's name in image names."),
        click.option(
            "--roles-path",
            multiple=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Look for roles here first; may be repeated.",
        ),
        click.option("--debug", is_flag=True, help="Show a trace with an error."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def build_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that may run roles."""
    decorators = (
        click.option("--pull", is_flag=True, help="Pull images, and bootstrap roots, again."),
        no_cache,
        click.option("--strategy", type=click.Choice(["mitogen", "docker"]), help="How the conductor reaches targets."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@cli.command(epilog=EPILOG)
@project_options
@log_format
@build_options
@click.option("--push", is_flag=True, help="Push every name when all services are verified.")
@click.option("--keep", is_flag=True, help="Keep the target and the conductor of a failed role, for a look inside.")
def build(**given: Any) -> None:
    """Build the images of RECIPE: a path, or a name in recipes/ (default: recipes/default.yml)."""
    _run(given, push=given["push"], keep=given["keep"])


@cli.command(epilog=EPILOG)
@project_options
@no_cache
def plan(**given: Any) -> None:
    """Show what a build would do and why; runs no role. Exit code 3: there is something to build."""
    options = _options(given)
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


@cli.command(epilog=EPILOG)
@project_options
@log_format
def tag(**given: Any) -> None:
    """Give finished images their names again, after version.txt or image.txt changed. Builds nothing."""
    _run(given, push=False, only_finished=True)


@cli.command(epilog=EPILOG)
@project_options
@log_format
def push(**given: Any) -> None:
    """Tag finished images and push them. Builds nothing."""
    _run(given, push=True, only_finished=True)


@cli.command(epilog=EPILOG)
@click.option(
    "--all", "everything", is_flag=True, help="Also cached layers, bases, conductor images and package caches."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def gc(*, everything: bool, dry_run: bool, **_: Any) -> None:
    """Remove what killed runs left behind; with --all, everything that was kept for later builds.

    Only what this program made is touched. Tagged images stay.
    """
    engine = assembly.open_engine(os.environ)
    cleaner = Cleaner(engine, assembly.OWNED, assembly.CONTAINER_PREFIX, assembly.KEPT_PREFIX)
    removed = cleaner.clean(everything=everything, dry_run=dry_run)
    for each in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {each.kind} {each.name}")
    click.echo(f"{len(removed)} things {'to remove' if dry_run else 'removed'}")


@cli.command(epilog=EPILOG)
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def doctor(**_: Any) -> None:
    """Check this machine: the engine, mmdebstrap, disk space, the package index configuration."""
    from pipeline.doctor import examine  # noqa: PLC0415 - not needed by any other command

    checks = examine(os.environ)
    for check in checks:
        click.echo(f"{'ok  ' if check.good else 'FAIL'}  {check.name}: {check.found}")
        if check.hint and not check.good:
            click.echo(f"      hint: {check.hint}")
    if not all(check.good for check in checks):
        unreachable = any(check.name == "engine" and not check.good for check in checks)
        raise click.exceptions.Exit(errors.EXIT_NO_ENGINE if unreachable else errors.EXIT_BUILD_FAILED)


def _run(given: dict[str, Any], *, push: bool, keep: bool = False, only_finished: bool = False) -> None:
    options = _options(given)
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


def _options(given: dict[str, Any]) -> assembly.Options:
    return assembly.Options(
        folder=given["project"],
        recipe=given["recipe"],
        services=given["services"],
        roles_path=given["roles_path"],
        project_name=given["project_name"],
        refresh=given.get("pull", False),
        use_cache=not given.get("no_cache", False),
        strategy=given.get("strategy") or "",
    )


def _silent(event: object) -> None:
    """For commands that show no progress."""


def _say(error: errors.PipelineError, *, debug: bool) -> None:
    for failed in failures(error, keep=False):
        click.echo("error: " + ": ".join(part for part in (failed.place, failed.message) if part), err=True)
        if failed.hint:
            click.echo(f"hint: {failed.hint}", err=True)
    if debug:
        traceback.print_exception(error)


def _unexpected(error: Exception, *, debug: bool) -> None:
    click.echo(f"error: this is a defect of baseimage: {type(error).__name__}: {error}", err=True)
    if debug:
        traceback.print_exception(error)
    else:
        click.echo("hint: run it again with --debug for the trace, and report it", err=True)


if __name__ == "__main__":
    main()
