"""The switch that stops threads."""

from __future__ import annotations

import pytest

from pipeline.errors import StopRequested
from pipeline.events import Event, Output
from pipeline.halting import Halt

LINE = Output("web/base", "a line")


def test_until_the_switch_is_turned_everything_goes_through() -> None:
    halt, seen = Halt(), list[Event]()
    halt.sink(seen.append)(LINE)
    halt.sleep(0)
    assert (seen, halt.turned()) == ([LINE], False)


def test_then_whoever_reports_something_is_stopped_and_nothing_is_shown() -> None:
    halt, seen = Halt(), list[Event]()
    halt.turn()
    with pytest.raises(StopRequested):
        halt.sink(seen.append)(LINE)
    assert (seen, halt.turned()) == ([], True)


def test_a_sleeper_is_woken_and_stopped() -> None:
    halt = Halt()
    halt.turn()
    with pytest.raises(StopRequested):
        halt.sleep(3600)


def test_what_can_be_ended_is_ended_while_it_lasts_and_never_afterwards() -> None:
    halt, ended = Halt(), list[str]()
    with halt.ending(lambda: ended.append("past")):
        pass
    with halt.ending(lambda: ended.append("now")):
        halt.turn()
        assert ended == ["now"]


def test_what_begins_too_late_is_ended_at_once() -> None:
    halt, ended = Halt(), list[str]()
    halt.turn()
    with halt.ending(lambda: ended.append("late")):
        assert ended == ["late"]
