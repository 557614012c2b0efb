"""The command that compares images: diff."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from pipeline import assembly, loading
from pipeline.cli.options import EPILOG
from pipeline.difference_view import difference_lines
from pipeline.engine import Engine, Image
from pipeline.errors import NotFoundError, UsageError
from pipeline.image_difference import Measured, as_json, difference
from pipeline.image_names import image_names, previous_name
from pipeline.package_databases import DATABASES, contents, is_database
from pipeline.retrying import RetryingEngine


@click.command(epilog=EPILOG)
@click.argument("old", required=False, default="")
@click.argument("new", required=False, default="")
@click.option(
    "-p",
    "--project",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder: version.txt, image.txt, recipes/.  [default: here]",
)
@click.option("-r", "--recipe", default="", help="A path, or a name in recipes/.  [default: recipes/default.yml]")
@click.option("-s", "--service", "services", multiple=True, help="Compare this service's image; may be repeated.")
@click.option("--gitflow/--no-gitflow", default=None, help="Names by branch.  [default: as image.txt says]")
@click.option("--json", "as_data", is_flag=True, help="A JSON list, for programs (docs/releases.md).")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def diff(
    old: str,
    new: str,
    *,
    project: Path,
    recipe: str,
    services: tuple[str, ...],
    gitflow: bool | None,
    as_data: bool,
    **_: object,
) -> None:
    """Show which packages and layers image NEW has more, less or otherwise than image OLD.

    Without NEW it is each service's image as it was built last; without OLD, what that service's last release is
    called (by gitflow). An image that the engine does not have is pulled.
    """
    pairs = [(old, new)]
    if not old or not new:
        options = loading.Options(project, recipe, services=services, gitflow=gitflow)
        pairs = [(old or last, current) for last, current in _names(options)]
    engine = RetryingEngine(assembly.open_engine(os.environ), _silent)
    found = [difference(_measured(engine, first), _measured(engine, second)) for first, second in pairs]
    if as_data:
        click.echo(json.dumps([as_json(each) for each in found], indent=1))
    else:
        click.echo("\n\n".join("\n".join(difference_lines(each)) for each in found))


def _names(options: loading.Options) -> list[tuple[str, str]]:
    """What each service's last release and its newest image are called. Raises UsageError where that is not known."""
    loaded = loading.load(options, os.environ)
    wanted = [service for service in loaded.services if service.name in options.services or not options.services]
    names = []
    for service in wanted:
        current = image_names(loaded.project, service.name, loaded.recipe.tags)
        last = previous_name(loaded.project, service.name, loaded.recipe.tags)
        if not current:
            raise UsageError(f"{service.name} has no name on this branch", hint="name both images")
        names.append((last, current[0]))
    return names


def _measured(engine: Engine, name: str) -> Measured:
    if not name:
        raise UsageError(
            "there is no last release to compare with",
            hint="name the old image; with gitflow (docs/releases.md) it is known by the tags of the clone",
        )
    image = engine.find_image(name) or _pulled(engine, name)
    packages = contents(engine.read_files(image.id, is_database, DATABASES)).packages
    return Measured(name, image.id, image.size, engine.layers(image.id), packages)


def _pulled(engine: Engine, name: str) -> Image:
    try:
        return engine.pull(name, _nobody_watches)
    except NotFoundError as error:
        raise UsageError(f"there is no image {name}", hint="build it, or name another one") from error


def _silent(event: object) -> None:
    """Nothing shows progress here."""


def _nobody_watches(item: str, status: str, current: int, total: int) -> None:
    """As little as of the progress of a pull."""
