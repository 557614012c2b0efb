"""Keyless signatures from the command line's side: when they are made, what a second run does, and verify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.attester import Wishes
from pipeline.cli.attesting import KEY, TRUST, wishes_of
from pipeline.errors import UsageError
from pipeline.events import Event, Warned
from pipeline.keyless import TOKEN, KeylessSigner
from pipeline.referrers import listing
from pipeline.signing import Signer, new_key, write_keys
from pipeline.statements import CYCLONEDX, PROVENANCE, SIGNATURE, SPDX
from tests.fake_sigstore import FakeSigstore, fake_sigstore
from tests.sigstore_parts import IDENTITY, ISSUER, token
from tests.unit.test_attester import RELEASED, UNRELEASED, Bench, bench
from tests.unit.test_cli_attest import IMAGE, Line, line
from tests.unit.test_keyless import nobody
from tests.unit.test_verifying import LABELS, everything

__all__ = ["bench", "line", "nobody"]  # fixtures
pytestmark = pytest.mark.allow("network")


@pytest.fixture
def sigstore(tmp_path: Path) -> Iterator[FakeSigstore]:
    """Whose trust configuration is in trust.json."""
    with fake_sigstore() as running:
        (tmp_path / "trust.json").write_text(running.trust_config())
        yield running


@pytest.fixture
def environ(sigstore: FakeSigstore, tmp_path: Path) -> dict[str, str]:
    """Of a job that is offered an identity."""
    assert sigstore.address
    return {TOKEN: token(), TRUST: str(tmp_path / "trust.json")}


def keyless(environ: dict[str, str], identity: str = IDENTITY) -> Wishes:
    given = {"signing_key": "keyless"}
    wishes = wishes_of(given, RELEASED, environ | {TOKEN: token(identity)}, print, push=True)
    assert wishes
    return wishes


def test_everything_is_attached_signed_by_the_identity_which_is_told(bench: Bench, environ: dict[str, str]) -> None:
    said = bench.attest(keyless(environ))
    assert said.startswith("attached: SBOM (CycloneDX), SBOM (SPDX), provenance (SLSA), signature; signed by ")
    assert said.endswith(f"{IDENTITY}, issuer {ISSUER}")


def test_a_second_run_by_the_same_identity_changes_nothing(
    bench: Bench, environ: dict[str, str], sigstore: FakeSigstore
) -> None:
    bench.attest(keyless(environ))
    entries, written = sigstore.asked.count("/api/v1/log/entries"), bench.registry.writes
    assert bench.attest(keyless(environ)) == "nothing to attach: it is there already"
    assert (sigstore.asked.count("/api/v1/log/entries"), bench.registry.writes) == (entries, written)


def test_what_a_key_or_another_identity_has_signed_is_attached_again(bench: Bench, environ: dict[str, str]) -> None:
    bench.attest(Wishes(sbom=True, provenance=True, signer=new_key()))
    bench.attest(keyless(environ, "https://git.example/other"))
    bench.attest(keyless(environ))
    assert len(listing(bench.registry, bench.image.digest)) == 12


def test_keyless_means_everything_as_a_key_does(environ: dict[str, str]) -> None:
    wishes = wishes_of({"signing_key": "keyless"}, UNRELEASED, environ, print, push=True)
    assert wishes
    assert isinstance(wishes.signer, KeylessSigner)
    assert wishes.kinds == (CYCLONEDX, SPDX, PROVENANCE, SIGNATURE)


def test_keyless_without_an_identity_is_an_error_that_says_who_offers_one() -> None:
    with pytest.raises(UsageError, match="no identity is offered") as raised:
        wishes_of({"signing_key": "keyless"}, RELEASED, {}, print, push=True)
    assert "id-token: write" in raised.value.hint
    assert "id_tokens" in raised.value.hint


@pytest.mark.parametrize("given", [{"signing_key": "auto"}, {}])
def test_auto_without_an_identity_goes_on_unsigned_and_says_so(given: dict[str, str]) -> None:
    events: list[Event] = []
    environ = {} if given else {KEY: "auto"}
    assert wishes_of(given, RELEASED, environ, events.append, push=True) == Wishes(sbom=True, provenance=True)
    assert wishes_of(given, UNRELEASED, environ, events.append, push=True) is None
    assert [isinstance(each, Warned) and each.message.startswith("not signed: ") for each in events] == [True, True]


def test_auto_takes_the_key_of_the_environment_before_an_identity(environ: dict[str, str], tmp_path: Path) -> None:
    write_keys(new_key(), tmp_path / "k", "")
    for more, kind in (({KEY: str(tmp_path / "k.key")}, Signer), ({}, KeylessSigner)):
        wishes = wishes_of({"signing_key": "auto"}, RELEASED, environ | more, print, push=True)
        assert wishes
        assert isinstance(wishes.signer, kind)


def test_a_trust_configuration_that_is_not_there_is_found_out_before_anything_is_built(
    environ: dict[str, str],
) -> None:
    with pytest.raises(UsageError, match="no trust configuration nowhere"):
        wishes_of({"signing_key": "keyless", "trust_config": "nowhere"}, RELEASED, environ, print, push=True)


def test_an_image_is_verified_for_its_identity(line: Line, environ: dict[str, str], tmp_path: Path) -> None:
    image = line.registry.add_image(LABELS)
    everything(line.registry, image)
    signer = keyless(environ).signer
    assert signer
    trust = ("--trust-config", str(tmp_path / "trust.json"))
    who = ("--identity", IDENTITY, "--issuer", ISSUER)
    code, out, _ = line.run("verify", IMAGE, *who, *trust)
    assert (code, out.count("signed with a key, not by an identity")) == (1, 4)

    everything(line.registry, image, signer=signer)
    assert line.run("verify", IMAGE, *who, *trust)[0] == 0
    line.monkeypatch.setenv(TRUST, trust[1])
    code, out, _ = line.run("verify", IMAGE, "--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
    assert (code, out.count("ok ")) == (0, 6)
    assert line.run("verify", IMAGE, "--identity", "other", *who, "--json")[0] == 0

    code, out, _ = line.run("verify", IMAGE, "--identity", "https://evil.example", "--issuer", ISSUER, "--json")
    failed = {check["name"] for check in json.loads(out)["checks"] if not check["passed"]}
    assert (code, len(failed)) == (1, 5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--identity", "x"], "say both"),
        (["--issuer", "x", "--key", "ours.pub"], "say both"),
        (["--issuer", "x"], "say what to verify"),
        (["--identity", "x", "--issuer", "y", "--key", "ours.pub"], "say what to verify"),
        (["--identity", "x", "--issuer", "y", "--twice"], "say what to verify"),
        (["--identity", "x", "--issuer", "y", "--trust-config", "nowhere"], "no trust configuration nowhere"),
    ],
)
def test_what_cannot_be_verified_is_said(line: Line, words: list[str], said: str) -> None:
    code, _, err = line.run("verify", IMAGE, *words)
    assert code == 2
    assert said in err
