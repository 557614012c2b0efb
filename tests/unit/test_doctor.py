"""Looking at the machine."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline import doctor
from pipeline.errors import EngineUnreachableError
from tests.unit.fake_engine import FakeEngine

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil has it


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine with all that a build needs."""
    (tmp_path / "mmdebstrap").touch()
    (tmp_path / "mmdebstrap").chmod(0o755)
    (tmp_path / "ca.crt").write_text("12345")
    monkeypatch.setattr(doctor, "connect", lambda _: FakeEngine())
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, doctor.ROOM + 1))
    return {
        "PATH": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://user:geheim@index.example",
        "https_proxy": "http://proxy.example",
        "PIP_CERT": str(tmp_path / "ca.crt"),
    }


def test_a_machine_with_everything_is_good(environ: dict[str, str], tmp_path: Path) -> None:
    checks = doctor.examine(environ)
    assert [(check.name, check.good, check.found) for check in checks] == [
        ("engine", True, "20.10.24, API 1.41, linux/amd64, overlay2"),
        ("mmdebstrap", True, str(tmp_path / "mmdebstrap")),
        ("disk", True, "4.0 GB free"),
        ("package index", True, "1 pip settings, 1 proxy settings, CA bundle of 5 bytes"),
    ]
    assert "geheim" not in repr(checks)


def test_what_is_missing_is_said_with_what_to_do(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Mapping[str, str]) -> FakeEngine:
        raise EngineUnreachableError("no engine answers", hint="start dockerd")

    monkeypatch.setattr(doctor, "connect", refuse)
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, doctor.ROOM))
    engine, mmdebstrap, disk, _ = doctor.examine({**environ, "PATH": "/nowhere"})
    assert (engine.good, engine.found, engine.hint) == (False, "no engine answers", "start dockerd")
    assert (mmdebstrap.good, mmdebstrap.found) == (False, "not installed")
    assert "apt-get install mmdebstrap" in mmdebstrap.hint
    assert not disk.good
    assert "gc --all" in disk.hint


def test_an_engine_that_goes_away_between_two_questions_is_no_crash(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    engine.fail("info", EngineUnreachableError("it went away"))
    monkeypatch.setattr(doctor, "connect", lambda _: engine)
    assert not doctor.examine(environ)[0].good
