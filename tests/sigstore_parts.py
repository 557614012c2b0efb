"""What a Sigstore is made of: Fulcio with its log of certificates, Rekor with its tree, and tokens of an identity.

Certificates carry a timestamp that the log of certificates has signed; entries a promise, a proof of inclusion in a
tree that grows, and a signed checkpoint.
Sources: RFC 6962, https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md, Rekor's openapi.yaml.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any, cast

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
ISSUERS = (x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1"), x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"))
IDENTITY = "https://git.example/shop/.github/workflows/images.yml@refs/heads/main"
ISSUER = "https://tokens.git.example"
SECRET = "what tokens are signed with, known to Fulcio alone"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(DER, SPKI)


def signed(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def octets(data: bytes) -> bytes:
    """DER's OCTET STRING, or with another tag whatever is as long."""
    return b"\x04" + (bytes([len(data)]) if len(data) < 0x80 else b"\x81" + bytes([len(data)])) + data


def token(identity: str = IDENTITY, *, issuer: str = ISSUER, seconds: int = 600, audience: str = "sigstore") -> str:
    """What a CI service says of one of its jobs. The identity is not the subject: Fulcio makes the one of the other."""
    now = int(dt.datetime.now(dt.UTC).timestamp())
    claims = {"iss": issuer, "aud": audience, "sub": "repo:shop", "job": identity, "iat": now, "exp": now + seconds}
    return jwt.encode(claims, SECRET.ljust(32), algorithm="HS256")


