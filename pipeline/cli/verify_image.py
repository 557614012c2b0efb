"""verify IMAGE: what is attached to an image in its registry is looked at with a public key."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.registry_names import open_registry, wanted_tag
from pipeline.errors import EXIT_BUILD_FAILED
from pipeline.sources import read_text


def verify_image(image: str, key: Path, *, as_json: bool) -> None:
    """Print every check, and end with 1 when one has failed. Raises PipelineError."""
    from pipeline.signing import read_public_key  # noqa: PLC0415 - only where keys are used
    from pipeline.verifying import verify as look  # noqa: PLC0415 - the same

    judge = read_public_key(read_text(key, "public key"), str(key))
    store, name = open_registry(image, os.environ)
    verdict = look(store, wanted_tag(name), judge)
    if as_json:
        click.echo(json.dumps({**asdict(verdict), "passed": verdict.passed}, indent=2))
    else:
        click.echo(f"{verdict.image}")
        for check in verdict.checks:
            click.echo(f"{'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.found}")
    if not verdict.passed:
        raise click.exceptions.Exit(EXIT_BUILD_FAILED)
