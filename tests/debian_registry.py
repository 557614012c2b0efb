"""Debian's docker-registry as a process of its own, and who gives out tokens for it."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serving import serving

USER, PASSWORD = "alice", "s3cret-words"
BASIC = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


@contextmanager
def debian_registry(folder: Path, more: str = "", tls: str = "") -> Iterator[str]:
    """A registry on a free port of this machine, with more of its settings; yields its address."""
    program = shutil.which("docker-registry")
    if program is None:
        if os.environ.get("CI"):  # noqa: TID251 - a test's edge
            pytest.fail("these tests must not be skipped in CI: docker-registry is not installed", pytrace=False)
        pytest.skip("docker-registry is not installed")
    address = f"127.0.0.1:{_free_port()}"
    settings = folder / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}, delete: {{enabled: true}}}}"
    secure = f", tls: {tls}" if tls else ""
    served = f'http: {{addr: "{address}"{secure}}}'
    settings.write_text(f"version: 0.1\nlog: {{level: error}}\n{storage}\n{served}\n{more}\n")
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen([program, "serve", str(settings)], stdout=log, stderr=log)
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        _await(address, process, folder / "log")
        yield address


def users(folder: Path) -> str:
    """The settings of a registry that knows one user."""
    made = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True)
    (folder / "users").write_bytes(made.stdout)
    return f"auth: {{htpasswd: {{realm: tests, path: {folder / 'users'}}}}}"


def logged_in(address: str, password: str = PASSWORD) -> dict[str, Any]:
    """config.json of somebody who has logged in."""
    return {"auths": {address: {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}}}


def authority(folder: Path, name: str) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself and that nobody knows, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(private + certificate.public_bytes(form))
    return file


@dataclass
class TokenServer:
    """Gives its user tokens for everything, and everybody else for pulls of `public/…`; `asked` are the scopes."""

    file: Path
    address: str = ""
    asked: list[str] = field(default_factory=list)

    def settings(self) -> str:
        """Of the registry that believes these tokens."""
        options = f"realm: http://{self.address}/token, service: tests, issuer: tests, rootcertbundle: {self.file}"
        return f"auth: {{token: {{{options}}}}}"

    def token(self, scopes: list[str], *, known: bool) -> str:
        """For as much of the scopes as one may have."""
        self.asked += scopes
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            granted = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
            access.append({"type": kind, "name": name, "actions": granted})
        claims = {"iss": "tests", "aud": "tests", "sub": "", "jti": "1", "access": access}
        times = {"iat": now, "nbf": now - 5, "exp": now + 300}
        pem = self.file.read_bytes()
        key = cast("ec.EllipticCurvePrivateKey", serialization.load_pem_private_key(pem, None))
        chain = [
            base64.b64encode(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)).decode()
        ]
        return jwt.encode(claims | times, key, algorithm="ES256", headers={"x5c": chain})


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        given, query = self.headers.get("Authorization", ""), parse_qs(urlsplit(self.path).query)
        if given and given != BASIC:
            self._answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]})
            return
        server = cast("_Server", self.server).tokens
        scopes = [each for scope in query.get("scope", []) for each in scope.split()]
        self._answer(200, {"token": server.token(scopes, known=bool(given))})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, file: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = TokenServer(file, f"127.0.0.1:{self.server_port}")


@contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    """A token server on a free port of this machine, as long as the block lasts."""
    with serving(_Server(authority(folder, "tokens"))) as server:
        yield server.tokens


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        assert process.poll() is None, f"the registry ended: {log.read_text()}"
        time.sleep(0.05)
    pytest.fail("the registry does not answer")
