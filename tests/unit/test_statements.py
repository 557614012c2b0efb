"""Statements, envelopes and bundles; signatures are checked with a library that is not the one that makes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import SSlibKey

from pipeline.errors import UsageError
from pipeline.signing import Signer, new_key, read_public_key, read_signer, write_keys
from pipeline.statements import (
    IN_TOTO,
    PROVENANCE,
    MalformedError,
    Statement,
    bundle,
    read_bundle,
    read_statement,
)

DIGEST = f"sha256:{'a' * 64}"
STATEMENT = Statement("reg.example/shop", DIGEST, PROVENANCE, {"b": 1, "a": "é"})
SIGNERS = [new_key(), Signer(ed25519.Ed25519PrivateKey.generate())]


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> str:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, protection).decode()


def test_a_statement_comes_back_as_it_was_and_has_always_the_same_bytes() -> None:
    data = STATEMENT.to_bytes()
    assert read_statement(data) == STATEMENT
    assert Statement("reg.example/shop", DIGEST, PROVENANCE, {"a": "é", "b": 1}).to_bytes() == data
    assert json.loads(data)["subject"] == [{"name": "reg.example/shop", "digest": {"sha256": "a" * 64}}]


@pytest.mark.parametrize("signer", SIGNERS, ids=["ecdsa", "ed25519"])
def test_another_library_finds_our_signature_good(signer: Signer) -> None:
    body = json.loads(bundle(signer.sign(STATEMENT)))
    assert body["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    envelope = body["dsseEnvelope"]
    assert envelope["payloadType"] == IN_TOTO
    key = SSlibKey.from_crypto(signer.public.key, keyid="k")
    (signature,) = envelope["signatures"]

    def read(payload: str) -> OtherEnvelope:
        return OtherEnvelope.from_dict({**envelope, "payload": payload, "signatures": [{**signature, "keyid": "k"}]})

    assert read(envelope["payload"]).verify([key], 1)
    with pytest.raises((UnverifiedSignatureError, VerificationError)):
        read(base64.b64encode(STATEMENT.to_bytes() + b" ").decode()).verify([key], 1)


@pytest.mark.parametrize("signer", SIGNERS, ids=["ecdsa", "ed25519"])
def test_a_signature_is_good_for_its_key_and_its_payload_alone(signer: Signer) -> None:
    envelope = read_bundle(bundle(signer.sign(STATEMENT)))
    assert signer.public.made(envelope)
    assert envelope.hint == signer.public.hint
    assert read_statement(envelope.payload) == STATEMENT
    assert not new_key().public.made(envelope)
    other = json.loads(bundle(envelope))
    other["dsseEnvelope"]["payload"] = base64.b64encode(STATEMENT.to_bytes() + b" ").decode()
    assert not signer.public.made(read_bundle(json.dumps(other).encode()))
    unsigned = json.loads(bundle(envelope))
    unsigned["dsseEnvelope"]["signatures"] = []
    assert not signer.public.made(read_bundle(json.dumps(unsigned).encode()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"dsseEnvelope": null}',
        b'{"dsseEnvelope": {"payload": "!", "payloadType": "application/vnd.in-toto+json", "signatures": []}}',
        b'{"dsseEnvelope": {"payload": "", "payloadType": "text/plain", "signatures": []}}',
        b'{"dsseEnvelope": {"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": [{}]}}',
        b'{"dsseEnvelope": {"payload": "", "payloadType": "x", "signatures": []}, "verificationMaterial": []}',
    ],
)
def test_what_is_no_bundle_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_bundle(data)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"_type": "https://in-toto.io/Statement/v1", "subject": []},
        {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": "a"}}] * 2},
        {"_type": "https://in-toto.io/Statement/v1", "subject": ["x"]},
        {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha1": "a"}}]},
        {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": "a"}]},
        {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": "a"}}], "predicate": [1]},
    ],
)
def test_what_is_no_statement_about_one_image_is_said_to_be_none(body: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        read_statement(json.dumps(body).encode())


@pytest.mark.parametrize("password", ["", "s3cret"])
def test_a_pair_of_keys_is_written_once_and_read_again(tmp_path: Path, password: str) -> None:
    signer = new_key()
    public = write_keys(signer, tmp_path / "shop", password)
    private = tmp_path / "shop.key"
    assert private.stat().st_mode & 0o777 == 0o600
    assert ("ENCRYPTED" in private.read_text()) == bool(password)
    envelope = read_signer(private.read_text(), password, "shop.key").sign(STATEMENT)
    assert read_public_key(public.read_text(), "shop.pub").made(envelope)
    with pytest.raises(UsageError, match="is not written over"):
        write_keys(signer, tmp_path / "shop", password)


SECRET = "correct-horse"
P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("text", "password", "message"),
    [
        (pem(P256, SECRET.encode()), "", "needs its password"),
        (pem(P256, SECRET.encode()), "wrong-horse", "the password is wrong"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "", "this kind of key"),
        (pem(rsa.generate_private_key(65537, 2048)), "", "this kind of key"),
        ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n", "", "cosign's own"),
        ("no key", "", "it is no private key"),
    ],
)
def test_a_key_of_no_use_is_named_and_not_shown(text: str, password: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        read_signer(text, password, "shop.key")
    said = f"{raised.value.message} {raised.value.hint}"
    assert "shop.key" in said
    assert text.strip() not in said
    assert not password or password not in said


def test_a_password_that_a_key_does_not_need_does_no_harm() -> None:
    assert read_signer(pem(P256), "unused", "k").public.hint == Signer(P256).public.hint


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(UsageError, match="this is a private key"):
        read_public_key(pem(P256), "shop.key")
    with pytest.raises(UsageError, match="no public key"):
        read_public_key("x", "shop.pub")
