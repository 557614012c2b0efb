"""What an image has is looked up once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine import ImageId
from pipeline.remembered import Remembered

IMAGE = ImageId("sha256:abc")
PATHS = ("/a", "/b")


@pytest.fixture
def asked() -> list[tuple[str, ...]]:
    return []


def look(asked: list[tuple[str, ...]], folder: Path) -> Remembered:
    def ask(_: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        asked.append(paths)
        return tuple(path for path in paths if path != "/a")

    return Remembered(ask, folder)


def test_an_answer_is_kept_for_the_next_run_and_for_its_image_only(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    for _ in range(2):
        assert look(asked, tmp_path)(IMAGE, PATHS) == ("/b",)
    assert len(asked) == 1
    assert look(asked, tmp_path)(ImageId("sha256:def"), PATHS) == ("/b",)
    assert len(asked) == 2


def test_paths_that_were_not_asked_about_are_looked_up(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    assert look(asked, tmp_path)(IMAGE, ("/a",)) == ()
    assert look(asked, tmp_path)(IMAGE, ("/c", "/a")) == ("/c",)
    assert look(asked, tmp_path)(IMAGE, ("/a", "/c")) == ("/c",)
    assert asked == [("/a",), ("/c", "/a")]


@pytest.mark.parametrize("content", ["", "[1, 2]", "3"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    tmp_path: Path, asked: list[tuple[str, ...]], content: str
) -> None:
    (tmp_path / "abc.json").write_text(content)
    assert look(asked, tmp_path)(IMAGE, PATHS) == ("/b",)


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        assert look(asked, tmp_path / "file" / "folder")(IMAGE, PATHS) == ("/b",)
    assert len(asked) == 2
