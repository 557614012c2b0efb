"""The command that makes a recipe and a role out of what others have written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline import scaffold
from pipeline.cli.options import EPILOG
from pipeline.dockerfile_import import import_dockerfile
from pipeline.dockerfile_source import read_dockerfile
from pipeline.errors import InputError, Problem, UsageError
from pipeline.import_context import context_files
from pipeline.imported_project import RECIPE, VERSION, comment, project_texts, role_name
from pipeline.loading import shown
from pipeline.recipe import Base, BuiltService, Rootfs, Service, parse_recipe
from pipeline.role_finder import RoleFinder
from pipeline.scaffold import NewFile
from pipeline.shipped import shipped_roles
from pipeline.sources import read_text

_CONTAINER = ("container.yml", "container.yaml")


@click.command("import", epilog=EPILOG)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's folder.  [default: the folder of what is imported]",
)
@click.option("-n", "--name", default="", help="The name of service and role.  [default: the project's folder]")
@click.option("--stage", default="", help="Import this stage of the Dockerfile.  [default: the last]")
@click.option("--build-arg", multiple=True, metavar="NAME=VALUE", help="A value for an ARG; may be repeated.")
@click.option("--strict", is_flag=True, help="Write nothing when something cannot be carried over.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def import_(source: Path, **given: Any) -> None:
    """Make a project of SOURCE: a Dockerfile, a container.yml (version "2"), or a folder with one of them.

    RUN, COPY and ADD become the tasks of a role, everything else keys of recipes/default.yml. What cannot be
    carried over is listed here and at the head of the recipe. Nothing is ever overwritten.
    """
    path = _found(source)
    folder = given["output"] or path.parent
    name = role_name(given["name"] or folder.resolve().name)
    if path.name in _CONTAINER:
        files, notes = _container(path, folder)
    else:
        files, notes = _dockerfile(path, name, given["stage"], _arguments(given["build_arg"]))
    if notes and given["strict"]:
        raise InputError(notes)
    scaffold.check_free(folder, dict.fromkeys(_whole(each) for each in files))
    version = {name: NewFile(text.encode()) for name, text in VERSION.items()}
    for name in scaffold.write(folder, {**files, **version}):
        click.echo(f"wrote {shown(folder / name)}")
    for note in notes:
        click.echo(f"not carried over: {note}" + (f"\n  hint: {note.hint}" if note.hint else ""), err=True)
    click.echo(f"next: read {shown(folder / RECIPE)}, then baseimage build --project {shown(folder)}")


def _whole(path: str) -> str:
    """The role that a file belongs to, else the file: what is new must not mix with what is there."""
    return "/".join(path.split("/")[:2]) if path.startswith("roles/") else path


def _found(source: Path) -> Path:
    if not source.is_dir():
        return source
    there = [source / name for name in (*_CONTAINER, "Dockerfile", "Containerfile") if (source / name).is_file()]
    if len(there) == 1:
        return there[0]
    if there:
        names = ", ".join(path.name for path in there)
        raise UsageError(f"{source} has more than one file to import: {names}", hint=f"name one, such as {there[0]}")
    raise UsageError(f"{source} has neither a Dockerfile nor a container.yml", hint="name the file")


def _arguments(given: tuple[str, ...]) -> dict[str, str]:
    if wrong := [each for each in given if "=" not in each]:
        raise UsageError(f"--build-arg {wrong[0]} has no value", hint=f"write --build-arg {wrong[0]}=VALUE")
    return dict(each.partition("=")[::2] for each in given)


def _dockerfile(
    path: Path, name: str, stage: str, arguments: dict[str, str]
) -> tuple[dict[str, NewFile], tuple[Problem, ...]]:
    source = read_dockerfile(read_text(path, "Dockerfile"), shown(path))
    imported = import_dockerfile(source, role=name, files=context_files(path.parent), stage=stage, arguments=arguments)
    texts = project_texts(imported, name, path.name)
    try:
        parse_recipe(texts[RECIPE], RECIPE)
    except InputError as error:  # its lines are those of a file that nobody has seen
        raise InputError([replace(each, file=shown(path), line=0, column=0) for each in error.problems]) from None
    files = {each: NewFile(text.encode()) for each, text in texts.items()}
    for each in imported.files:
        local = path.parent / each
        files[f"roles/{name}/files/{each}"] = NewFile(local.read_bytes(), os.access(local, os.X_OK))
    return files, imported.notes


def _container(path: Path, folder: Path) -> tuple[dict[str, NewFile], tuple[Problem, ...]]:
    text = read_text(path, "recipe")
    parsed = parse_recipe(text, shown(path))
    missing: list[Problem] = []
    finder = RoleFinder(folder / RECIPE, folder, shipped=shipped_roles())
    for role in (
        role for service in parsed.recipe.services for role in service.roles if not (role.tasks or role.tasks_file)
    ):
        try:
            finder.find(role)
        except InputError as error:
            hint = f"put it into {shown(folder / 'roles')}, or build with --roles-path"
            missing += [Problem(shown(path), each.line, 1, each.path, each.message, hint) for each in error.problems]
    moved = folder / "recipes" != path.parent
    missing += [_rootfs(path, service) for service in parsed.recipe.services if moved and _is_beside(service.base)]
    notes = tuple(sorted((*parsed.warnings, *missing), key=lambda note: note.line))
    return {RECIPE: NewFile((comment(notes, path.name) + text).encode())}, notes


def _is_beside(base: Base | BuiltService) -> bool:
    return isinstance(base, Rootfs) and "://" not in base.source and not Path(base.source).is_absolute()


def _rootfs(path: Path, service: Service) -> Problem:
    message = "the path of its root is relative to the recipe, which is in another folder now"
    return Problem(shown(path), service.line, 1, f"services.{service.name}.from", message, f"mend it in {RECIPE}")
