"""The command that makes a project."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import click

from pipeline import scaffold
from pipeline.cli.options import EPILOG
from pipeline.errors import UsageError
from pipeline.new_project import Wishes, check_template, check_wishes, filled, named, project_name
from pipeline.processes import run_tool
from pipeline.scaffold import NewFile
from pipeline.shipped import cells, template_folder


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--base", help="A suite (trixie, bookworm …) or an image.  [default: trixie]")
@click.option("--init", help="PID 1: tini-init, dumb-init, s6-init, none …  [default: tini-init]")
@click.option("--svc", "layer", help="Over the services: runit, s6, supervisord, none.  [default: runit]")
@click.option(
    "--from-template", metavar="SOURCE", help="Begin with the files of this git repository or folder instead."
)
@click.option("--force", is_flag=True, help="Add the files that are missing to a folder that is not empty.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def new(folder: Path, **given: Any) -> None:
    """Make a project in FOLDER that `baseimage build` can build: a recipe, a role, a version.

    The project is called like the folder. Nothing that is there is ever overwritten.
    """
    chosen = {key: given[key] for key in ("base", "init", "layer") if given[key]}
    wishes = Wishes(project_name(folder.resolve().name), **chosen)
    if not given["force"]:
        scaffold.check_empty(folder)
    source = given["from_template"]
    if source and chosen:
        raise UsageError(
            "a template has its own base, init and service layer", hint="leave --from-template out, or them"
        )
    files = _from(source, wishes) if source else _shipped(wishes)
    written = scaffold.write(folder, files)
    for name in written:
        click.echo(f"wrote {folder / name}")
    click.echo(f"{len(written)} files written" if written else "nothing was missing")
    click.echo(f"next: cd {folder} && baseimage build" if folder.resolve() != Path.cwd() else "next: baseimage build")


def _shipped(wishes: Wishes) -> dict[str, NewFile]:
    check_wishes(wishes, cells())
    template = {name: file.content for name, file in scaffold.read_tree(template_folder()).items()}
    return {name: NewFile(content) for name, content in filled(template, wishes).items()}


def _from(source: str, wishes: Wishes) -> dict[str, NewFile]:
    if Path(source).is_dir() and not _is_bare(Path(source)):
        files = scaffold.read_tree(Path(source))
    else:
        with tempfile.TemporaryDirectory(prefix="baseimage-template-") as scratch:
            files = scaffold.read_tree(_cloned(source, Path(scratch, "template")))
    contents = {name: file.content for name, file in files.items()}
    check_template(contents, source)
    return {
        name: NewFile(content, files[name].executable if name in files else False)
        for name, content in named(contents, wishes.project).items()
    }


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def _cloned(source: str, target: Path) -> Path:
    said: list[str] = []
    # A question for a password would wait for ever behind the caught output.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        code = run_tool(("git", "clone", "--quiet", "--depth=1", "--", source, str(target)), environment, said.append)
    except FileNotFoundError:
        raise UsageError("there is no git on this machine", hint="install git, or give a folder") from None
    if code:
        raise UsageError(f"{source} cannot be cloned: {' '.join(said[-1:])}", hint="give a git repository or a folder")
    return target
