"""Locks between runs, and between the threads of a run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.errors import StopRequested
from pipeline.locks import Locks

pytestmark = pytest.mark.allow("process")


def test_a_run_beside_another_gets_a_number_of_its_own(tmp_path: Path) -> None:
    first, second, third = Locks(tmp_path), Locks(tmp_path), Locks(tmp_path)
    assert [first.number("cache"), first.number("cache"), second.number("cache")] == [1, 1, 2]
    assert second.number("other") == 1
    first.release()
    assert third.number("cache") == 1


def test_a_name_can_be_any_text(tmp_path: Path) -> None:
    with Locks(tmp_path / "made")("reg.example/a b:1"):
        assert [file.suffix for file in (tmp_path / "made").iterdir()] == [".lock"]


def test_a_number_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    mine, other = Locks(tmp_path), Locks(tmp_path)
    asking = threading.Thread(target=mine.number, args=("cache",))
    asking.start()
    asking.join()
    assert (mine.number("cache"), other.number("cache")) == (1, 2)
    mine.release()
    assert Locks(tmp_path).number("cache") == 1


def test_threads_wait_for_each_other_until_they_are_stopped(tmp_path: Path) -> None:
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with Locks(tmp_path)("layer"):
            held.set()
            over.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(30)
    with pytest.raises(StopRequested), Locks(tmp_path, lambda: True)("layer"):
        raise AssertionError("two threads hold it")
    over.set()
    holding.join()
    with Locks(tmp_path, lambda: True)("layer"):
        pass
