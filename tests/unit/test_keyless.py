"""Signing with an identity, for real: against a Sigstore of this test's own, over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pipeline import keyless, sigstore_client
from pipeline.errors import PipelineError, RegistryError, UsageError
from pipeline.events import Event, Retrying
from pipeline.keyless import ByIdentity, KeylessSigner, offered_token
from pipeline.signing import new_key
from pipeline.sigstore_client import read_root, read_trust
from pipeline.statements import PROVENANCE, Envelope, Statement, bundle, read_bundle, read_statement
from tests.fake_sigstore import FakeSigstore, fake_sigstore
from tests.sigstore_parts import IDENTITY, ISSUER, token
from tests.timestamps import Timestamps

pytestmark = pytest.mark.allow("network")
STATEMENT = Statement("reg.example/shop", f"sha256:{'a' * 64}", PROVENANCE, {"a": "é"})
CERTIFICATES, ENTRIES = "/api/v2/signingCert", "/api/v1/log/entries"
CI_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME", keyless.TOKEN)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CI service; what offers an identity is looked up in the environment by the library itself."""
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sigstore() -> Iterator[FakeSigstore]:
    with fake_sigstore() as running:
        yield running


@pytest.fixture
def trust(sigstore: FakeSigstore, tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_text(sigstore.trust_config())
    return path


def signer(trust: Path, offered: Callable[[], str] = token, environ: dict[str, str] | None = None) -> KeylessSigner:
    return KeylessSigner(offered, trust, environ or {}, lambda _: None)


def judge(trust: Path, *identities: str, issuer: str = ISSUER) -> ByIdentity:
    return ByIdentity(identities or (IDENTITY,), issuer, read_root(trust))


def silent(_: Event) -> None:
    """Events of no interest."""


def test_a_statement_is_signed_noted_and_believed_with_nothing_but_the_roots(
    sigstore: FakeSigstore, trust: Path
) -> None:
    made = signer(trust)
    assert made.name() == ""
    data = made.sealed(STATEMENT, silent)
    assert made.name() == f"{IDENTITY}, issuer {ISSUER}"
    body = json.loads(data)
    assert body["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert set(body["verificationMaterial"]) >= {"certificate", "tlogEntries"}
    asked = list(sigstore.asked)
    envelope = read_bundle(data)
    assert read_statement(envelope.payload) == STATEMENT
    assert judge(trust).objection(envelope) == ""
    assert judge(trust, "somebody else", IDENTITY).objection(envelope) == ""
    assert asked == sigstore.asked == [CERTIFICATES, ENTRIES], "to verify, nobody is asked"


def test_what_one_run_signs_has_one_certificate_and_an_entry_for_each(sigstore: FakeSigstore, trust: Path) -> None:
    made = signer(trust)
    for _ in range(5):
        assert made.judge(silent).objection(read_bundle(made.sealed(STATEMENT, silent))) == ""
    assert sigstore.asked.count(CERTIFICATES) == 1
    assert sigstore.asked.count(ENTRIES) == 5


def test_a_certificate_that_runs_out_is_had_again(sigstore: FakeSigstore, trust: Path) -> None:
    sigstore.fulcio.lives = keyless._SPARE
    made = signer(trust)
    for _ in range(2):
        made.sealed(STATEMENT, silent)
    assert sigstore.asked.count(CERTIFICATES) == 2


@pytest.mark.allow("process")
def test_signatures_are_stamped_where_there_is_an_authority_for_it(
    sigstore: FakeSigstore, trust: Path, tmp_path: Path
) -> None:
    unstamped = signer(trust).sealed(STATEMENT, silent)
    sigstore.timestamps = Timestamps(tmp_path / "timestamps")
    trust.write_text(sigstore.trust_config())
    data = signer(trust).sealed(STATEMENT, silent)
    assert len(json.loads(data)["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]) == 1
    assert judge(trust).objection(read_bundle(data)) == ""
    assert judge(trust).objection(read_bundle(unstamped)) == ""

    without_promise = changed(read_bundle(data), CHANGES["no promise of the log's"])
    assert judge(trust).objection(without_promise) == "", "the stamp alone tells the time"
    sigstore.timestamps = Timestamps(tmp_path / "another authority")
    trust.write_text(sigstore.trust_config())
    assert "verified time" in judge(trust).objection(without_promise)


@pytest.mark.allow("process")
def test_the_second_version_of_the_log_will_do(sigstore: FakeSigstore, trust: Path, tmp_path: Path) -> None:
    sigstore.timestamps, sigstore.rekor_version = Timestamps(tmp_path / "timestamps"), 2
    trust.write_text(sigstore.trust_config())
    sigstore.answers = [("/api/v2/log/entries", 503, b"")]
    events: list[Event] = []
    made = signer(trust)
    envelope = read_bundle(made.sealed(STATEMENT, events.append))
    assert made.judge(silent).objection(envelope) == ""
    assert judge(trust, "somebody else").objection(envelope) != ""
    assert judge(trust).objection(changed(envelope, CHANGES["another payload"])) != ""
    assert [type(each) for each in events] == [Retrying]


@pytest.mark.allow("process")
def test_an_authority_for_timestamps_that_fails_costs_the_stamp_alone(
    sigstore: FakeSigstore, trust: Path, tmp_path: Path
) -> None:
    sigstore.timestamps = Timestamps(tmp_path / "timestamps")
    trust.write_text(sigstore.trust_config())
    sigstore.answers = [("/timestamp", 503, b"")] * 9
    data = signer(trust).sealed(STATEMENT, silent)
    assert not json.loads(data)["verificationMaterial"]["timestampVerificationData"].get("rfc3161Timestamps")
    assert judge(trust).objection(read_bundle(data)) == ""


@pytest.mark.parametrize(
    ("identity", "issuer", "said"),
    [("https://evil.example", ISSUER, IDENTITY), (IDENTITY, "https://evil.example", ISSUER)],
)
def test_another_identity_or_issuer_is_not_believed(trust: Path, identity: str, issuer: str, said: str) -> None:
    envelope = read_bundle(signer(trust).sealed(STATEMENT, silent))
    objection = judge(trust, identity, issuer=issuer).objection(envelope)
    assert objection.startswith("not signed by this identity: ")
    assert said in objection


def changed(envelope: Envelope, change: Callable[[dict[str, Any]], object]) -> Envelope:
    body = json.loads(envelope.source)
    change(body)
    return read_bundle(json.dumps(body).encode())


def entry(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["verificationMaterial"]["tlogEntries"][0])


OTHER = base64.b64encode(replace(STATEMENT, digest=f"sha256:{'b' * 64}").to_bytes()).decode()
CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another payload": lambda body: body["dsseEnvelope"].update(payload=OTHER),
    "another signature": lambda body: body["dsseEnvelope"]["signatures"][0].update(sig="AAAA"),
    "no entry": lambda body: body["verificationMaterial"].update(tlogEntries=[]),
    "another place in the log": lambda body: body["verificationMaterial"].update(
        tlogEntries=[entry(body) | {"inclusionProof": entry(body)["inclusionProof"] | {"logIndex": "0"}}]
    ),
    "another time": lambda body: body["verificationMaterial"].update(
        tlogEntries=[entry(body) | {"integratedTime": str(int(entry(body)["integratedTime"]) - 5)}]
    ),
    "no promise of the log's": lambda body: body["verificationMaterial"].update(
        tlogEntries=[{name: value for name, value in entry(body).items() if name != "inclusionPromise"}]
    ),
    "no certificate": lambda body: body["verificationMaterial"].pop("certificate"),
    "another certificate": lambda body: body["verificationMaterial"]["certificate"].update(rawBytes="AA=="),
    "nothing": lambda body: body.pop("verificationMaterial"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_bundle_that_somebody_has_been_at_is_not_believed_and_stops_nothing(trust: Path, what: str) -> None:
    envelope = read_bundle(signer(trust).sealed(STATEMENT, silent))
    assert judge(trust).objection(changed(envelope, CHANGES[what])) != ""


def test_another_sigstore_s_signature_is_not_believed(trust: Path, tmp_path: Path) -> None:
    envelope = read_bundle(signer(trust).sealed(STATEMENT, silent))
    with fake_sigstore() as other:
        (tmp_path / "other.json").write_text(other.trust_config())
        assert judge(tmp_path / "other.json").objection(envelope) != ""


def test_a_key_s_signature_is_no_identity_s_and_the_other_way_round(trust: Path) -> None:
    key = new_key()
    assert "signed with a key" in judge(trust).objection(read_bundle(bundle(key.sign(STATEMENT))))
    assert key.public.objection(read_bundle(signer(trust).sealed(STATEMENT, silent))) == "not signed with this key"


@pytest.mark.parametrize("path", [CERTIFICATES, ENTRIES])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again_and_told(sigstore: FakeSigstore, trust: Path, path: str, status: int) -> None:
    events: list[Event] = []
    sigstore.answers = [(path, status, b"<html>")] * 2
    envelope = read_bundle(signer(trust).sealed(STATEMENT, events.append))
    assert judge(trust).objection(envelope) == ""
    assert [type(each) for each in events] == [Retrying, Retrying]


@pytest.mark.parametrize("path", [CERTIFICATES, ENTRIES])
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"code": 3, "message": "the reason"}', "400 the reason"),
        (403, b"<html>", "403"),
        (503, b"", "503"),
        (201, b"{}", ""),
        (201, b'{"x": {"body": "AA=="}}', ""),
        (201, b"<html>", ""),
    ],
)
def test_what_does_not_pass_is_an_error_of_the_push(
    sigstore: FakeSigstore, trust: Path, path: str, status: int, body: bytes, said: str
) -> None:
    sigstore.answers = [(path, status, body)] * 99
    with pytest.raises(RegistryError) as raised:
        signer(trust).sealed(STATEMENT, silent)
    assert raised.value.exit_code == 5
    assert raised.value.message.startswith("Sigstore: ")
    assert said in raised.value.message


def test_nobody_who_answers_is_an_error_that_says_so(trust: Path) -> None:
    with fake_sigstore() as gone:
        trust.write_text(gone.trust_config())
    with pytest.raises(RegistryError, match="refused") as raised:
        signer(trust, environ={"BASEIMAGE_REGISTRY_PATIENCE": "1"}).sealed(STATEMENT, silent)
    assert "object at 0x" not in raised.value.message


def test_a_server_that_says_nothing_is_given_up(
    sigstore: FakeSigstore, trust: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sigstore_client, "TIMEOUT", (1, 0.2))
    for path in (CERTIFICATES, ENTRIES):
        sigstore.silent = path
        with pytest.raises(RegistryError, match="timed out"):
            signer(trust, environ={"BASEIMAGE_REGISTRY_PATIENCE": "1"}).sealed(STATEMENT, silent)


def test_github_s_token_is_asked_for_where_the_job_may(sigstore: FakeSigstore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sigstore.github().items():
        monkeypatch.setenv(name, value)
    assert offered_token({}).count(".") == 2
    sigstore.answers = [("/token", 500, b"broken")]
    with pytest.raises(RegistryError, match="an identity is offered here and cannot be had"):
        offered_token({})
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    assert offered_token({}) == ""


def test_gitlab_s_token_is_in_the_environment_and_nothing_else_is_taken_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered_token({}) == ""
    monkeypatch.setenv("GITLAB_CI", "true")
    assert offered_token({"GITLAB_CI": "true", keyless.TOKEN: "t"}) == "t"
    assert offered_token({keyless.TOKEN: "t"}) == "t"
    assert offered_token({"GITLAB_CI": "true"}) == ""


@pytest.mark.parametrize(
    ("offered", "said"),
    [("no token", "segments"), (token(audience="other"), "Audience"), (token(seconds=-60), "expired")],
)
def test_a_token_of_no_use_is_found_out_before_anything_is_built(trust: Path, offered: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        signer(trust, lambda: offered).check()
    assert offered not in f"{raised.value.message} {raised.value.hint}"


def test_a_token_that_runs_out_during_the_build_is_told(trust: Path) -> None:
    with pytest.raises(RegistryError, match="expired") as raised:
        signer(trust, lambda: token(seconds=-60)).sealed(STATEMENT, silent)
    assert "run out" in raised.value.hint


def test_a_token_is_asked_for_anew_when_it_is_needed(trust: Path) -> None:
    given = iter([token(seconds=-60), token()])
    made = signer(trust, lambda: next(given))
    with pytest.raises(UsageError):
        made.check()
    made.sealed(STATEMENT, silent)


def test_a_trusted_root_alone_is_enough_to_verify_and_not_to_sign(
    sigstore: FakeSigstore, trust: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root.json"
    root.write_text(json.dumps(sigstore.trusted_root()))
    envelope = read_bundle(signer(trust).sealed(STATEMENT, silent))
    assert judge(root).objection(envelope) == ""
    with pytest.raises(UsageError, match=r"root\.json"):
        signer(root).check()


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON", '{"mediaType": "x"}', '{"mediaType": ["x"]}'])
def test_a_trust_configuration_of_no_use_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.json"
    path.write_text(text)
    for read in (read_root, read_trust):
        with pytest.raises(UsageError, match=r"trust\.json: no trust configuration"):
            read(path)


def test_the_public_sigstore_that_is_out_of_reach_is_no_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))

    def nowhere(*_: object, **__: object) -> NoReturn:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    with pytest.raises(PipelineError) as raised:
        read_root(None)
    assert raised.value.exit_code == 5
    assert "Name or service not known" in raised.value.message
    assert "--trust-config" in raised.value.hint


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("id", "sigstore", "sigstore.models"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for work in (lambda: offered_token({}), lambda: read_trust(tmp_path), lambda: read_root(None)):
        with pytest.raises(UsageError) as raised:
            work()
        assert "baseimage-pipeline[keyless]" in raised.value.hint
