"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.assembly import Options

EPILOG = """\b
Exit codes:
  0  done             1  the build failed         2  bad input, nothing was started
  3  plan: something to build                     4  no engine answers, or it is too old
  5  a push failed  130  stopped by Ctrl-C      143  stopped by TERM     70  a defect of this program
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


gitflow = click.option(
    "--gitflow/--no-gitflow",
    default=None,
    help="Version and tags by branch (baseimage version); a version is published once.  [default: as image.txt says]",
)


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


def options_of(given: dict[str, Any]) -> Options:
    """What the command line decides, out of the values that click hands over."""
    return Options(
        folder=given["project"],
        recipe=given["recipe"],
        services=given["services"],
        roles_path=given["roles_path"],
        project_name=given["project_name"],
        refresh=given.get("pull", False),
        use_cache=not given.get("no_cache", False),
        strategy=given.get("strategy") or "",
        gitflow=given.get("gitflow"),
    )
