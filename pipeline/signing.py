"""Keys: signing statements, and finding out whether a signature is good. ECDSA on P-256, or Ed25519, in PEM."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from pipeline.errors import UsageError
from pipeline.events import Sink
from pipeline.statements import IN_TOTO, Envelope, Statement, bundle, pre_authentication

_ALLOWED = "an ECDSA key on P-256 or an Ed25519 key, in PEM; baseimage keys makes a pair"
_COSIGN = "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom a signature is by."""

    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

    @property
    def hint(self) -> str:
        """The key's name: the sha256 of its DER form, in base64, as Sigstore's bundles have it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self.key.public_bytes(serialization.Encoding.DER, form)
        return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")

    def made(self, envelope: Envelope) -> bool:
        """Whether one of an envelope's signatures is by this key."""
        return any(self._is_good(each, envelope.signed) for each in envelope.signatures)

    def objection(self, envelope: Envelope) -> str:
        """Why an envelope is not believed, "" where it is."""
        return "" if self.made(envelope) else "not signed with this key"

    def _is_good(self, signature: bytes, data: bytes) -> bool:
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                self.key.verify(signature, data)
            else:
                self.key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key."""

    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The key that others check with."""
        return PublicKey(self.key.public_key())

    def sign(self, statement: Statement) -> Envelope:
        """The statement in an envelope with this key's signature."""
        payload = statement.to_bytes()
        data = pre_authentication(payload, IN_TOTO)
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            signature = self.key.sign(data)
        else:
            signature = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        return Envelope(payload, IN_TOTO, (signature,), self.public.hint)

    def sealed(self, statement: Statement, emit: Sink) -> bytes:  # noqa: ARG002 - a key asks nobody
        """The statement in a Sigstore bundle."""
        return bundle(self.sign(statement))

    def judge(self, emit: Sink) -> PublicKey:  # noqa: ARG002 - the same
        """The public half."""
        return self.public

    def name(self) -> str:
        """Nothing to tell: the user has named the key."""
        return ""


def read_signer(text: str, password: str, name: str) -> Signer:
    """A private key in PEM; `name` is what messages call it. Raises UsageError, and never shows what it has read."""
    if any(form in text for form in _COSIGN):
        raise UsageError(f"{name}: a key in cosign's own encrypted form cannot be read", hint=f"needed is {_ALLOWED}")
    secret = password.encode() if password and "ENCRYPTED" in text else None
    try:
        key = serialization.load_pem_private_key(text.encode(), secret)
    except TypeError:
        raise UsageError(
            f"{name}: the signing key needs its password", hint="it is read from BASEIMAGE_SIGNING_PASSWORD"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        wrong = "the password is wrong, or it is damaged" if secret else "it is no private key"
        raise UsageError(f"{name}: the signing key cannot be read: {wrong}", hint=f"needed is {_ALLOWED}") from None
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and _is_p256(key.curve)
    ):
        return Signer(key)
    raise UsageError(f"{name}: this kind of key cannot sign here", hint=f"needed is {_ALLOWED}")


def read_public_key(text: str, name: str) -> PublicKey:
    """A public key in PEM. Raises UsageError."""
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        said = "this is a private key" if "PRIVATE KEY" in text else "it is no public key in PEM"
        raise UsageError(f"{name}: {said}", hint=f"needed is the public half of {_ALLOWED}") from None
    if isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and _is_p256(key.curve)
    ):
        return PublicKey(key)
    raise UsageError(f"{name}: this kind of key cannot be checked with", hint=f"needed is {_ALLOWED}")


def new_key() -> Signer:
    """A new ECDSA key on P-256, which every tool for signed images knows."""
    return Signer(ec.generate_private_key(ec.SECP256R1()))


def write_keys(signer: Signer, path: Path, password: str) -> Path:
    """Write FILE.key, for the owner's eyes only, and FILE.pub beside it, whose path is returned.

    Raises UsageError where one of them exists: a key that is lost cannot be made again.
    """
    private, public = path.with_suffix(".key"), path.with_suffix(".pub")
    for each in (private, public):
        if each.exists():
            raise UsageError(f"{each} exists, and is not written over", hint="choose another name, or remove it")
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        protection = serialization.BestAvailableEncryption(password.encode())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = signer.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    with open(private, "xb", opener=_private) as stream:
        stream.write(pem)
    public.write_bytes(signer.public.key.public_bytes(serialization.Encoding.PEM, form))
    return public


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
