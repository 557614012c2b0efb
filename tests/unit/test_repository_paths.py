"""Files of a project as a CI service knows them, wherever the project lies in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.repository_paths import in_repository

RECIPE = "sub/project/recipes/default.yml"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a project in a subfolder."""
    for path in (RECIPE, "sub/project/roles/fetched/tasks/main.yml", "sub/other.yml"):
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).touch()
    for path in ("repo", "repo/sub/project/roles/fetched"):
        (tmp_path / path / ".git").mkdir()
    return tmp_path / "repo"


@pytest.mark.parametrize("says", [True, False], ids=["the service names the folder", "git's top is taken"])
@pytest.mark.parametrize(
    ("here", "path"),
    [
        (".", RECIPE),
        ("sub", "project/recipes/default.yml"),
        ("sub/project", "recipes/default.yml"),
        ("sub/project/roles", "../recipes/default.yml"),
        ("..", f"repo/{RECIPE}"),
    ],
)
def test_a_path_is_told_from_the_top_of_the_repository(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, here: str, path: str, *, says: bool
) -> None:
    monkeypatch.chdir(checkout / here)
    assert in_repository(path, str(checkout) if says else "") == RECIPE
    assert in_repository(str(checkout / RECIPE), str(checkout) if says else "") == RECIPE


def test_a_role_with_a_repository_of_its_own_lies_in_the_project_s(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout / "sub/project")
    assert in_repository("roles/fetched/tasks/main.yml", "") == "sub/project/roles/fetched/tasks/main.yml"


def test_a_repository_may_be_checked_out_into_a_folder_of_the_workspace(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    assert in_repository(RECIPE, str(checkout.parent)) == RECIPE


def test_a_workspace_without_git_counts_and_so_does_one_behind_a_link(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / ".git").rmdir()
    (checkout.parent / "link").symlink_to(checkout)
    monkeypatch.chdir(checkout / "sub/project")
    assert in_repository("recipes/default.yml", str(checkout)) == RECIPE
    assert in_repository("../other.yml", str(checkout.parent / "link")) == "sub/other.yml"


@pytest.mark.parametrize("path", ["image names", "recipes", "no/such.yml", "../../../elsewhere.yml"])
def test_what_is_no_file_of_the_repository_has_no_path_in_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (checkout.parent / "elsewhere.yml").touch()
    monkeypatch.chdir(checkout / "sub/project")
    assert in_repository(path, str(checkout)) == ""
