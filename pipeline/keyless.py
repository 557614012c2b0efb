"""Signing with an identity instead of a key, and knowing such signatures: Sigstore, through its own client.

The identity is one that the machine is offered, a token of its CI service; nobody is asked and no browser is opened.
A certificate for it is had from Fulcio, and each signature is noted in Rekor, so that it counts when the certificate
has run out. Sources: https://docs.sigstore.dev/about/overview, sigstore-python's documentation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3
from cryptography import x509

from pipeline.errors import RegistryError, TransientError, UsageError
from pipeline.events import Sink
from pipeline.registry_patience import registry_patience
from pipeline.retrying import patiently
from pipeline.sigstore_client import library, read_trust, signing_context, told
from pipeline.statements import Envelope, Statement

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer as Client

T = TypeVar("T")
TOKEN = "SIGSTORE_ID_TOKEN"  # noqa: S105 - the name of the variable
"""An identity token for Sigstore as it is: GitLab sets it (`id_tokens`), and anybody else may."""
_AUDIENCE = "sigstore"
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_OTHER_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_SPARE = timedelta(minutes=1)


def offered_token(environ: Mapping[str, str]) -> str:
    """The token of an identity that this machine is offered, "" where it is offered none.

    Raises RegistryError where one is offered and cannot be had, UsageError without the package sigstore.
    """
    with library():
        from id import GitHubOidcPermissionCredentialError, IdentityError, detect_credential  # noqa: PLC0415
    if environ.get(TOKEN):
        return environ[TOKEN]
    if environ.get("GITLAB_CI"):
        return ""  # the machine that runs the job may have an identity, too, which is not the job's
    try:
        return detect_credential(_AUDIENCE) or ""
    except GitHubOidcPermissionCredentialError:
        return ""
    except (IdentityError, urllib3.exceptions.HTTPError, OSError) as error:
        raise RegistryError(
            f"an identity is offered here and cannot be had: {error}", hint="try again, or sign with a key"
        ) from error


class KeylessSigner:
    """`verifying.Signs` by the identity that `token` gives. Nothing is asked before the first statement."""

    def __init__(
        self,
        token: Callable[[], str],
        trust: Path | None,
        environ: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._token, self._trust, self._sleep = token, trust, sleep
        self._patience = registry_patience(environ).trying
        self._config: ClientTrustConfig | None = None
        self._made: _Certified | None = None
        self._lock = Lock()

    def check(self) -> None:
        """See that the token and the roots of trust are of use, before anything is built. Raises PipelineError."""
        from sigstore.oidc import IdentityError  # noqa: PLC0415 - an extra

        try:
            _identity(self._token())
        except IdentityError as error:
            hint = "needed is an OIDC token for the audience `sigstore` that has not run out"
            raise UsageError(
                f"the identity that is offered is of no use: {error.__cause__ or error}", hint=hint
            ) from error
        if self._trust:
            self._trusted()

    def sealed(self, statement: Statement, emit: Sink) -> bytes:
        """The statement in a Sigstore bundle with its certificate and its entry in the log."""

        def attempt() -> bytes:
            from sigstore.dsse import Statement as InToto  # noqa: PLC0415 - an extra

            client = self._certified().client
            with told("signing"):
                return client.sign_dsse(InToto(statement.to_bytes())).to_json().encode()

        return self._patiently("sign with Sigstore", attempt, emit)

    def judge(self, emit: Sink) -> ByIdentity:
        """Who knows what this identity has signed."""
        certified = self._patiently("ask Sigstore for a certificate", self._certified, emit)
        return ByIdentity((certified.identity,), certified.issuer, self._trusted().trusted_root)

    def name(self) -> str:
        """The identity and its issuer, as `verify` wants to have them; "" before the first statement."""
        return f"{self._made.identity}, issuer {self._made.issuer}" if self._made else ""

    def _certified(self) -> _Certified:
        """A client with a certificate that is good for a while yet: what one run signs has one in common."""
        if self._made is None or datetime.now(UTC) + _SPARE > self._made.until:
            context = signing_context(self._trusted())
            with told("the certificate"), context.signer(_identity(self._token())) as client:
                self._made = _Certified.by(client)
        return self._made

    def _trusted(self) -> ClientTrustConfig:
        if self._config is None:
            self._config = read_trust(self._trust)
        return self._config

    def _patiently(self, what: str, attempt: Callable[[], T], emit: Sink) -> T:
        with self._lock:
            try:
                return patiently(what, attempt, emit, self._sleep, self._patience)
            except TransientError as error:
                raise RegistryError(error.message, hint=error.hint, detail=error.detail) from error


class ByIdentity:
    """`verifying.Judge` that wants a signature by one of these identities, as their issuer has them."""

    def __init__(self, identities: tuple[str, ...], issuer: str, root: TrustedRoot) -> None:
        from sigstore.verify import Verifier  # noqa: PLC0415 - an extra
        from sigstore.verify.policy import Identity  # noqa: PLC0415 - the same

        self._policies = tuple(Identity(identity=each, issuer=issuer) for each in identities)
        self._verifier = Verifier(trusted_root=root)

    def objection(self, envelope: Envelope) -> str:
        """Why an envelope is not believed, "" where it is."""
        from sigstore.models import Bundle  # noqa: PLC0415 - an extra

        if envelope.hint:
            return "signed with a key, not by an identity"
        said: dict[str, None] = {}
        for policy in self._policies:
            try:
                found = self._verifier.verify_dsse(Bundle.from_json(envelope.source), policy)
            except Exception as error:  # noqa: BLE001 - anybody who may push may have made the bundle
                said[str(error) or type(error).__name__] = None
                continue
            if found == (envelope.payload_type, envelope.payload):
                return ""
            said["what is signed is something else"] = None
        return f"not signed by this identity: {'; '.join(said)}"


@dataclass(frozen=True, slots=True)
class _Certified:
    """A client with the certificate that it signs with: for whom, who says so, and until when."""

    client: Client
    identity: str
    issuer: str
    until: datetime

    @classmethod
    def by(cls, client: Client) -> _Certified:
        """What the client's certificate says. An identity's name is what Fulcio makes of a token, not in the token."""
        certificate = client._signing_cert()  # noqa: SLF001 - the client shows it nowhere else
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found: list[str] = [
            *names.get_values_for_type(x509.RFC822Name),
            *names.get_values_for_type(x509.UniformResourceIdentifier),
            *(each.value.decode() for each in names.get_values_for_type(x509.OtherName) if each.type_id == _OTHER_NAME),
        ]
        issuer: Any = certificate.extensions.get_extension_for_oid(_ISSUER).value
        return cls(client, found[0], issuer.value.decode(), certificate.not_valid_after_utc)


def _identity(token: str) -> IdentityToken:
    from sigstore.oidc import IdentityToken  # noqa: PLC0415 - an extra

    return IdentityToken(token)
