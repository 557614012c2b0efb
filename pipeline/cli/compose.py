"""The command that hands a recipe's images to Compose: compose."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import click

from pipeline import assembly, errors, loading, state
from pipeline.cli.options import EPILOG, PassingOn, options_of, passed_on, production, project_options
from pipeline.cli.running import built_images
from pipeline.compose_document import ComposeFile, Place, compose_file, compose_name
from pipeline.compose_tool import find_compose, run_compose
from pipeline.yaml_text import yaml_text

VERBS = ("up", "stop", "down")
HELP = """Print a Compose file for the images of RECIPE, or run Compose with it.

\b
baseimage compose [RECIPE]                       print the file
baseimage compose [RECIPE] -o FILE               write it
baseimage compose up [RECIPE] [-- ARGUMENTS]     start all services, such as with: -- -d
baseimage compose stop [RECIPE] [-- ARGUMENTS]   stop them
baseimage compose down [RECIPE] [-- ARGUMENTS]   remove them; their volumes too: -- -v

-s takes a service and those that it depends on. What stands after -- goes to Compose (`docker compose`, or
docker-compose), and the exit code of up, stop and down is Compose's. up builds nothing: run `baseimage build`.
"""


@click.command(cls=PassingOn, epilog=EPILOG, help=HELP)
@click.argument("verb", required=False, default="", metavar="[up|stop|down]")
@project_options
@production
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the file here instead of printing it; paths that begin with ./ are relative to its folder.",
)
def compose(**given: Any) -> None:
    """Write the file, or run Compose with it."""
    verb, recipe = (given["verb"], given["recipe"]) if given["verb"] in VERBS else ("", given["verb"])
    if not verb and given["recipe"]:
        raise errors.UsageError(
            f"compose has no verb {given['verb']!r}", hint=f"it has {', '.join(VERBS)}; without one it prints the file"
        )
    if verb and given["output"]:
        raise errors.UsageError(f"--output is not for {verb}, which writes a file of its own")
    if passed_on() and not verb:
        raise errors.UsageError("without up, stop or down there is nobody to pass arguments on to")
    options = options_of({**given, "recipe": recipe, "services": ()})
    loaded = loading.load(options, os.environ)
    place = assembly.place(given["project"], os.environ) if verb else None
    made = compose_file(loaded.recipe, loaded.project, given["services"], production=given["production"], place=place)
    for note in made.notes:
        click.echo(f"warning: {note}", err=True)
    if place:
        raise click.exceptions.Exit(_run(verb, loaded, made, place))
    text = _text(loaded, made)
    if given["output"] is None:
        click.echo(text, nl=False)
    else:
        given["output"].write_text(text, encoding="utf-8")


def _run(verb: str, loaded: loading.Loaded, made: ComposeFile, place: Place) -> int:
    tool = find_compose(os.environ)
    if verb == "up":
        built_images(assembly.open_engine(os.environ), made.images, loaded.recipe.file)
    name = compose_name(loaded.project.name)
    mark = hashlib.sha256(place.folder.encode()).hexdigest()[:8]
    file = state.state_folder(os.environ) / "compose" / f"{name}-{mark}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_text(loaded, made), encoding="utf-8")
    return run_compose(tool, file, name, Path(place.folder), (verb, *passed_on()), os.environ)


def _text(loaded: loading.Loaded, made: ComposeFile) -> str:
    comments = (
        f"Made from {loaded.recipe.file} by `baseimage compose`.",
        f"docker compose -p {compose_name(loaded.project.name)} -f THIS-FILE up",
    )
    return "".join(f"# {line}\n" for line in comments) + f"---\n{yaml_text(made.document)}"
