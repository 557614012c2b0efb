"""verify IMAGE: what is attached to an image in its registry is looked at with a public key, or for an identity."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.attesting import trust_file
from pipeline.cli.registry_names import open_registry, wanted_tag
from pipeline.errors import EXIT_BUILD_FAILED
from pipeline.sources import read_text

if TYPE_CHECKING:
    from pipeline.verifying import Judge


@dataclass(frozen=True, slots=True)
class Wanted:
    """By whom an image should be: a public key, or identities of an issuer as a trust configuration knows them."""

    key: Path | None = None
    identities: tuple[str, ...] = ()
    issuer: str = ""
    trust: str = ""

    def judge(self) -> Judge:
        """Who knows their signatures. Raises PipelineError."""
        if self.key:
            from pipeline.signing import read_public_key  # noqa: PLC0415 - only where keys are used

            return read_public_key(read_text(self.key, "public key"), str(self.key))
        from pipeline.keyless import ByIdentity  # noqa: PLC0415 - slow, and an extra
        from pipeline.sigstore_client import read_root  # noqa: PLC0415 - the same

        return ByIdentity(self.identities, self.issuer, read_root(trust_file(self.trust, os.environ)))


def verify_image(image: str, wanted: Wanted, *, as_json: bool) -> None:
    """Print every check, and end with 1 when one has failed. Raises PipelineError."""
    from pipeline.verifying import verify as look  # noqa: PLC0415 - only here

    judge = wanted.judge()
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
