"""A Sigstore of this machine's own: certificates, the log of signatures, and who gives out identity tokens.

It is real as far as a client can see; `trust_config` is what names all of it, with `timestamps` an authority for these,
too, which Rekor's second version needs. Left out is every question but those that a client asks who signs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.serving import serving
from tests.sigstore_parts import DER, Fulcio, Rekor, der, encoded, token
from tests.timestamps import Timestamps

ASKING = "who-asks-for-a-token"


@dataclass
class FakeSigstore:
    """Its address, what was asked of it, and answers (path, status, body) that come before all else, once each.

    At the path `silent` nothing is ever answered.
    """

    address: str = ""
    fulcio: Fulcio = field(default_factory=Fulcio)
    rekor: Rekor = field(default_factory=Rekor)
    asked: list[str] = field(default_factory=list)
    answers: list[tuple[str, int, bytes]] = field(default_factory=list)
    silent: str = ""
    timestamps: Timestamps | None = None
    rekor_version: int = 1
    ended: threading.Event = field(default_factory=threading.Event)

    def trusted_root(self) -> dict[str, Any]:
        """Whom to trust."""
        always = {"start": "2020-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            public = {"rawBytes": encoded(der(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": always}
            number = encoded(hashlib.sha256(der(key)).digest())
            return {
                "baseUrl": self.address,
                "hashAlgorithm": "SHA2_256",
                "publicKey": public,
                "logId": {"keyId": number},
            }

        authority = {
            "subject": {"organization": "example", "commonName": "sigstore of a test"},
            "uri": self.address,
            "certChain": {"certificates": [{"rawBytes": encoded(self.fulcio.root.public_bytes(DER))}]},
            "validFor": always,
        }
        stamping = [each.public_bytes(DER) for each in (self.timestamps.chain if self.timestamps else ())]
        stamps = authority | {"certChain": {"certificates": [{"rawBytes": encoded(each)} for each in stamping]}}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.rekor.key)],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self.fulcio.log)],
            "timestampAuthorities": [stamps] if stamping else [],
        }

    def trust_config(self) -> str:
        """Whom to trust, and whom to ask."""
        service = {
            "url": self.address,
            "majorApiVersion": 1,
            "validFor": {"start": "2020-01-01T00:00:00Z"},
            "operator": "example",
        }
        signing = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service],
            "oidcUrls": [],
            "rekorTlogUrls": [service | {"majorApiVersion": self.rekor_version}],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [service | {"url": f"{self.address}/timestamp"}] if self.timestamps else [],
            "tsaConfig": {"selector": "ANY"},
        }
        kind = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
        return json.dumps({"mediaType": kind, "trustedRoot": self.trusted_root(), "signingConfig": signing})

    def github(self) -> dict[str, str]:
        """The environment of a job of GitHub's that may ask for a token here."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}/token?job=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ASKING,
        }


class _Handler(BaseHTTPRequestHandler):
    @property
    def _sigstore(self) -> FakeSigstore:
        return cast("_Server", self.server).sigstore

    def _serve(self) -> None:
        url = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._sigstore.asked.append(url.path)
        planned = next((each for each in self._sigstore.answers if each[0] == url.path), None)
        if url.path == self._sigstore.silent:
            self._sigstore.ended.wait()
        elif planned:
            self._sigstore.answers.remove(planned)
            self._answer(planned[1], planned[2])
        elif url.path == "/token":
            good = self.headers["Authorization"] == f"bearer {ASKING}"
            (audience,) = parse_qs(url.query)["audience"]
            made = token(audience=audience)
            self._answer(200 if good else 403, json.dumps({"value": made if good else ""}).encode())
        elif url.path == "/timestamp" and self._sigstore.timestamps:
            self._answer(200, self._sigstore.timestamps.stamp(data))
        elif url.path == "/api/v2/signingCert":
            self._certify(json.loads(data))
        elif url.path == "/api/v1/log/entries":
            self._answer(201, json.dumps(self._sigstore.rekor.note(json.loads(data))).encode())
        elif url.path == "/api/v2/log/entries":
            self._answer(201, json.dumps(self._sigstore.rekor.note_as_2(json.loads(data))).encode())
        else:
            self._answer(404, b"{}")

    do_GET = do_POST = _serve

    def _certify(self, asked: dict[str, Any]) -> None:
        bearer = self.headers["Authorization"].removeprefix("Bearer ")
        try:
            chain = self._sigstore.fulcio.certificate(bearer, base64.b64decode(asked["certificateSigningRequest"]))
        except jwt.InvalidTokenError as error:
            self._answer(401, json.dumps({"code": 16, "message": f"the token: {error}"}).encode())
            return
        self._answer(201, json.dumps({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sigstore = FakeSigstore(f"http://127.0.0.1:{self.server_port}")


@contextmanager
def fake_sigstore() -> Iterator[FakeSigstore]:
    """All of it on one port of this machine, as long as the block lasts."""
    server = _Server()
    with serving(server):
        try:
            yield server.sigstore
        finally:
            server.sigstore.ended.set()
