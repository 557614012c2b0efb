"""How the command line, the environment and the recipe say where layers are shared."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.test_cli import RECIPE, Line, line

__all__ = ["line"]

REPO = "registry.example/cache"


@pytest.fixture
def recorded(line: Line) -> Line:
    """Nothing is built; what would be is recorded."""
    for name in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "BASEIMAGE_CACHE_FROM", "BASEIMAGE_CACHE_TO"):
        line.monkeypatch.delenv(name, raising=False)
    line.record_runs()
    return line


def settings(line: Line, *words: str) -> tuple[tuple[str, ...], str, bool]:
    """Where layers are taken from and written to, and whether there is a step for the latter."""
    code, out, err = line.run(*words)
    assert code == 0, out + err
    (catalogue,) = [each for each in line.seen if isinstance(each, list) and "tag" in each]
    found: Any = line.seen[-1]
    return found.sources, found.target, "share" in catalogue


def test_layers_are_shared_only_where_that_is_asked_for(recorded: Line) -> None:
    assert settings(recorded, "build") == ((), "", False)
    assert settings(recorded, "build", "--cache-from", REPO) == ((REPO,), "", False)
    assert settings(recorded, "build", "--cache-to", REPO) == ((), REPO, True)
    words = ["build", "--cache-from", REPO, "--cache-from", "b/c", "--cache-to", REPO]
    assert settings(recorded, *words) == ((REPO, "b/c"), REPO, True)


def test_the_environment_and_the_recipe_can_ask_for_it(recorded: Line) -> None:
    text = RECIPE.replace("services:", f"settings: {{cache_from: [{REPO}], cache_to: {REPO}}}\nservices:")
    (recorded.folder / "recipes/default.yml").write_text(text)
    assert settings(recorded, "build") == ((REPO,), REPO, True)
    recorded.monkeypatch.setenv("BASEIMAGE_CACHE_FROM", "a/b c/d")
    recorded.monkeypatch.setenv("BASEIMAGE_CACHE_TO", "e/f")
    assert settings(recorded, "build") == (("a/b", "c/d"), "e/f", True)
    assert settings(recorded, "build", "--cache-to", "g/h") == (("a/b", "c/d"), "g/h", True)
    for command in ("tag", "push"):
        assert settings(recorded, command) == ((), "", False), "they build nothing"


def test_a_pull_request_writes_nothing_and_says_so(recorded: Line) -> None:
    recorded.monkeypatch.setenv("GITHUB_REF_NAME", "7/merge")
    recorded.monkeypatch.setenv("GITHUB_HEAD_REF", "topic")
    assert settings(recorded, "build", "--cache-from", REPO, "--cache-to", REPO) == ((REPO,), "", False)
    _, out, err = recorded.run("build", "--cache-to", REPO)
    assert f"this is a pull request, so no layer is written to {REPO}" in out + err
    assert settings(recorded, "build", "--cache-to", REPO, "--cache-pull-requests") == ((), REPO, True)


def test_a_repository_in_the_recipe_that_is_none_is_told_with_its_place(recorded: Line) -> None:
    text = RECIPE.replace("services:", "settings: {cache_from: ['a/b:tag']}\nservices:")
    (recorded.folder / "recipes/default.yml").write_text(text)
    code, out, err = recorded.run("build")
    assert code == 2
    assert "recipes/default.yml:2" in out + err
    assert "is not a repository" in out + err


def test_one_on_the_command_line_is_told_before_anything_is_started(recorded: Line) -> None:
    code, out, err = recorded.run("build", "--cache-to", "a/b:tag")
    assert code == 2
    assert "is not a repository" in out + err
    assert recorded.seen == []
