"""The commands sbom and keys: bills of materials for reading, and a pair of keys for signing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from pipeline import assembly
from pipeline.cli.attesting import PASSWORD
from pipeline.cli.options import EPILOG
from pipeline.cli.registry_names import open_registry, wanted_tag
from pipeline.errors import NotFoundError


@click.command(epilog=EPILOG)
@click.argument("image")
@click.option(
    "--format",
    "form",
    type=click.Choice(["cyclonedx", "spdx"]),
    default="cyclonedx",
    show_default=True,
    help="The form of the bill: CycloneDX 1.6 or SPDX 2.3, in JSON.",
)
@click.option("--local", is_flag=True, help="Read the packages of an image that the engine has; roles are not told.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def sbom(image: str, form: str, *, local: bool, debug: bool) -> None:  # noqa: ARG001 - main looks for --debug
    """Print the bill of materials that is attached to IMAGE in its registry; `verify` says whether to believe it."""
    found = _local(image, form) if local else _attached(image, form)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _attached(image: str, form: str) -> dict[str, Any]:
    from pipeline.referrers import attachments  # noqa: PLC0415 - only where a registry is asked

    store, name = open_registry(image, os.environ)
    manifest = store.manifest(wanted_tag(name))
    if manifest is None:
        raise NotFoundError(f"the registry has no {image}", hint="--local reads an image that the engine has")
    for each in attachments(store, manifest.digest):
        if each.statement and each.statement.kind == _kind(form) and each.statement.digest == manifest.digest:
            return each.statement.predicate
    raise NotFoundError(
        f"no bill of materials in this form is attached to {image}", hint="--local reads an image that the engine has"
    )


def _local(image: str, form: str) -> dict[str, Any]:
    from pipeline.attester import bill, read_contents  # noqa: PLC0415 - half a second
    from pipeline.software import Subject  # noqa: PLC0415 - the same

    engine = assembly.open_engine(os.environ)
    contents = read_contents(engine, image)
    found = engine.find_image(image)
    subject = Subject(image, "", found.id if found else "", "")
    return bill(_kind(form), subject, contents, ())


def _kind(form: str) -> str:
    from pipeline.statements import CYCLONEDX, SPDX  # noqa: PLC0415 - the same

    return CYCLONEDX if form == "cyclonedx" else SPDX


@click.command(epilog=EPILOG)
@click.argument("name", default="baseimage")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def keys(name: str, *, debug: bool) -> None:  # noqa: ARG001 - main looks for --debug
    """Make a pair of keys: NAME.key to sign with, and NAME.pub to give away.

    The private one is encrypted with the password in BASEIMAGE_SIGNING_PASSWORD, if there is one.
    """
    from pipeline.signing import new_key, write_keys  # noqa: PLC0415 - only where keys are used

    path, password = Path(name), os.environ.get(PASSWORD, "")
    public = write_keys(new_key(), path, password)
    protection = "encrypted" if password else f"not encrypted: {PASSWORD} is not set"
    click.echo(f"{path.with_suffix('.key')} ({protection}), {public}")
