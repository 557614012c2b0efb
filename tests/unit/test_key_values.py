"""Files of key = value lines."""

from __future__ import annotations

import pytest

from pipeline.key_values import Line, read_key_values, significant_lines


def test_comments_and_empty_lines_say_nothing_and_places_are_kept() -> None:
    text = "# first\r\n\r\n  a = 1  # why\r\nb=x#y\r\n"
    assert significant_lines(text) == (Line(3, 3, "a = 1"), Line(4, 1, "b=x#y"))


def test_a_value_may_hold_an_equals_sign() -> None:
    entries, problems = read_key_values(significant_lines("a = b = c"), "image.txt", ("a",))
    assert (entries["a"].value, problems) == ("b = c", [])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("word", "'word' is not of the form key = value", ""),
        ("repostory = x", "unknown key", "did you mean repository?"),
        ("Repository = x", "unknown key", "did you mean repository?"),
        ("zzz = x", "unknown key", "known are repository, release"),
        ("release =", "has no value", "give it one, or take the line away"),
        ("release = 1\nrelease = 2", "this key stands on line 1 already", "keep one of the two"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_mistake_with_its_place(text: str, message: str, hint: str) -> None:
    _, problems = read_key_values(significant_lines(text), "image.txt", ("repository", "release"))
    assert [(problem.message, problem.hint) for problem in problems] == [(message, hint)]
    assert problems[0].line == len(text.splitlines())
