"""Reaching a registry: certificates, credentials and tokens, against a small server of this test's own."""

from __future__ import annotations

import base64
import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline import registry_access, registry_trust
from pipeline.errors import AlteredError, RegistryError
from pipeline.events import Event, Retrying
from pipeline.oci import MANIFEST
from pipeline.oci_registry import OciRegistry
from pipeline.reference import ImageReference
from pipeline.registry_trust import is_insecure, is_loopback
from pipeline.statements import sha256
from tests.debian_registry import authority as self_signed
from tests.serving import serving

pytestmark = pytest.mark.allow("network")
BODY = b'{"schemaVersion": 2}'
BASIC = f"Basic {base64.b64encode(b'alice:s3cret').decode()}"


class Server(ThreadingHTTPServer):
    """Has one manifest, `1`. `wants` is what it asks for: "", "basic" or "token"; `answers` come before all else."""

    daemon_threads = True

    def __init__(self, wants: str = "", authority: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wants, self.scheme = wants, "http"
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[str, str, str]] = []
        self.tokens: list[dict[str, list[str]]] = []
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that do not like the certificate."""


class Handler(BaseHTTPRequestHandler):
    """Answers like a registry, or like its token server."""

    def do_GET(self) -> None:
        server, given = cast("Server", self.server), self.headers.get("Authorization", "")
        url = urlsplit(self.path)
        if url.path == "/v2/":
            self._answer(200, b"{}")
            return
        if url.path == "/token":
            server.tokens.append(parse_qs(url.query))
            self._answer(200, b'{"token": "t0ken"}') if given == BASIC else self._answer(401, b"{}")
            return
        server.seen.append((self.command, url.path, given))
        if server.answers:
            self._answer(*server.answers.pop(0))
        elif server.wants == "basic" and given != BASIC:
            self._answer(401, b"{}", ("WWW-Authenticate", 'Basic realm="lab"'))
        elif server.wants == "token" and given != "Bearer t0ken":
            realm = f'{server.scheme}://{server.address}/token",service="lab",scope="repository:shop:pull'
            self._answer(401, b"{}", ("WWW-Authenticate", f'Bearer realm="{realm}"'))
        elif url.path.endswith("/manifests/1"):
            self._answer(200, BODY, ("Content-Type", MANIFEST))
        elif "/blobs/" in url.path:
            self._answer(200, b"something else")
        else:
            self._answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}')

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Nobody's: no docker settings, and no certificates of this machine."""
    monkeypatch.setattr(registry_trust, "CERTIFICATES", (Path("~/certs.d"),))
    monkeypatch.setattr(registry_trust, "ENGINE_SETTINGS", (Path("~/daemon.json"),))
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text("{}")
    return {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker")}


def logged_in(environ: dict[str, str], address: str, pair: bytes = b"alice:s3cret") -> None:
    auths = {address: {"auth": base64.b64encode(pair).decode()}}
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps({"auths": auths}))


def registry(server: Server, environ: dict[str, str], events: list[Event] | None = None) -> OciRegistry:
    name = ImageReference.parse(f"{server.address}/shop:1")
    return OciRegistry(name, environ, (events if events is not None else []).append, lambda _: None)


@pytest.mark.parametrize("wants", ["", "basic", "token"])
def test_a_manifest_is_had_from_every_kind_of_registry(environ: dict[str, str], wants: str) -> None:
    with serving(Server(wants)) as server:
        logged_in(environ, server.address)
        store = registry(server, environ)
        found = store.manifest("1")
        assert found
        assert (found.digest, found.media_type, found.data) == (sha256(BODY), MANIFEST, BODY)
        assert store.manifest("2") is None
        assert store.referrers(found.digest) is None
    assert server.tokens == ([{"service": ["lab"], "scope": ["repository:shop:pull"]}] if wants == "token" else [])


@pytest.mark.parametrize("wants", ["basic", "token"])
@pytest.mark.parametrize("pair", [b"", b"alice:guess"])
def test_who_may_not_enter_is_told_to_log_in_and_no_password_is_shown(
    environ: dict[str, str], wants: str, pair: bytes
) -> None:
    with serving(Server(wants)) as server:
        if pair:
            logged_in(environ, server.address, pair)
        with pytest.raises(RegistryError) as raised:
            registry(server, environ).manifest("1")
    assert "docker login" in raised.value.hint
    assert "guess" not in f"{raised.value.message}{raised.value.detail}"
    assert len(server.seen) <= 2, "what will not pass is not tried again"


