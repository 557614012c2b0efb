"""Where layers are taken from and written to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.cache_settings import FROM, TO, CacheSettings, cache_settings
from pipeline.errors import UsageError
from pipeline.gitflow import Place

NONE = CacheSettings()
RECIPE = CacheSettings(("r.example/a",), "r.example/b")
HERE = Place()


def test_the_command_line_goes_before_the_environment_and_that_before_the_recipe() -> None:
    environ = {FROM: "e.example/a, e.example/b", TO: "e.example/c"}
    given = CacheSettings(("o.example/a",), "o.example/b", strict=True)
    assert cache_settings(given, RECIPE, environ, HERE) == given
    assert cache_settings(NONE, RECIPE, environ, HERE) == CacheSettings(("e.example/a", "e.example/b"), "e.example/c")
    assert cache_settings(NONE, RECIPE, {}, HERE) == RECIPE
    assert cache_settings(NONE, NONE, {FROM: "", TO: " "}, HERE) == NONE


def test_a_repository_that_is_named_twice_is_asked_once() -> None:
    assert cache_settings(CacheSettings(("a/b", "a/b")), NONE, {}, HERE).sources == ("a/b",)


@pytest.mark.parametrize("text", ["a/b:tag", "a/b@sha256:" + "0" * 64, "no name!"])
def test_what_is_no_repository_is_refused(text: str) -> None:
    for given in (CacheSettings((text,)), CacheSettings((), text)):
        with pytest.raises(UsageError):
            cache_settings(given, NONE, {}, HERE)


def test_a_pull_request_reads_only_unless_it_is_allowed_to_write() -> None:
    place = Place("topic", pull_request=True)
    found = cache_settings(NONE, RECIPE, {}, place)
    assert (found.sources, found.target) == (RECIPE.sources, "")
    assert "pull request" in found.refused
    assert "r.example/b" in found.refused
    allowed = replace(NONE, pull_requests=True)
    assert cache_settings(allowed, RECIPE, {}, place).target == "r.example/b"
    assert cache_settings(NONE, NONE, {}, place).refused == ""
