"""The commands about versions: version, bump, release, hotfix."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline import errors, loading
from pipeline.cli.options import EPILOG, options_of, project_options
from pipeline.gitflow import Release
from pipeline.release_state import Bump, Flow, Kind, State, Step
from pipeline.release_steps import finish, start
from pipeline.repository import Repository, read_version, write_version
from pipeline.versions import bumped

project_folder = click.option(
    "-p",
    "--project",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder, with version.txt.  [default: here]",
)
debug = click.option("--debug", is_flag=True, help="Show a trace with an error.")
dry_run = click.option("--dry-run", is_flag=True, help="Print the git commands and change nothing.")
next_part = click.option(
    "--next",
    "part",
    type=click.Choice(["major", "minor", "patch"]),
    default="minor",
    show_default=True,
    help="Which part of develop's next version goes up.",
)
version_argument = click.argument("version", required=False, default="")

WITHOUT_RECIPE = ("recipe", "project", "debug", "as_json", "short")

_VERSION = """\
Print the version of a build here, and the tags that it gets with --gitflow.

\b
branch                     version                tags besides it
main, master, a tag        1.3.0                  1.3, 1, latest
release/1.3.0, hotfix/…    1.3.0-rc.N
develop                    1.3.0-dev.N            develop
any other, pull requests   1.3.0-BRANCH.COMMIT

x.y.z is what version.txt says; a branch or a tag that says another version is an error. N counts the commits since
version.txt got its version. Uncommitted changes add -dirty and take every other tag away. Without a branch (in CI) the
service's variables name it. With RECIPE the names of its images are printed too.

\b
docker build -t "example.org/app:$(baseimage version --short)" .
"""


@click.command(help=_VERSION, epilog=EPILOG)
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--short", is_flag=True, help="Print nothing but the version's tag.")
def version(**given: Any) -> None:
    """Print the version of a build here."""
    plan = loading.release_of(given["project"], os.environ)
    names: dict[str, tuple[str, ...]] = {}
    if given["recipe"]:
        options = options_of({**given, "gitflow": True})
        names = loading.names(loading.load(options, os.environ))
    elif any(value for name, value in given.items() if name not in WITHOUT_RECIPE):
        raise errors.UsageError("these options are about the images of a recipe", hint="name the recipe")
    if given["as_json"]:
        click.echo(json.dumps(_as_json(plan, names), indent=2))
    elif given["short"]:
        click.echo(plan.tags[0])
    else:
        click.echo(f"{plan.version}  ({plan.reason})")
        click.echo(f"tags: {', '.join(plan.tags)}")
        for name in (name for each in names.values() for name in each):
            click.echo(name)


def _as_json(plan: Release, names: dict[str, tuple[str, ...]]) -> dict[str, object]:
    return {
        "version": plan.version,
        "kind": plan.kind,
        "reason": plan.reason,
        "tags": plan.tags,
        "published_once": plan.once,
        "labels": plan.labels,
        "names": names,
    }


_BUMP = """\
Write the next version into version.txt. All else in the file stays as it is; nothing is committed.

\b
bump patch   1.2.3 → 1.2.4     and 1.2.4-rc.1 → 1.2.4
bump minor   1.2.3 → 1.3.0
bump major   1.2.3 → 2.0.0
bump pre     1.2.3 → 1.2.4-rc.1 → 1.2.4-rc.2
bump 2.1.0   a version that is not below the present one
"""


@click.command(help=_BUMP, epilog=EPILOG)
@click.argument("wanted", metavar="major|minor|patch|pre|X.Y.Z")
@project_folder
@click.option("--dry-run", is_flag=True, help="Only say what the version would be.")
@debug
def bump(**given: Any) -> None:
    """Write the next version into version.txt."""
    now = read_version(given["project"])
    new = bumped(now, given["wanted"])
    if not given["dry_run"]:
        write_version(given["project"], new)
    click.echo(f"{now} → {new}" if new != now else f"nothing to do: the version is {now} already")


_RELEASE = """\
Make a release by gitflow: a branch release/x.y.z of develop, then its merges and the tag.

