"""The commands about folders that come from elsewhere: initialize, clean."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import click

from pipeline import assembly, errors, state
from pipeline.cache_cleaning import CacheCleaner
from pipeline.checkout import Wishes
from pipeline.cli.options import EPILOG, log_format
from pipeline.display import open_display
from pipeline.events import BuildFinished, BuildStarted, Event, Sink
from pipeline.failures import failures, system_errors
from pipeline.fetching import Plan
from pipeline.initializing import Workspace
from pipeline.modules import masked
from pipeline.stopping import Stoppable

project_folder = click.option(
    "-p",
    "--project",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder: .projmodules, requirements.yml, projmodules.lock.  [default: here]",
)
debug = click.option("--debug", is_flag=True, help="Show a trace with an error.")


_INITIALIZE = """\
Fetch the roles and application sources that the project names.

.projmodules lists git repositories, requirements.yml roles and collections as ansible-galaxy takes them. Each
goes to its own path, such as roles/NAME or deployables/NAME. What is there at the right commit is left alone,
without any network; a folder that holds something else, or changes of yours, is refused. One that fails does not
keep the others.

\b
[submodule "roles/nginx"]
    path = roles/nginx
    url = https://example.org/roles/nginx.git
    tag = 1.2.0         (or branch, or commit; depth = 1 is a shallow one)

projmodules.lock remembers the commits: with it, another machine gets the same. Keep it under version control.
"""


@click.command(help=_INITIALIZE, epilog=EPILOG)
@project_folder
@click.option("--update", is_flag=True, help="Move clean checkouts to the newest commits, and rewrite the lock file.")
@click.option("--force", is_flag=True, help="Fetch checkouts again that are changed or of another repository; asks.")
@click.option("--yes", is_flag=True, help="Do not ask before something is removed.")
@click.option("--offline", is_flag=True, help="Use no network: only look whether everything is there.")
@log_format
@debug
def initialize(**given: Any) -> None:
    """Fetch what the project names."""
    relay = _Relay()
    workspace = Workspace(given["project"], os.environ, relay)
    with workspace.alone(), system_errors():
        declared = workspace.declared()
        wishes = Wishes(given["update"], given["force"], given["offline"])
        plans = workspace.plan(declared, wishes)
        if not plans and given["log_format"] != "json":
            click.echo("nothing to initialize: no modules are named in .projmodules or requirements.yml")
            return
        if not given["yes"]:
            _confirm(plans)
        with open_display(given["log_format"], stdout=sys.stdout, stderr=sys.stderr, environ=os.environ) as emit:
            relay.sink = emit
            _shown(emit, plans, given, lambda: workspace.carry_out(plans, declared, wishes))


_CLEAN = """\
Remove the folders that initialize brought.

Only what projmodules.lock names is removed, and only where all of it can be fetched again: a checkout at the locked
commit, without changes, without commits of yours, without files that git ignores. Everything else stays, and the
command says why. With --cache also the layers that were kept for later builds of this project's recipes and of no
other; finished images keep their names. What is kept for all projects is gc's business: baseimage gc --all.
"""


@click.command(help=_CLEAN, epilog=EPILOG)
@project_folder
@click.option("--cache", is_flag=True, help="Also the cached layers that only recipes of this project use.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@debug
def clean(**given: Any) -> None:
    """Remove what initialize brought."""
    workspace = Workspace(given["project"], os.environ, _Relay())
    with workspace.alone(), system_errors():
        outcomes = workspace.clean(dry_run=given["dry_run"])
    verb = "would remove" if given["dry_run"] else "removed"
    for outcome in outcomes:
        click.echo(f"keeping {outcome.path}: it {outcome.kept}" if outcome.kept else f"{verb} {outcome.path}")
    if given["cache"]:
        _clean_cache(given["project"], verb, dry_run=given["dry_run"])
    elif not outcomes:
        click.echo("nothing to clean: projmodules.lock names no folder that is there")


def _clean_cache(project: Path, verb: str, *, dry_run: bool) -> None:
    cleaner = CacheCleaner(assembly.open_engine(os.environ), state.layer_records(os.environ))
    removed = cleaner.clean_of(os.path.abspath(project), dry_run=dry_run)  # noqa: PTH100 - as recipes are named
    for each in removed:
        click.echo(f"{verb} {each.kind} {each.name}")
    click.echo(f"{verb} {len(removed)} cached layers")


class _Relay:
    """Hands events on to a display that is opened later: first there may be something to ask."""

    sink: Sink | None = None

    def __call__(self, event: Event) -> None:
        if self.sink:
            self.sink(event)


def _shown(emit: Sink, plans: tuple[Plan, ...], given: dict[str, Any], work: Any) -> None:
    started = time.monotonic()
    steps = tuple(plan.step for plan in plans)
    emit(BuildStarted(given["project"].resolve().name, "", "initialize", (), steps, ""))
    with Stoppable():
        try:
            with system_errors():
                work()
        except errors.PipelineError as error:
            for failed in failures(error, keep=False):
                emit(failed)
            if given["debug"]:
                traceback.print_exc()
            raise click.exceptions.Exit(error.exit_code) from None
    emit(BuildFinished(time.monotonic() - started, 0))


def _confirm(plans: tuple[Plan, ...]) -> None:
    """Ask before anything is removed that somebody may want. Raises Abort, or UsageError where nobody can answer."""
    replaced = [plan for plan in plans if plan.decision.work == "replace"]
    if not replaced:
        return
    for plan in replaced:
        click.echo(f"{plan.decision.reason} (from {masked(plan.module.url)})", err=True)
    if not sys.stdin.isatty():
        raise errors.UsageError(
            "files would be removed, and there is no terminal to ask at", hint="say --yes if that is meant"
        )
    click.confirm("Go on?", abort=True, err=True)
