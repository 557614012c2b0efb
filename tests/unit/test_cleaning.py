"""What is removed of earlier runs, and what is not."""

from __future__ import annotations

import os
import socket
import time

import pytest

from pipeline.cleaning import ABANDONED_AFTER, Cleaner, Removed, left_behind, run_name, sweep
from pipeline.engine import ContainerSpec, Mount
from pipeline.errors import EngineError
from tests.unit.fake_engine import FakeEngine
from tests.unit.fakes import BASE

NOW = 1_700_000_000
GONE = 2**22 + 1
"""Above any process number that Linux gives."""
OWNED = {"io.baseimage.owner": "baseimage-pipeline"}
PREFIX = "baseimage-run"


@pytest.mark.parametrize(
    ("pid", "left"),
    [(os.getpid(), False), (1, False), (GONE, True), (10**30, True)],
    ids=["ours", "the first", "gone", "none"],  # the same in every process that collects the tests
)
def test_on_this_host_a_run_is_over_when_its_process_is_gone(pid: int, left: bool) -> None:  # noqa: FBT001
    assert left_behind(f"{PREFIX}_host_{pid}_{NOW}_abcdef_1", "host", NOW) is left


@pytest.mark.parametrize(
    ("age", "left"),
    [(0, False), (ABANDONED_AFTER - 1, False), (ABANDONED_AFTER + 1, True), (-100, False)],
)
def test_on_another_host_a_run_is_over_a_day_after_its_start(age: int, left: bool) -> None:  # noqa: FBT001
    assert left_behind(f"{PREFIX}_other_{os.getpid()}_{NOW - age}_abcdef_1", "host", NOW) is left


@pytest.mark.parametrize(
    "name",
    ["", PREFIX, f"{PREFIX}_host_12_x_y_z", f"{PREFIX}_host_pid_{NOW}_a", f"{PREFIX}_db_1", f"{PREFIX}_host_²_1_a_1"],
)
def test_a_name_that_we_do_not_give_is_nobody_of_ours(name: str) -> None:
    assert not left_behind(name, "host", 2.0 * NOW)


@pytest.mark.parametrize("host", ["host", "a_b", "host.example.org", "x" * 80, "ü", ""])
def test_a_name_that_we_give_is_understood_again(host: str) -> None:
    mine = run_name(PREFIX, host, os.getpid(), NOW) + "_1"
    killed = run_name(PREFIX, host, GONE, NOW) + "_1"
    assert not left_behind(mine, host, NOW)
    assert left_behind(killed, host, NOW)
    assert not left_behind(mine, "somewhere-else", NOW)
    assert run_name(PREFIX, host, 1, NOW) != run_name(PREFIX, host, 1, NOW)


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.add_image(BASE)
    return engine


def start(engine: FakeEngine, name: str, *mounts: Mount) -> None:
    engine.start(ContainerSpec(BASE, name, ("sleep", "1"), mounts=mounts))


def names(engine: FakeEngine) -> set[str]:
    return {found.spec.name for found in engine.containers.values()}


def cleaner(engine: FakeEngine, *prefixes: str) -> Cleaner:
    return Cleaner(engine, OWNED, *(prefixes or (PREFIX,)))


def test_only_containers_of_runs_that_are_over_are_removed(engine: FakeEngine) -> None:
    host, now = socket.gethostname(), int(time.time())
    killed = run_name(PREFIX, host, GONE, now)
    alive = run_name(PREFIX, host, os.getpid(), now)
    elsewhere = run_name(PREFIX, "elsewhere", GONE, now)
    kept = run_name("baseimage-kept", host, GONE, now)
    for name in (killed, alive, elsewhere, kept, "db", f"{PREFIX}ner_{host}_{GONE}_{now}_a_1", ""):
        start(engine, name)
    assert cleaner(engine).clean(everything=False, dry_run=False) == (Removed("container", killed),)
    assert killed not in names(engine)
    assert len(engine.containers) == 6
    done = cleaner(engine, PREFIX, "baseimage-kept").clean(everything=False, dry_run=False)
    assert done == (Removed("container", kept),)


def test_a_dry_run_names_everything_and_removes_nothing(engine: FakeEngine) -> None:
    start(engine, run_name(PREFIX, socket.gethostname(), GONE, NOW))
    engine.add_image("baseimage/cache:1")
    engine.create_volume("cache", OWNED)
    before = list(engine.calls)
    found = cleaner(engine).clean(everything=True, dry_run=True)
    assert [each.kind for each in found] == ["container", "image", "volume"]
    assert engine.calls == before


def test_everything_is_what_carries_our_names_and_labels_and_nothing_else(engine: FakeEngine) -> None:
    ours = ["baseimage/cache:1", "baseimage/base:trixie-1", "baseimage/conductor:1-2"]
    # The first is what the project's own image.txt makes; all are a user's.
    others = ["baseimage:shop.web.1.0", "baseimage/cached:1", "baseimage/base-of-mine:1", "baseimage/conductors:1"]
    for name in (*ours, *others):
        engine.add_image(name, size=len(name))
    engine.create_volume("ours", OWNED)
    engine.create_volume("data", {"io.baseimage.owner": "somebody"})
    engine.create_volume("other", {})
    found = cleaner(engine).clean(everything=True, dry_run=False)
    assert {each.name for each in found} == {*ours, "ours"}
    assert {tag for stored in engine.images.values() for tag in stored.tags} == {BASE, *others}
    assert set(engine.volumes) == {"data", "other"}


def test_what_a_running_build_uses_stays_and_is_not_reported(engine: FakeEngine) -> None:
    engine.create_volume("ours", OWNED)
    start(engine, run_name(PREFIX, "elsewhere", 1, int(time.time())), Mount("ours", "/x"))
    assert cleaner(engine).clean(everything=True, dry_run=False) == ()
    assert "ours" in engine.volumes


def test_one_that_cannot_be_removed_does_not_stop_the_others(engine: FakeEngine) -> None:
    for number in (1, 2):
        start(engine, f"{run_name(PREFIX, socket.gethostname(), GONE, NOW)}_{number}")
    engine.fail("remove_container", EngineError("busy"))
    assert len(cleaner(engine).clean(everything=False, dry_run=False)) == 1


def test_after_an_interruption_it_looks_again_for_what_was_still_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    late = iter([(), (("id1", "baseimage-run_h_1_2_a_1"),)])
    monkeypatch.setattr(engine, "named", lambda _kind, _prefix: next(late, ()))
    monkeypatch.setattr("pipeline.cleaning.time.sleep", lambda _: None)
    removed: list[str] = []
    monkeypatch.setattr(engine, "remove_container", removed.append)
    sweep(engine, "baseimage-run_h_1_2_a_", interrupted=True)
    assert removed == ["id1"]
