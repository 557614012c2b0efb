"""Locks between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.locks import Locks

pytestmark = pytest.mark.allow("process")


def test_a_run_beside_another_gets_a_number_of_its_own(tmp_path: Path) -> None:
    first, second, third = Locks(tmp_path), Locks(tmp_path), Locks(tmp_path)
    assert [first.number("cache"), first.number("cache"), second.number("cache")] == [1, 1, 2]
    assert second.number("other") == 1
    first.release()
    assert third.number("cache") == 1


def test_a_name_can_be_any_text(tmp_path: Path) -> None:
    with Locks(tmp_path / "made")("reg.example/a b:1"):
        assert [file.suffix for file in (tmp_path / "made").iterdir()] == [".lock"]