def test_a_netrc_of_the_user_is_for_other_programs(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(Server()) as server:
        registry(server, environ).manifest("1")
    assert server.seen[0][2] == ""


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_and_told(environ: dict[str, str], status: int) -> None:
    events: list[Event] = []
    with serving(Server()) as server:
        server.answers = [(status, b"<html>")]
        assert registry(server, environ, events).manifest("1")
    assert [type(each) for each in events] == [Retrying]


@pytest.mark.parametrize("status", [403, 400, 500])
def test_what_does_not_pass_is_an_error_with_the_exit_code_of_a_push(environ: dict[str, str], status: int) -> None:
    with serving(Server()) as server:
        server.answers = [(status, b'{"errors": [{"code": "X", "message": "the reason"}]}')] * 9
        with pytest.raises(RegistryError, match="the reason") as raised:
            registry(server, environ).manifest("1")
    assert raised.value.exit_code == 5


def test_content_with_another_digest_is_not_taken(environ: dict[str, str]) -> None:
    with serving(Server()) as server:
        store = registry(server, environ)
        with pytest.raises(AlteredError):
            store.blob(f"sha256:{'a' * 64}")
        server.answers = [(200, b"{}")]
        with pytest.raises(AlteredError):
            store.manifest(f"sha256:{'a' * 64}")


def test_nobody_who_answers_is_an_error(environ: dict[str, str]) -> None:
    with serving(Server()) as server:
        store = registry(server, environ)
    with pytest.raises(RegistryError, match="refused") as raised:
        store.manifest("1")
    assert "object at 0x" not in raised.value.message


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody else knows, in one file."""
    return self_signed(tmp_path_factory.mktemp("authority"), "lab")


def certificates(environ: dict[str, str], address: str, **files: bytes) -> None:
    """What is in the folder that docker has for this registry; `_` stands for the point before an ending."""
    folder = Path(environ["HOME"]) / "certs.d" / address
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)


@pytest.mark.parametrize("wants", ["basic", "token"])
def test_a_private_authority_is_known_from_the_folder_that_docker_has(
    environ: dict[str, str], authority: Path, wants: str
) -> None:
    with serving(Server(wants, authority)) as server:
        logged_in(environ, server.address)
        certificates(environ, server.address, ca_crt=authority.read_bytes())
        assert registry(server, environ).manifest("1")


def test_every_authority_of_the_folder_is_known(environ: dict[str, str], authority: Path, tmp_path: Path) -> None:
    with serving(Server("", authority)) as server:
        others = (self_signed(tmp_path, name).read_bytes() for name in ("one", "two"))
        certificates(environ, server.address, a_crt=next(others), b_crt=authority.read_bytes(), c_crt=next(others))
        assert registry(server, environ).manifest("1")


@pytest.mark.parametrize("name", ["ca_crt", "client_cert"])
def test_a_certificate_of_no_use_is_named(environ: dict[str, str], name: str) -> None:
    certificates(environ, "127.0.0.1:9", **{name: b"nothing"})
    with pytest.raises(RegistryError, match=name.replace("_", r"\.")) as raised:
        OciRegistry(ImageReference.parse("127.0.0.1:9/shop:1"), environ, lambda _: None)
    assert raised.value.hint


def insecure(environ: dict[str, str], *entries: str) -> None:
    (Path(environ["HOME"]) / "daemon.json").write_text(json.dumps({"insecure-registries": entries}))


def test_a_registry_that_the_engine_is_to_believe_is_believed(environ: dict[str, str], authority: Path) -> None:
    with serving(Server("token", authority)) as server:
        logged_in(environ, server.address)
        with pytest.raises(RegistryError, match="certificate"):
            registry(server, environ).manifest("1")
        insecure(environ, server.address)
        assert registry(server, environ).manifest("1")
    assert server.tokens


@pytest.mark.parametrize(
    ("entry", "host", "covered"),
    [
        ("registry.example", "registry.example", True),
        ("registry.example:5000", "registry.example:5000", True),
        ("http://registry.example:5000/", "registry.example:5000", True),
        ("registry.example", "registry.example:5000", False),
        ("registry.example:5000", "other.example:5000", False),
        ("10.1.0.0/16", "10.1.2.3:5000", True),
        ("10.1.0.0/16", "10.2.2.3:5000", False),
        ("fd00::/8", "[fd00::1]:5000", True),
        ("10.1.0.0/16", "registry.example", False),
    ],
)
def test_the_engine_s_settings_name_registries_and_networks(
    environ: dict[str, str],
    entry: str,
    host: str,
    covered: bool,  # noqa: FBT001 - what is expected
) -> None:
    insecure(environ, "elsewhere.example", entry)
    assert is_insecure(host, environ) is covered


def test_what_another_engine_holds_to_be_insecure_is_believed_too(environ: dict[str, str], authority: Path) -> None:
    with serving(Server("", authority)) as server:
        name = ImageReference.parse(f"{server.address}/shop:1")
        for networks in (("127.0.0.0/8",), (server.address,)):
            assert OciRegistry(name, environ, lambda _: None, insecure=networks).manifest("1")
        with pytest.raises(RegistryError, match="certificate"):
            OciRegistry(name, environ, lambda _: None, insecure=("10.0.0.0/8",)).manifest("1")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"insecure-registries": "registry.example"}', "{"])
def test_settings_of_the_engine_that_say_nothing_are_passed_over(environ: dict[str, str], text: str) -> None:
    (Path(environ["HOME"]) / "daemon.json").write_text(text)
    assert not is_insecure("registry.example", environ)


def test_a_registry_elsewhere_that_speaks_plain_http_is_reached_only_if_the_engine_may(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_access, "is_loopback", lambda _: False)
    with serving(Server()) as server:
        with pytest.raises(RegistryError):
            registry(server, environ).manifest("1")
        insecure(environ, server.address)
        assert registry(server, environ).manifest("1")


def test_an_authority_that_nobody_knows_is_refused_and_no_password_is_sent(
    environ: dict[str, str], authority: Path
) -> None:
    with serving(Server("basic", authority)) as server:
        logged_in(environ, server.address)
        with pytest.raises(RegistryError, match="certificate") as raised:
            registry(server, environ).manifest("1")
    assert "certs.d" in raised.value.hint
    assert server.seen == []


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("localhost:5000", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("10.0.0.1:5000", False),
        ("registry.example", False),
    ],
)
def test_plain_http_is_for_this_machine_only(server: str, here: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_loopback(server) is here
