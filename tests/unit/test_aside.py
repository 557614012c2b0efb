"""Work beside the stages, in threads."""

from __future__ import annotations

import threading

import pytest

from pipeline.aside import EngineAside
from pipeline.engine import Engine
from pipeline.errors import EngineError
from tests.unit.fake_engine import FakeEngine


def test_work_goes_on_beside_who_began_it_and_each_has_an_engine_of_its_own() -> None:
    opened: list[Engine] = []
    go = threading.Event()

    def another() -> Engine:
        opened.append(FakeEngine())
        return opened[-1]

    aside = EngineAside(another)

    def work(engine: Engine) -> Engine:
        assert go.wait(timeout=30)
        return engine

    first, second = aside.begin(work), aside.begin(work)
    assert not first.done()
    go.set()
    assert {id(first.result()), id(second.result())} == {id(engine) for engine in opened}


def test_whoever_joins_waits_for_all_and_hears_what_went_wrong_once() -> None:
    ended: list[str] = []
    go = threading.Event()

    def slow(_: Engine) -> None:
        assert go.wait(timeout=30)
        ended.append("slow")

    def broken(_: Engine) -> None:
        go.set()
        raise EngineError("gone")

    aside = EngineAside(FakeEngine)
    aside.begin(slow)
    aside.begin(broken)
    with pytest.raises(EngineError, match="gone"):
        aside.join()
    assert ended == ["slow"]
    aside.join()