class Fulcio:
    """Gives certificates to who has a token, and notes them in the log of certificates."""

    def __init__(self) -> None:
        self.key, self.log = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sigstore of a test")])
        now = dt.datetime.now(dt.UTC)
        self.root = (
            x509.CertificateBuilder(self.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.lives = dt.timedelta(minutes=10)

    def certificate(self, bearer: str, request: bytes) -> list[str]:
        """For the key of a request, which its owner has signed. Raises jwt.InvalidTokenError."""
        claims = jwt.decode(bearer, SECRET.ljust(32), algorithms=["HS256"], audience="sigstore")
        wanted = x509.load_pem_x509_csr(request)
        assert wanted.is_signature_valid
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        builder = x509.CertificateBuilder(
            self.name,
            x509.Name([]),
            cast("ec.EllipticCurvePublicKey", wanted.public_key()),
            x509.random_serial_number(),
        )
        builder = builder.not_valid_before(now).not_valid_after(now + self.lives)
        for extension, critical in self._extensions(wanted, claims):
            builder = builder.add_extension(extension, critical)
        noted = self._noted(builder.sign(self.key, hashes.SHA256()).tbs_certificate_bytes, now)
        made = builder.add_extension(x509.UnrecognizedExtension(SCTS, octets(noted)), critical=False)
        return [each.public_bytes(PEM).decode() for each in (made.sign(self.key, hashes.SHA256()), self.root)]

    def _extensions(
        self, wanted: x509.CertificateSigningRequest, claims: dict[str, Any]
    ) -> Iterator[tuple[x509.ExtensionType, bool]]:
        issuer = claims["iss"].encode()
        yield _usage(certificates=False), True
        yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False
        yield x509.SubjectKeyIdentifier.from_public_key(cast("Any", wanted.public_key())), False
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
        yield x509.SubjectAlternativeName([x509.UniformResourceIdentifier(claims["job"])]), True
        yield x509.UnrecognizedExtension(ISSUERS[0], issuer), False
        yield x509.UnrecognizedExtension(ISSUERS[1], b"\x0c" + bytes([len(issuer)]) + issuer), False

    def _noted(self, certificate: bytes, now: dt.datetime) -> bytes:
        """The list of one signed timestamp over a certificate without it (RFC 6962, 3.2 and 3.3)."""
        when = int(now.timestamp() * 1000)
        who = hashlib.sha256(der(self.key)).digest()
        length = struct.pack("!I", len(certificate))[1:]
        entry = struct.pack("!BBQH", 0, 0, when, 1) + who + length + certificate + b"\x00\x00"
        signature = signed(self.log, entry)
        note = b"\x00" + hashlib.sha256(der(self.log)).digest() + struct.pack("!Q", when) + b"\x00\x00\x04\x03"
        note += struct.pack("!H", len(signature)) + signature
        return struct.pack("!HH", len(note) + 2, len(note)) + note


def _usage(*, certificates: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        decipher_only=False,
        **others,
    )


class Rekor:
    """Notes signatures in a tree that grows."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(der(self.key)).digest()
        self.leaves: list[bytes] = [hashlib.sha256(b"\x00before").digest()]

    def note(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """An entry for an envelope, once its signature is found good. Raises InvalidSignature."""
        content = proposed["spec"]["proposedContent"]
        envelope, pem = json.loads(content["envelope"]), base64.b64decode(content["verifiers"][0])
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
        (one,) = envelope["signatures"]
        public = cast("ec.EllipticCurvePublicKey", x509.load_pem_x509_certificate(pem).public_key())
        data = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        public.verify(base64.b64decode(one["sig"]), data, ec.ECDSA(hashes.SHA256()))
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(content["envelope"].encode()).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": one["sig"], "verifier": encoded(pem)}],
        }
        return self._entry(canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}))

    def note_as_2(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """The same in Rekor's second version, which knows signatures over digests alone, and tells no time."""
        asked = proposed["hashedRekordRequestV002"]
        data = {"algorithm": "SHA2_256", "digest": asked["digest"]}
        body = canonical(
            {
                "apiVersion": "0.0.2",
                "kind": "hashedrekord",
                "spec": {"hashedRekordV002": {"data": data, "signature": asked["signature"]}},
            }
        )
        index, root, proof, checkpoint = self._grown(body)
        return {
            "logIndex": str(index),
            "logId": {"keyId": encoded(self.id)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": encoded(root),
                "treeSize": str(len(self.leaves)),
                "hashes": [encoded(each) for each in proof],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": encoded(body),
        }

    def _grown(self, body: bytes) -> tuple[int, bytes, list[bytes], str]:
        """An entry's place, the tree's root, the way between them, and the signed checkpoint."""
        self.leaves.append(hashlib.sha256(b"\x00" + body).digest())
        index, root = len(self.leaves) - 1, _root(self.leaves)
        note = f"{self.host} - 1\n{len(self.leaves)}\n{encoded(root)}\n"
        signature = encoded(self.id[:4] + signed(self.key, note.encode()))
        return index, root, _proof(index, self.leaves), f"{note}\n\u2014 {self.host} {signature}\n"

    def _entry(self, body: bytes) -> dict[str, Any]:
        index, root, proof, checkpoint = self._grown(body)
        entry = {
            "body": encoded(body),
            "integratedTime": int(dt.datetime.now(dt.UTC).timestamp()),
            "logID": self.id.hex(),
            "logIndex": index,
        }
        proved = {
            "checkpoint": checkpoint,
            "hashes": [each.hex() for each in proof],
            "logIndex": index,
            "rootHash": root.hex(),
            "treeSize": len(self.leaves),
        }
        promise = encoded(signed(self.key, canonical(entry)))
        verification = {"inclusionProof": proved, "signedEntryTimestamp": promise}
        return {self.leaves[index].hex(): entry | {"verification": verification}}


def _split(leaves: list[bytes]) -> int:
    return 1 << (len(leaves) - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = _split(leaves)
    return hashlib.sha256(b"\x01" + _root(leaves[:k]) + _root(leaves[k:])).digest()


def _proof(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = _split(leaves)
    if index < k:
        return [*_proof(index, leaves[:k]), _root(leaves[k:])]
    return [*_proof(index - k, leaves[k:]), _root(leaves[:k])]
