"""Which values are kept where others may read them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.disclosure import in_clear

WORDS = frozenset({"runit", "s6-overlay", "admin"})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("svc", "runit", "runit"), ("init", "s6-overlay", "s6-overlay"), ("cron", True, "true"), ("port", 8080, "8080")],
)
def test_a_word_of_the_role_a_switch_and_a_small_number_are_kept(name: str, value: Any, text: str) -> None:
    assert in_clear({name: value}, WORDS) == {name: text}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("greeting", "hunter2"),
        ("number", 123456),
        ("number", -1),
        ("share", 0.5),
        ("nothing", None),
        ("empty", ""),
        ("list", ["runit"]),
        ("map", {"a": "runit"}),
        *(
            (name, "admin")
            for name in "db_pass PASSWORD db_pwd api_token sshkey key secret credentials auth pin".split()
        ),
        ("pin", 1234),
    ],
)
def test_everything_else_is_not(name: str, value: Any) -> None:
    assert in_clear({name: value}, WORDS) == {}


def test_a_name_that_only_holds_the_letters_of_a_secret_word_is_kept() -> None:
    assert in_clear({"mapping": 1, "spin": 2}, WORDS) == {"mapping": "1", "spin": "2"}
