"""Sigstore's own client: whom it trusts, how long it waits, and its failures as this program tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from pipeline.docker_client import last_words
from pipeline.docker_stream import masked
from pipeline.errors import RegistryError, TransientError, UsageError

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore.sign import SigningContext

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next bytes."""
_PASSING = {408, 429, 500, 502, 503, 504}
_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot"
_ROOTS = "the public roots of trust cannot be had"


def read_trust(path: Path | None) -> ClientTrustConfig:
    """Whom to trust, and where they are: a file as sigstore's own command takes it, or the public Sigstore's.

    Raises UsageError for a file of no use, RegistryError where the public one cannot be had.
    """
    with library():
        from sigstore.models import ClientTrustConfig  # noqa: PLC0415 - an extra
    if path is None:
        with told(_ROOTS):
            return ClientTrustConfig.production()
    with _of_use(path):
        config = ClientTrustConfig.from_json(path.read_text(encoding="utf-8"))
        _ = config.trusted_root, config.signing_config  # its parts are read when they are asked for
        return config


def read_root(path: Path | None) -> TrustedRoot:
    """Whom to trust, for those who only verify: of the same file, or of a trusted root's. Raises as `read_trust`."""
    with library():
        from sigstore.models import TrustedRoot  # noqa: PLC0415 - an extra
    if path:
        with _of_use(path):
            body = json.loads(path.read_text(encoding="utf-8"))
            if str(body.get("mediaType")).startswith(_TRUSTED_ROOT):
                return TrustedRoot.from_file(str(path))
    return read_trust(path).trusted_root


def signing_context(config: ClientTrustConfig) -> SigningContext:
    """Where certificates come from, and where signatures are noted; none of them is waited for without end."""
    from sigstore.sign import SigningContext  # noqa: PLC0415 - an extra

    services = config.signing_config
    fulcio, rekor = services.get_fulcio(), services.get_tlogs()[0]
    rekor_session: requests.Session = rekor._session  # type: ignore[attr-defined] # noqa: SLF001 - see _Limited
    for session in (fulcio.session, rekor_session):
        session.mount("https://", _Limited())
        session.mount("http://", _Limited())
    return SigningContext(fulcio=fulcio, rekor=rekor, trusted_root=config.trusted_root, tsa_clients=services.get_tsas())


class _Limited(HTTPAdapter):
    """Gives up on a server that says nothing: Sigstore's client sets no limit, and has no other place for one."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """With a limit, if there is none."""
        return super().send(request, *arguments, **(options | {"timeout": options.get("timeout") or TIMEOUT}))


@contextmanager
def library() -> Iterator[None]:
    """Around the import of an extra's package. Raises UsageError where it is not installed."""
    try:
        yield
    except ImportError:
        hint = 'pip install "baseimage-pipeline[keyless]"'
        raise UsageError("the package sigstore is not installed, which keyless signatures need", hint=hint) from None


@contextmanager
def _of_use(path: Path) -> Iterator[None]:
    from sigstore.errors import Error  # noqa: PLC0415 - an extra

    try:
        yield
    except (AttributeError, Error, OSError, ValueError) as error:
        hint = "it is a ClientTrustConfig of Sigstore; to verify, a TrustedRoot does too"
        said = str(error).partition("\n")[0]
        raise UsageError(f"{path}: no trust configuration of Sigstore: {said}", hint=hint) from error


@contextmanager
def told(what: str) -> Iterator[None]:
    """Failures of Sigstore's client, as this program tells them: those that may pass, and the others."""
    from sigstore._internal.fulcio import ExpiredCertificate  # noqa: PLC0415 - an extra
    from sigstore._internal.fulcio.client import FulcioClientError  # noqa: PLC0415 - the same
    from sigstore._internal.rekor import RekorClientError  # noqa: PLC0415 - the same
    from sigstore.errors import Error  # noqa: PLC0415 - the same
    from sigstore.oidc import ExpiredIdentity, IdentityError  # noqa: PLC0415 - the same

    try:
        yield
    except (FulcioClientError, RekorClientError, requests.RequestException) as error:
        answer = _answer(error)
        said = f"Sigstore: {what}: {_reason(error, answer)}"
        if answer is None or answer.status_code in _PASSING:
            raise TransientError(said, hint="Sigstore is in trouble, or out of reach; try again later") from error
        raise RegistryError(said, hint="is the identity one that this Sigstore knows?") from error
    except (ExpiredCertificate, ExpiredIdentity, IdentityError) as error:
        hint = "has the token run out? it must live as long as the build"
        raise RegistryError(
            f"Sigstore: {what}: the identity is of no use any more: {_said(error)}", hint=hint
        ) from error
    except Error as error:
        hint = "is Sigstore in reach? --trust-config names a file in their place" if what == _ROOTS else ""
        raise RegistryError(f"Sigstore: {what}: {_said(error)}", hint=hint) from error
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"Sigstore: {what}: an answer that cannot be read: {type(error).__name__}") from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it came of, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _said(error: BaseException) -> str:
    """The words of what it came of in the end: the client wraps them, and some of its wrappings have none."""
    words = [text for each in _chain(error) if (text := str(each).partition("\n")[0])]
    return masked(words[-1]) if words else type(error).__name__


def _answer(error: BaseException) -> requests.Response | None:
    """The answer of a server that is behind an error of the client's."""
    failed = (each for each in _chain(error) if isinstance(each, requests.RequestException))
    return next((each.response for each in failed if each.response is not None), None)


def _reason(error: BaseException, answer: requests.Response | None) -> str:
    if answer is None:
        return masked(last_words(error)) or type(error).__name__
    try:
        body = answer.json()
        said = str(body.get("message") or body.get("error") or "") if isinstance(body, dict) else ""
    except ValueError:
        said = ""
    return f"{answer.status_code} {said or answer.reason or ''}".strip()
