"""The commands that look at builds of the past: list, inspect, logs."""

from __future__ import annotations

import json
import os
import sys

import click

from pipeline import state
from pipeline.cli.options import EPILOG
from pipeline.display import open_replay
from pipeline.history import EVENTS, build_ids, find_build, recorded_events
from pipeline.history_view import as_json, inspect_lines, list_lines, summed_up

which = click.argument("build", required=False, default="")
debug = click.option("--debug", is_flag=True, help="Show a trace with an error.")


@click.command("list", epilog=EPILOG)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="No more builds than this.")
@click.option("--json", "as_data", is_flag=True, help="A JSON list, for programs (docs/cache.md).")
@debug
def list_(*, limit: int, as_data: bool, **_: object) -> None:
    """Show recent builds, finished and failed, the newest first."""
    folder = state.history_folder(os.environ)
    builds = [summed_up(name, recorded_events(folder, name)) for name in build_ids(folder)[:limit]]
    if as_data:
        click.echo(json.dumps([as_json(build, full=False) for build in builds], indent=1))
    else:
        click.echo("\n".join(list_lines(builds)) if builds else "no build is on record")


@click.command(epilog=EPILOG)
@which
@click.option("--json", "as_data", is_flag=True, help="A JSON object, for programs (docs/cache.md).")
@debug
def inspect(*, build: str, as_data: bool, **_: object) -> None:
    """Show one build in full: BUILD is an id of `baseimage list` or an end of one (default: the newest)."""
    folder = state.history_folder(os.environ)
    name = find_build(folder, build)
    found = summed_up(name, recorded_events(folder, name))
    click.echo(json.dumps(as_json(found, full=True), indent=1) if as_data else "\n".join(inspect_lines(found)))


@click.command(epilog=EPILOG)
@which
@click.option("--json", "as_data", is_flag=True, help="The events themselves, one a line (docs/events.md).")
@debug
def logs(*, build: str, as_data: bool, **_: object) -> None:
    """Show the log of one build: BUILD is an id of `baseimage list` or an end of one (default: the newest)."""
    folder = state.history_folder(os.environ)
    name = find_build(folder, build)
    if as_data:
        click.echo((folder / name / EVENTS).read_text(encoding="utf-8", errors="replace"), nl=False)
        return
    now = 0.0
    with open_replay(stdout=sys.stdout, clock=lambda: now) as show:
        for at, event in recorded_events(folder, name):
            now = at
            show(event)
