"""What changed in a layer's inputs, in words."""

from __future__ import annotations

import pytest

from pipeline.reasons import BASE_MOVED, BELOW_CHANGED, NO_RECORD, Inputs, changes

PLACES = {"web": "roles/web", "tasks": "the recipe's tasks"}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"file web/a.j2": "1"}, {"file web/a.j2": "2"}, "roles/web/a.j2 changed"),
        ({}, {"file web/a.j2": "2"}, "roles/web/a.j2 is new"),
        ({"file web/a.j2": "1"}, {}, "roles/web/a.j2 is gone"),
        ({"file gone/a": "1"}, {}, "gone/a is gone"),
        ({"file /src/deployables/x/a": "1"}, {}, "deployables/x/a is gone"),
        ({"variable a": "1"}, {"variable a": "2"}, "a changed"),
        ({"parameter a": "1"}, {}, "a is gone"),
        ({"setting gather_facts": "1"}, {"setting gather_facts": "2"}, "gather_facts changed"),
        ({"config user": "1"}, {"config user": "2"}, "user changed"),
        ({"verify": "1"}, {"verify": "2"}, "verify changed"),
        ({"conductor": "1"}, {"conductor": "2"}, "the conductor changed"),
    ],
)
def test_every_kind_of_input_has_its_words(before: dict[str, str], now: dict[str, str], expected: str) -> None:
    assert changes(Inputs("b", before), Inputs("b", now), PLACES, first=True) == (expected,)


def test_values_are_said_where_both_may_be_read() -> None:
    before = Inputs("b", {"variable a": "1", "variable b": "1"}, {"variable a": "runit"})
    now = Inputs("b", {"variable a": "2", "variable b": "2"}, {"variable a": "s6", "variable b": "x"})
    assert changes(before, now, {}, first=True) == ("a changed: runit → s6", "b changed")


def test_what_is_below_counts_where_it_is_known() -> None:
    assert changes(Inputs("one", {}), Inputs("two", {}), {}, first=True) == (BASE_MOVED,)
    assert changes(Inputs("one", {}), Inputs("two", {}), {}, first=False) == (BELOW_CHANGED,)
    assert changes(Inputs("one", {}), Inputs("", {}), {}, first=True) == ()
    assert changes(Inputs("one", {}), Inputs("one", {}), {}, first=True) == ()


def test_without_a_record_nothing_can_be_compared() -> None:
    assert changes(None, Inputs("one", {"conductor": "1"}), {}, first=True) == (NO_RECORD,)
