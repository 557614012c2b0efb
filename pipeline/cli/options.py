"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.cache_settings import CacheSettings
from pipeline.loading import Options

_PASSED_ON = "pipeline.cli.passed_on"
EPILOG = """\b
Exit codes:
  0  done             1  the build failed         2  bad input, nothing was started
  3  plan: something to build                     4  no engine answers, or it is too old
  5  a push failed  130  stopped by Ctrl-C      143  stopped by TERM     70  a defect of this program
  verify, sbom: 1 a check failed, or there is no such image  5 the registry gave no answer
  run, shell, compose up|stop|down: that of the container, of the shell, of Compose
"""

log_format = click.option(
    "--log-format",
    type=click.Choice(["auto", "tty", "plain", "json", "quiet"]),
    default="auto",
    show_default=True,
    help="tty: a live tree; plain: lines with the time; json: one event a line (docs/events.md).",
)
metadata_file = click.option(
    "--metadata-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what came of it there as JSON, after a failure too (docs/metadata.md).",
)
production = click.option("--production", is_flag=True, help="Without the dev_overrides of the recipe.")
no_cache = click.option("--no-cache", is_flag=True, help="Play every role, whatever is there.")
cache_from = click.option(
    "--cache-from",
    multiple=True,
    metavar="REPOSITORY",
    help="Take finished layers from this repository of a registry; may be repeated.  [env: BASEIMAGE_CACHE_FROM]",
)
refresh = click.option(
    "--refresh",
    "refreshed_roles",
    multiple=True,
    metavar="ROLE",
    help="Play this role again, and what follows it, though nothing changed; may be repeated.",
)


squash = click.option("--squash", is_flag=True, help="Merge the layers above the base into one (docs/recipe.md).")

reproducible = click.option(
    "--reproducible/--no-reproducible",
    default=None,
    help="The same digest for the same commit and packages.  [default: as the recipe says, else for pushed releases]",
)


secret = click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="id=NAME[,src=FILE|,env=VARIABLE]",
    help="A value for build_secrets of the recipe, as for docker build: from a file, or a variable of the environment; "
    "by default the variable NAME, else the file NAME. May be repeated (docs/secrets.md).",
)


class PassingOn(click.Command):
    """A command whose arguments after -- are for another program; `passed_on` has them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what stands behind the first -- aside."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_PASSED_ON] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


def passed_on() -> tuple[str, ...]:
    """The arguments of the running command that stand after --."""
    return tuple(click.get_current_context().meta[_PASSED_ON])


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
            "-s",
            "--service",
            "services",
            multiple=True,
            help="Only this service of the recipe and what it is built on; may be repeated.",
        ),
        click.option("-n", "--project-name", default="", help="The project's name in image names."),
        click.option(
            "--roles-path",
            multiple=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Look for roles here first; may be repeated.",
        ),
        click.option(
            "--vars-file",
            "vars_files",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Variables for the recipe's templates, in YAML or JSON; may be repeated.",
        ),
        click.option(
            "-e",
            "--var",
            "variables",
            multiple=True,
            metavar="NAME=VALUE",
            help="A variable for the recipe's templates; may be repeated.",
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
        refresh,
        cache_from,
        click.option(
            "--cache-to",
            default="",
            metavar="REPOSITORY",
            help="Write finished layers to this repository; not in a pull request.  [env: BASEIMAGE_CACHE_TO]",
        ),
        click.option("--cache-pull-requests", is_flag=True, help="Write layers in a pull request, too."),
        click.option("--cache-strict", is_flag=True, help="Exit with 5 where layers cannot be written."),
        click.option("--offline", is_flag=True, help="Fetch no modules; without it, missing ones are initialized."),
        click.option(
            "--vault-password-file",
            default="",
            metavar="FILE",
            help="Holds, or prints, the password of encrypted files in roles.  [env: ANSIBLE_VAULT_PASSWORD_FILE]",
        ),
        secret,
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
        refreshed_roles=given.get("refreshed_roles", ()),
        strategy=given.get("strategy") or "",
        vars_files=given["vars_files"],
        variables=given["variables"],
        vault_password_file=given.get("vault_password_file") or "",
        secrets=given.get("secrets", ()),
        gitflow=given.get("gitflow"),
        cache=_cache_of(given) if "cache_from" in given else None,
        squash=given.get("squash", False),
        reproducible=given.get("reproducible"),
    )


def _cache_of(given: dict[str, Any]) -> CacheSettings:
    return CacheSettings(
        given["cache_from"],
        given.get("cache_to", ""),
        pull_requests=given.get("cache_pull_requests", False),
        strict=given.get("cache_strict", False),
    )
