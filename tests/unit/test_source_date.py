"""The time of a build that can be repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.layer_rules import FIXED_TIME
from pipeline.source_date import source_date
from tests.unit.checkout import ALONE, git


def test_the_environment_goes_before_anything(tmp_path: Path) -> None:
    assert source_date(tmp_path, {"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000


@pytest.mark.parametrize("text", ["now", "-1", "1.5", "\u0661"])
def test_a_time_that_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH is "):
        source_date(tmp_path, {"SOURCE_DATE_EPOCH": text})


def test_without_a_repository_it_is_always_the_same(tmp_path: Path) -> None:
    assert source_date(tmp_path, {}) == FIXED_TIME


@pytest.mark.allow("process")
def test_it_is_the_commits_time_also_below_the_repositorys_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    git(tmp_path, "init", "--quiet")
    monkeypatch.setitem(ALONE, "GIT_COMMITTER_DATE", "1600000000 +0200")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "x")
    assert source_date(tmp_path / "project", {"PATH": "/usr/bin:/bin", **ALONE}) == 1_600_000_000
