"""Options about what is attached to pushed images, and keys to sign it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import UsageError
from pipeline.events import Sink, Warned
from pipeline.project import Project
from pipeline.sources import read_text

if TYPE_CHECKING:
    from pipeline.attester import Wishes
    from pipeline.signing import Signer
    from pipeline.verifying import Signs

KEY, PASSWORD, TRUST = "BASEIMAGE_SIGNING_KEY", "BASEIMAGE_SIGNING_PASSWORD", "BASEIMAGE_TRUST_CONFIG"
KEYLESS, AUTO = "keyless", "auto"
_OFFER = (
    "GitHub offers one to jobs with the permission `id-token: write`, GitLab to those with `id_tokens` that has "
    "SIGSTORE_ID_TOKEN for the audience sigstore"
)
_ATTACHING = {"sbom": "--sbom", "provenance": "--provenance", "signing_key": "--sign", "trust_config": "--trust-config"}


trust_config = click.option(
    "--trust-config",
    metavar="FILE",
    default="",
    help=f"Keyless: the ClientTrustConfig of a private Sigstore.  [env: {TRUST}; default: the public Sigstore]",
)


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
            metavar="KEY|keyless|auto",
            default="",
            help="Sign what is pushed with this private key, a PEM file; or keyless, by the identity that a CI service "
            "offers; or auto: with the key of the environment, else keyless, else not at all.  "
            f"[env: {KEY}; password: {PASSWORD}]",
        ),
        trust_config,
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def wishes_of(
    given: Mapping[str, Any], project: Project, environ: Mapping[str, str], emit: Sink, *, push: bool
) -> Wishes | None:
    """What is to be attached to the images of a push; None for nothing.

    Raises UsageError for a key or an identity of no use, and for options that have no part in a run without a push.
    """
    if not push:
        if useless := [option for name, option in _ATTACHING.items() if given.get(name)]:
            raise UsageError(f"{', '.join(useless)}: only what is pushed has anything attached", hint="add --push")
        return None
    signer = _signer(given, environ, emit)
    released = bool(project.release and project.release.once)
    wanted = [given.get(name) for name in ("sbom", "provenance")]
    sbom, provenance = (bool(signer) or released if said is None else bool(said) for said in wanted)
    if not (sbom or provenance or signer):
        return None
    from pipeline.attester import Wishes  # noqa: PLC0415 - only a push that attaches something needs it

    return Wishes(sbom, provenance, signer)


def trust_file(given: str, environ: Mapping[str, str]) -> Path | None:
    """The file that names whom to trust, None for the public Sigstore. Raises UsageError where it is not there."""
    name = given or environ.get(TRUST) or ""
    if name and not Path(name).expanduser().is_file():
        raise UsageError(f"there is no trust configuration {name}", hint=f"--trust-config or {TRUST} names it")
    return Path(name).expanduser() if name else None


def _signer(given: Mapping[str, Any], environ: Mapping[str, str], emit: Sink) -> Signs | None:
    key = given.get("signing_key") or environ.get(KEY) or ""
    if key == AUTO:
        key = environ.get(KEY) or AUTO
    if key not in (KEYLESS, AUTO):
        if given.get("trust_config") and given.get("signing_key") != AUTO:
            raise UsageError("--trust-config: only keyless signatures have to do with it", hint="add --sign keyless")
        return _with_key(key, environ) if key else None
    from pipeline.keyless import KeylessSigner, offered_token  # noqa: PLC0415 - slow, and an extra

    if not offered_token(environ):
        if key == AUTO:
            emit(Warned("not signed: no identity is offered here, and there is no key", f"{_OFFER}; {KEY} has a key"))
            return None
        raise UsageError(
            "--sign keyless: no identity is offered here",
            hint=f"{_OFFER}; elsewhere put a token into that variable, or sign with a key",
        )
    signer = KeylessSigner(
        partial(offered_token, environ), trust_file(str(given.get("trust_config") or ""), environ), environ
    )
    signer.check()
    return signer


def _with_key(key: str, environ: Mapping[str, str]) -> Signer:
    """A key from a file, or from a variable that holds the key itself, as CI services keep them."""
    from pipeline.signing import read_signer  # noqa: PLC0415 - the same

    if key.lstrip().startswith("-----BEGIN"):
        return read_signer(key, environ.get(PASSWORD, ""), KEY)
    path = Path(key).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no signing key {path}", hint=f"--sign or {KEY} names it; baseimage keys makes one")
    return read_signer(read_text(path, "signing key"), environ.get(PASSWORD, ""), str(path))
