"""Options about what is attached to pushed images, and keys to sign it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import UsageError
from pipeline.project import Project
from pipeline.sources import read_text

if TYPE_CHECKING:
    from pipeline.attester import Wishes
    from pipeline.signing import Signer

KEY, PASSWORD = "BASEIMAGE_SIGNING_KEY", "BASEIMAGE_SIGNING_PASSWORD"
_ATTACHING = {"sbom": "--sbom", "provenance": "--provenance", "signing_key": "--sign"}


def attest_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that may push."""
    decorators = (
        click.option(
            "--sbom/--no-sbom",
            default=None,
            help="Attach bills of materials to what is pushed.  [default: to releases, and with a key]",
        ),
        click.option(
            "--provenance/--no-provenance",
            default=None,
            help="Attach how it was made (SLSA v1).  [default: to releases, and with a key]",
        ),
        click.option(
            "--sign",
            "signing_key",
            metavar="KEY",
            default="",
            help=f"Sign what is pushed with this private key, a PEM file.  [env: {KEY}; password: {PASSWORD}]",
        ),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def wishes_of(given: Mapping[str, Any], project: Project, environ: Mapping[str, str], *, push: bool) -> Wishes | None:
    """What is to be attached to the images of a push; None for nothing.

    Raises UsageError for a key of no use, and for options that have no part in a run without a push.
    """
    if not push:
        if useless := [option for name, option in _ATTACHING.items() if given.get(name)]:
            raise UsageError(f"{', '.join(useless)}: only what is pushed has anything attached", hint="add --push")
        return None
    key = given.get("signing_key") or environ.get(KEY) or ""
    released = bool(project.release and project.release.once)
    wanted = [given.get(name) for name in ("sbom", "provenance")]
    sbom, provenance = (bool(key) or released if said is None else bool(said) for said in wanted)
    if not (sbom or provenance or key):
        return None
    from pipeline.attester import Wishes  # noqa: PLC0415 - only a push that attaches something needs it

    return Wishes(sbom, provenance, _signer(key, environ) if key else None)


def _signer(key: str, environ: Mapping[str, str]) -> Signer:
    """A key from a file, or from a variable that holds the key itself, as CI services keep them."""
    from pipeline.signing import read_signer  # noqa: PLC0415 - the same

    if key.lstrip().startswith("-----BEGIN"):
        return read_signer(key, environ.get(PASSWORD, ""), KEY)
    path = Path(key).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no signing key {path}", hint=f"--sign or {KEY} names it; baseimage keys makes one")
    return read_signer(read_text(path, "signing key"), environ.get(PASSWORD, ""), str(path))
