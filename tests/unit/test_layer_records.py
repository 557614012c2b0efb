"""The records of layers: read back, found by place, safe against what else lies in the folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.layer_records import LayerRecord, LayerRecords, latest
from pipeline.plan import Home

RECORD = LayerRecord("a" * 64, "nginx", "shop", "/p/recipes/web.yml", "web", "below", "sha256:1", 1.5, 10, 99.0)
HOME = Home("shop", "/p/recipes/web.yml", "web")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    records = LayerRecords(tmp_path / "layers")
    assert records.everything() == ()
    records.write(RECORD)
    found = records.read(RECORD.key)
    assert found
    assert replace(found, used=0.0) == RECORD
    assert found.used > 0
    records.remove(RECORD.key)
    records.remove(RECORD.key)
    assert records.read(RECORD.key) is None


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    LayerRecords(tmp_path / "layers").write(RECORD)
    (file,) = (tmp_path / "layers").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"role": "a"}',
        '{"key": 1, "role": "a"}',
        '{"key": "a", "role": "b", "inputs": []}',
        '{"key": "a", "role": "b", "also": [["x"]]}',
        '{"key": "a", "role": "b", "layers": [1]}',
    ],
)
def test_a_file_that_is_no_record_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{'a' * 40}.json").write_text(text)
    records = LayerRecords(tmp_path)
    assert records.everything() == ()
    assert records.read("a" * 64) is None
    records.write(RECORD)
    assert len(records.everything()) == 1


def test_a_record_of_another_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 40}.json").write_text('{"key": "a", "role": "b", "inputs": {}, "colour": "red", "seconds": 3}')
    found = LayerRecords(tmp_path).read("a" * 40)
    assert found
    assert (found.role, found.service, found.seconds) == ("b", "", 3)


def test_the_one_that_was_used_last_comes_first(tmp_path: Path) -> None:
    records = LayerRecords(tmp_path)
    for number, key in enumerate("abc"):
        records.write(replace(RECORD, key=key * 64))
        os.utime(tmp_path / f"{key * 40}.json", (number, number))
    assert [each.key[0] for each in records.everything()] == ["c", "b", "a"]
    assert records.touch("a" * 64, HOME)
    assert [each.key[0] for each in records.everything()] == ["a", "c", "b"]
    assert not records.touch("d" * 64, HOME)


def test_the_layer_in_the_same_place_is_found_and_after_it_one_of_a_moved_checkout() -> None:
    moved = replace(RECORD, key="moved", recipe="/elsewhere/recipes/web.yml")
    others = [
        replace(RECORD, role="app"),
        replace(RECORD, service="worker"),
        replace(RECORD, recipe="/p/recipes/other.yml"),
        replace(RECORD, recipe="/q/recipes/web.yml", project="another"),
    ]
    assert latest(others, HOME, "nginx") is None
    assert latest([*others, moved, RECORD], HOME, "nginx") == RECORD
    assert latest([*others, moved], HOME, "nginx") == moved


def test_a_layer_of_several_services_is_found_for_each(tmp_path: Path) -> None:
    records, worker = LayerRecords(tmp_path), replace(HOME, service="worker")
    records.write(RECORD)
    assert latest(records.everything(), worker, "nginx") is None
    assert records.touch(RECORD.key, worker)
    assert records.touch(RECORD.key, worker)
    found = latest(records.everything(), worker, "nginx")
    assert found
    assert found.homes == (HOME, worker)
    assert latest(records.everything(), HOME, "nginx") == found
