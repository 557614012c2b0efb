"""Patience with registries: what is tried again, for how long, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.engine import ContainerId, ContainerSpec, Engine, ImageId
from pipeline.errors import EngineError, NotFoundError, PushFailedError, TransientError
from pipeline.events import Event, Retrying
from pipeline.image_config import ImageConfig
from pipeline.retrying import PATIENCE, RetryingEngine
from tests.unit.fake_engine import FakeEngine


class Bench:
    """A fake engine behind a retrying one, whose waits are only noted."""

    def __init__(self) -> None:
        self.inner = FakeEngine()
        self.inner.add_image("web:1")
        self.inner.push("web:1", lambda *_: None)
        self.inner.calls.clear()
        self.events: list[Event] = []
        self.waits: list[float] = []
        self.engine: Engine = RetryingEngine(self.inner, self.events.append, sleep=self.waits.append)

    def push(self) -> str:
        return self.engine.push("web:1", lambda *_: None)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_push_that_succeeds_is_made_once(bench: Bench) -> None:
    assert bench.push().startswith("sha256:")
    assert (bench.inner.calls, bench.events, bench.waits) == (["push web:1"], [], [])


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_failure_that_may_pass_is_tried_again_and_announced(bench: Bench, verb: str) -> None:
    bench.inner.fail(verb, TransientError("503"), times=2)
    getattr(bench.engine, verb)("web:1", lambda *_: None)
    assert bench.inner.calls == [f"{verb} web:1"] * 3
    assert bench.events == [
        Retrying(what=f"{verb} web:1", attempt=number, wait=wait, reason="503")
        for number, wait in enumerate(bench.waits, 1)
    ]
    assert len(bench.waits) == 2


def test_the_announcement_comes_before_the_wait() -> None:
    order: list[str] = []
    inner = FakeEngine()
    inner.add_image("web:1")
    inner.fail("push", TransientError("503"))
    engine = RetryingEngine(inner, lambda _: order.append("event"), sleep=lambda _: order.append("wait"))
    engine.push("web:1", lambda *_: None)
    assert order == ["event", "wait"]


@pytest.mark.parametrize("error", [PushFailedError("denied"), NotFoundError("gone"), EngineError("odd"), OSError()])
def test_any_other_failure_counts_at_once(bench: Bench, error: Exception) -> None:
    bench.inner.fail("push", error)
    with pytest.raises(type(error)) as caught:
        bench.push()
    assert caught.value is error
    assert bench.waits == []


def test_a_push_is_given_up_after_a_minute_and_counts_as_failed(bench: Bench) -> None:
    bench.inner.fail("push", TransientError("503", hint="later"), times=100)
    with pytest.raises(PushFailedError, match="503") as caught:
        bench.push()
    assert caught.value.hint == "later"
    assert PATIENCE <= sum(bench.waits) < 2 * PATIENCE


def test_a_pull_is_given_up_with_its_own_error(bench: Bench) -> None:
    bench.inner.fail("pull", TransientError("503"), times=100)
    with pytest.raises(TransientError):
        bench.engine.pull("web:1", lambda *_: None)


def test_waits_grow_and_are_never_the_same(bench: Bench) -> None:
    bench.inner.fail("push", TransientError("503"), times=4)
    bench.push()
    assert bench.waits == sorted(bench.waits)
    assert len(set(bench.waits)) == 4


OTHERS: dict[str, Callable[[Engine], object]] = {
    "build": lambda engine: engine.build(b"", "x", {}, {}, lambda _: None),
    "commit": lambda engine: engine.commit(ContainerId("x"), ImageConfig(), "", ""),
    "configure": lambda engine: engine.configure(ImageId("x"), ImageConfig(), {}),
    "import_root": lambda engine: engine.import_root(Path("x"), "", ImageConfig()),
    "run": lambda engine: engine.run(ContainerId("x"), ("true",)),
    "start": lambda engine: engine.start(ContainerSpec("x")),
    "stop": lambda engine: engine.stop(ContainerId("x"), seconds=1),
    "tag": lambda engine: engine.tag(ImageId("x"), "y"),
}


@pytest.mark.parametrize("verb", OTHERS)
def test_no_other_verb_is_tried_again(bench: Bench, verb: str) -> None:
    bench.inner.fail(verb, TransientError("reset"))
    with pytest.raises(TransientError):
        OTHERS[verb](bench.engine)
    assert (len(bench.inner.calls), bench.waits, bench.events) == (1, [], [])


def test_every_verb_is_passed_on() -> None:
    verbs = {name for name in vars(Engine) if not name.startswith("_")}
    assert verbs <= set(vars(RetryingEngine))
    assert verbs <= set(dir(FakeEngine))


def test_what_is_worth_less_is_waited_for_less(bench: Bench) -> None:
    short = list[float]()
    engine = RetryingEngine(bench.inner, bench.events.append, sleep=short.append, patience=8.0)
    for each in (engine, bench.engine):
        bench.inner.fail("pull", TransientError("503"), times=99)
        with pytest.raises(TransientError):
            each.pull("web:1", lambda *_: None)
        bench.inner.failures.clear()
    assert 8.0 <= sum(short) < 8.0 + 8 + 1
    assert sum(bench.waits) >= PATIENCE
