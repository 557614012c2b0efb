"""What is said of an image, as data: in-toto statements, their envelopes (DSSE), and Sigstore's bundles around those.

Only the shapes are made and read here; who signs, and whether a signature is good, is `signing`'s business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
PROVENANCE = "https://slsa.dev/provenance/v1"
NAMES = {
    SIGNATURE: "signature",
    CYCLONEDX: "SBOM (CycloneDX)",
    SPDX: "SBOM (SPDX)",
    PROVENANCE: "provenance (SLSA)",
}
"""What people call each kind of statement."""

IN_TOTO = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "https://in-toto.io/Statement/v1"


class MalformedError(ValueError):
    """Bytes that are no statement, no envelope, or no bundle."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A predicate about one image: its name, and its manifest's digest ("sha256:…")."""

    name: str
    digest: str
    kind: str
    predicate: Json = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The statement's JSON, the same bytes for the same statement."""
        algorithm, _, value = self.digest.partition(":")
        return compact(
            {
                "_type": _STATEMENT,
                "subject": [{"name": self.name, "digest": {algorithm: value}}],
                "predicateType": self.kind,
                "predicate": self.predicate,
            }
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload: `signatures` are over `signed`, in no order; `hint` says which public key was used.

    `source` are the bytes of the bundle that it was read from, b"" where it was not.
    """

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]
    hint: str = ""
    source: bytes = field(default=b"", compare=False, repr=False)

    @property
    def signed(self) -> bytes:
        """The bytes that are signed, by DSSE's pre-authentication encoding."""
        return pre_authentication(self.payload, self.payload_type)


def read_statement(data: bytes) -> Statement:
    """A statement of exactly one subject. Raises MalformedError."""
    body = _json(data, "a statement")
    subjects = body.get("subject")
    if body.get("_type") != _STATEMENT or not isinstance(subjects, list) or len(subjects) != 1:
        raise MalformedError("no in-toto statement of one subject")
    subject = subjects[0] if isinstance(subjects[0], dict) else {}
    digests = subject.get("digest")
    value = digests.get("sha256") if isinstance(digests, dict) else None
    predicate = body.get("predicate") or {}
    if not isinstance(value, str) or not isinstance(predicate, dict):
        raise MalformedError("a statement without a subject's sha256, or with a predicate that is no object")
    return Statement(str(subject.get("name") or ""), f"sha256:{value}", str(body.get("predicateType")), predicate)


def pre_authentication(payload: bytes, payload_type: str) -> bytes:
    """DSSE's PAE: type and payload, each with its length before it."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def bundle(envelope: Envelope) -> bytes:
    """A Sigstore bundle for a signature with a key of one's own: neither a certificate nor a log's entry."""
    return compact(
        {
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": envelope.hint}},
            "dsseEnvelope": {
                "payload": _encoded(envelope.payload),
                "payloadType": envelope.payload_type,
                "signatures": [{"sig": _encoded(each)} for each in envelope.signatures],
            },
        }
    )


def read_bundle(data: bytes) -> Envelope:
    """The envelope in a Sigstore bundle. Raises MalformedError."""
    body = _json(data, "a bundle")
    try:
        envelope = body["dsseEnvelope"]
        signatures = tuple(_decoded(each["sig"]) for each in envelope["signatures"])
        payload, kind = _decoded(envelope["payload"]), str(envelope["payloadType"])
        hint = str(((body.get("verificationMaterial") or {}).get("publicKey") or {}).get("hint") or "")
    except (AttributeError, KeyError, TypeError) as error:
        raise MalformedError("a bundle without a signed envelope") from error
    if kind != IN_TOTO:
        raise MalformedError(f"a bundle with {kind}, which is no statement")
    return Envelope(payload, kind, signatures, hint, data)


def compact(value: object) -> bytes:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    """A digest as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(data: bytes, what: str) -> Json:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise MalformedError(f"{what} that is no JSON") from error
    if not isinstance(body, dict):
        raise MalformedError(f"{what} that is no object")
    return body


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise MalformedError("a bundle that is not in base64") from error
