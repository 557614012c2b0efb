"""The commands verify, sbom and keys, over a registry in memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pipeline import assembly
from pipeline.cli import main as cli
from pipeline.cli import registry_names, sbom, verify_image
from pipeline.errors import RegistryError
from pipeline.reference import ImageReference
from pipeline.referrers import attach
from pipeline.signing import write_keys
from pipeline.statements import CYCLONEDX, NAMES
from tests.unit.fake_engine import FakeEngine
from tests.unit.fake_registry import FakeRegistry
from tests.unit.test_verifying import LABELS, OURS, THEIRS, artifact, everything

IMAGE = "reg.example/shop:1.0"


class Line:
    """The command line, with a registry behind it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch
        self.registry = FakeRegistry()
        for name, signer in (("ours", OURS), ("theirs", THEIRS)):
            write_keys(signer, folder / name, "")
        monkeypatch.chdir(folder)

        def open_registry(image: str, _environ: object) -> tuple[FakeRegistry, ImageReference]:
            return self.registry, ImageReference.parse(image)

        for module in (sbom, verify_image):
            monkeypatch.setattr(module, "open_registry", open_registry)

    def run(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(str(ended.value.code)), *self.capsys.readouterr()


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(tmp_path, capsys, monkeypatch)


def test_verify_prints_a_line_for_each_check(line: Line) -> None:
    everything(line.registry, line.registry.add_image(LABELS))
    code, out, err = line.run("verify", IMAGE, "--key", "ours.pub")
    assert (code, err) == (0, "")
    assert [row.split(":")[0] for row in out.splitlines()[1:]] == [
        f"ok      {name}" for name in ("image", *NAMES.values(), "labels")
    ]


def test_verify_ends_with_1_and_names_what_failed(line: Line) -> None:
    everything(line.registry, line.registry.add_image(LABELS), CYCLONEDX)
    code, out, _ = line.run("verify", IMAGE, "--key", "ours.pub")
    assert code == 1
    assert "FAILED  SBOM (CycloneDX): missing" in out
    assert out.count("FAILED") == 1


def test_verify_tells_the_same_to_programs(line: Line) -> None:
    image = line.registry.add_image(LABELS)
    everything(line.registry, image)
    code, out, _ = line.run("verify", f"{IMAGE}@{image.digest}", "--key", "theirs.pub", "--json")
    told = json.loads(out)
    assert (code, told["passed"], told["digest"]) == (1, False, image.digest)
    assert {check["name"] for check in told["checks"] if check["passed"]} == {"image"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["verify", "reg.example/shop:2.0", "--key", "ours.pub"], 1, "the registry has no"),
        (["verify", IMAGE, "--key", "ours.key"], 2, "this is a private key"),
        (["verify", IMAGE, "--key", "no.pub"], 2, "does not exist"),
        (["verify", IMAGE], 2, "--key"),
        (["verify", "Reg/UPPER:1", "--key", "ours.pub"], 2, "image reference"),
        (["sbom", "reg.example/shop:2.0"], 1, "--local"),
        (["sbom", IMAGE], 1, "no bill of materials"),
        (["keys", "ours"], 2, "not written over"),
    ],
)
def test_what_cannot_be_is_said_with_its_exit_code(line: Line, words: list[str], code: int, said: str) -> None:
    line.registry.add_image(LABELS)
    done = line.run(*words)
    assert done[0] == code
    assert said in done[2]
    assert "Traceback" not in done[2]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("command", [["verify", IMAGE, "--key", "ours.pub"], ["sbom", IMAGE]])
def test_a_registry_that_does_not_answer_is_no_failed_check(
    line: Line,
    command: list[str],
    debug: bool,  # noqa: FBT001 - an option
) -> None:
    def silent(_: str) -> None:
        raise RegistryError("no answer")

    line.monkeypatch.setattr(line.registry, "manifest", silent)
    code, _, err = line.run(*command, *(["--debug"] if debug else []))
    assert (code, "Traceback" in err) == (5, debug)


def test_sbom_prints_what_is_attached_in_the_form_that_is_wanted(line: Line) -> None:
    image = line.registry.add_image(LABELS)
    everything(line.registry, image, CYCLONEDX)
    attach(line.registry, image, [artifact(CYCLONEDX, image.digest, predicate={"bomFormat": "CycloneDX"})])
    assert json.loads(line.run("sbom", IMAGE)[1]) == {"bomFormat": "CycloneDX"}
    assert json.loads(line.run("sbom", IMAGE, "--format", "spdx")[1]) == {}


def test_sbom_reads_an_image_of_the_engine(line: Line) -> None:
    engine = FakeEngine(contents={"/var/lib/dpkg/status": b"Package: hello\nVersion: 1\n"})
    engine.add_image(IMAGE)
    engine.need(IMAGE).files = frozenset({"/var/lib/dpkg/status"})
    line.monkeypatch.setattr(assembly, "open_engine", lambda *_: engine)
    told = json.loads(line.run("sbom", "--local", IMAGE)[1])
    assert [part["name"] for part in told["components"]] == ["hello"]
    assert line.run("sbom", "--local", "no-such:1")[0] == 1


def test_keys_makes_a_pair_and_says_whether_it_is_encrypted(line: Line, tmp_path: Path) -> None:
    line.monkeypatch.delenv("BASEIMAGE_SIGNING_PASSWORD", raising=False)
    assert "not encrypted" in line.run("keys", "plain")[1]
    line.monkeypatch.setenv("BASEIMAGE_SIGNING_PASSWORD", "s3cret")
    code, out, _ = line.run("keys", "locked")
    assert (code, "s3cret" in out) == (0, False)
    assert "ENCRYPTED" in (tmp_path / "locked.key").read_text()
    assert (tmp_path / "locked.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_a_name_without_a_tag_means_latest() -> None:
    assert registry_names.wanted_tag(ImageReference.parse("reg.example/shop")) == "latest"
    assert registry_names.wanted_tag(ImageReference.parse(f"reg.example/shop:1@sha256:{'a' * 64}")).startswith("sha256")
