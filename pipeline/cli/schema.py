"""The command that describes recipes to editors: schema."""

from __future__ import annotations

import json

import click

from pipeline.cli.options import EPILOG
from pipeline.recipe_json_schema import recipe_schema


@click.command(epilog=EPILOG)
def schema() -> None:
    """Print the JSON Schema of a recipe, for editors (in this project: docs/recipe.schema.json)."""
    click.echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