\b
baseimage release start            # release/1.3.0 from develop, at develop's version
…                                  # test 1.3.0-rc.N, mend it on the branch
baseimage release finish           # merged into main, tagged 1.3.0, merged into develop

What is done already is left out: after a failure (a push that was refused) the same command again goes on, and after
a success it says that there is nothing to do.
"""
_HOTFIX = """\
Mend a release by gitflow: a branch hotfix/x.y.z of main, then its merges and the tag.

\b
baseimage hotfix start             # hotfix/1.2.1 from main: its patch version, committed
…                                  # mend it on the branch
baseimage hotfix finish            # merged into main, tagged 1.2.1, merged into develop

What is done already is left out: after a failure the same command again goes on.
"""


@click.group(help=_RELEASE, epilog=EPILOG)
def release() -> None:
    """Make a release by gitflow."""


@click.group(help=_HOTFIX, epilog=EPILOG)
def hotfix() -> None:
    """Mend a release by gitflow."""


@release.command(name="start", epilog=EPILOG)
@version_argument
@click.option(
    "--bump",
    "when",
    type=click.Choice(["start", "end"]),
    default="end",
    show_default=True,
    help="When develop gets its next version: now, or when the release is finished.",
)
@click.option(
    "--next",
    "part",
    type=click.Choice(["major", "minor", "patch"]),
    help="With --bump start: which part of develop's next version goes up.  [default: minor]",
)
@project_folder
@dry_run
@debug
def start_release(**given: Any) -> None:
    """Open release/VERSION from develop and push it. VERSION is version.txt's, unless it is given."""
    if given["part"] and given["when"] != "start":
        raise errors.UsageError("--next is for --bump start", hint="or give it to: baseimage release finish")
    _flow(given, "release", start, Bump(given["when"], given["part"] or "minor"))


@release.command(name="finish", epilog=EPILOG)
@version_argument
@next_part
@project_folder
@dry_run
@debug
def finish_release(**given: Any) -> None:
    """Merge the release branch into main, tag it, merge the tag into develop, push all three, remove the branch.

    Run it on the release branch, or name VERSION. Develop then gets its next version, unless it has it already.
    """
    _flow(given, "release", finish, Bump(part=given["part"]))


@hotfix.command(name="start", epilog=EPILOG)
@version_argument
@project_folder
@dry_run
@debug
def start_hotfix(**given: Any) -> None:
    """Open hotfix/VERSION from main and push it. VERSION is the patch after main's, unless it is given."""
    _flow(given, "hotfix", start, Bump())


@hotfix.command(name="finish", epilog=EPILOG)
@version_argument
@next_part
@project_folder
@dry_run
@debug
def finish_hotfix(**given: Any) -> None:
    """Merge the hotfix branch into main, tag it, merge the tag into develop, push all three, remove the branch.

    Run it on the hotfix branch, or name VERSION. Where both sides changed version.txt, develop's stays.
    """
    _flow(given, "hotfix", finish, Bump(part=given["part"]))


def _flow(given: dict[str, Any], kind: Kind, plan: Callable[[Kind, State, str, Bump], Flow], bump: Bump) -> None:
    repository = Repository(given["project"], os.environ)
    if not given["dry_run"]:
        repository.fetch()
    flow = plan(kind, repository.state(), given["version"], bump)
    if not flow.steps:
        done = f"{flow.version} is released" if plan is finish else f"{flow.branch} is open"
        click.echo(f"nothing to do: {done} already")
        return
    for step in flow.steps:
        _announce(step)
        if not given["dry_run"]:
            _carry_out(repository, step)
    if given["dry_run"]:
        click.echo("this was a dry run: nothing has changed", err=True)
    else:
        click.echo(f"{flow.version} is released" if plan is finish else f"{flow.branch} is open")


def _announce(step: Step) -> None:
    if step.write:
        click.echo(f"baseimage bump {step.write}")
    click.echo(shlex.join(("git", *step.words)))


def _carry_out(repository: Repository, step: Step) -> None:
    try:
        repository.carry_out(step)
    except errors.GitError as error:
        hint = error.hint or "what is done stays done; when this is settled, the same command again goes on from here"
        raise errors.GitError(error.message, hint=hint) from error
