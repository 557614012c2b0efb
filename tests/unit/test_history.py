"""The history of builds: kept whatever else runs, bounded, and never in a build's way."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import history
from pipeline.errors import UsageError
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    Layer,
    Output,
    Pushed,
    Retrying,
    Sink,
    StepCached,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskFinished,
    TaskStarted,
    Transfer,
    Warned,
    from_json,
    to_json,
)
from pipeline.history import EVENTS, Keep, Recorder, build_ids, find_build, recorded_events
from pipeline.history_view import summed_up

START = BuildStarted("shop", "1.2.0", "recipes/a.yml", ("web",), ("web/base",), "baseimage-run_host_1_1_abc")
HOST = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40]
IMAGE = ImageBuilt("web", "sha256:1", ("shop:1",), 5, (Layer("role a", 5, cached=False),), {"base": 1.0}, "docker run")
EVERY_KIND: list[Event] = [
    START,
    StepStarted("web/base", "web", "base", "", "x"),
    StepFinished("web/base", 1.0, "y"),
    StepCached("web/a/commit", "web", "commit", "a", "same inputs"),
    StepFailed("web/a/commit", 1.0, "no"),
    TaskStarted("web/a/provision", "a", "t", "roles/a:1"),
    TaskFinished("web/a/provision", "a", "t", "ok", 0.5),
    Transfer("web/base", "layer", "Pulling", 1, 2),
    Output("web/base", "line"),
    Warned("w", "h", "p:1"),
    Retrying("pull", 1, 2.0, "r"),
    IMAGE,
    Pushed("shop:1", "sha256:2"),
    BuildFailed("no", "hint", "a:1", "detail", "web/base"),
    BuildFinished(3.5, 1),
]


class Ticking:
    """A clock that a second passes on whenever it is looked at."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1
        return self.now


def nowhere(_: Event) -> None:
    """Shows nothing."""


def record(
    folder: Path, *events: Event, clock: Ticking | None = None, keep: Keep | None = None, emit: Sink = nowhere
) -> None:
    recorder = Recorder(emit, folder, keep or Keep(), clock or Ticking())
    for event in events:
        recorder(event)


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_from_its_json(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


@pytest.mark.parametrize("data", [{}, {"event": "nope"}, {"event": "warned"}, {"event": "build_finished", "images": 1}])
def test_what_is_no_event_comes_back_as_none(data: dict[str, object]) -> None:
    assert from_json(data) is None


def test_fields_of_later_versions_are_read_over() -> None:
    assert from_json({**to_json(Warned("x")), "colour": "red"}) == Warned("x")


def test_what_was_shown_is_kept_but_for_progress(tmp_path: Path) -> None:
    shown: list[Event] = []
    early: list[Event] = [Warned("early"), StepStarted("modules/a", "", "a", "", "")]
    record(tmp_path, *early, *EVERY_KIND, emit=shown.append)
    assert shown == [*early, *EVERY_KIND]
    (name,) = build_ids(tmp_path)
    kept = [event for _, event in recorded_events(tmp_path, name)]
    assert kept == [*early, *(event for event in EVERY_KIND if not isinstance(event, Transfer))]
    assert (tmp_path / name / EVENTS).stat().st_mode & 0o077 == 0
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_without_a_start_there_is_no_build(tmp_path: Path) -> None:
    record(tmp_path / "builds", BuildFailed("bad input"))
    assert not (tmp_path / "builds").exists()


def test_credentials_in_addresses_are_not_kept(tmp_path: Path) -> None:
    record(tmp_path, START, Output("s", "from https://me:geheim@example.org/x"), BuildFailed("https://me:geheim@h/"))
    (log,) = tmp_path.rglob(EVENTS)
    assert "geheim" not in log.read_text()
    assert "example.org/x" in log.read_text()


def test_only_so_many_builds_are_kept_and_none_for_longer_than_asked(tmp_path: Path) -> None:
    clock = Ticking()
    for number in range(5):
        record(tmp_path, START, BuildFinished(number, 0), clock=clock, keep=Keep(builds=3))
        for log in tmp_path.rglob(EVENTS):
            os.utime(log, (clock.now, clock.now))
    assert len(build_ids(tmp_path)) == 3
    clock.now += 10 * history.DAY
    record(tmp_path, START, clock=clock, keep=Keep(builds=3, days=9))
    assert len(build_ids(tmp_path)) == 1


def test_a_full_disk_is_one_warning_and_the_build_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "events.jsonl")

    shown: list[Event] = []
    monkeypatch.setattr(history, "_new_build", full)
    record(tmp_path, START, Warned("a"), BuildFinished(1, 1), emit=shown.append)
    assert [event for event in shown if isinstance(event, Warned)] == [
        Warned("the history of this build is not kept: No space left on device: events.jsonl"),
        Warned("a"),
    ]


def test_a_folder_that_is_a_file_is_one_warning(tmp_path: Path) -> None:
    shown: list[Event] = []
    (tmp_path / "builds").write_text("")
    record(tmp_path / "builds", START, BuildFinished(1, 1), emit=shown.append)
    assert len([event for event in shown if isinstance(event, Warned)]) == 1


def test_two_runs_at_once_keep_two_builds_whole(tmp_path: Path) -> None:
    clock = Ticking()
    together = threading.Barrier(2)

    def run() -> None:
        together.wait()
        lines = [Output("s", f"line {number}") for number in range(50)]
        record(tmp_path, START, *lines, BuildFinished(1, 1), clock=clock)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = build_ids(tmp_path)
    assert [len(list(recorded_events(tmp_path, name))) for name in names] == [52, 52]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    record(tmp_path, START, Warned("x"))
    (log,) = tmp_path.rglob(EVENTS)
    log.write_text(log.read_text() + '{"time": "2025-01-31T12:00:00.250Z", "event": "war')
    assert len(list(recorded_events(tmp_path, log.parent.name))) == 2


def test_a_build_is_found_by_its_id_or_an_end_of_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no build is on record"):
        find_build(tmp_path)
    for name in ("20250101-000000-aaa111", "20250102-000000-bbb111"):
        (tmp_path / name).mkdir()
        (tmp_path / name / EVENTS).touch()
    assert find_build(tmp_path) == "20250102-000000-bbb111"
    assert find_build(tmp_path, "20250101") == find_build(tmp_path, "aaa111") == "20250101-000000-aaa111"
    with pytest.raises(UsageError, match="2 builds"):
        find_build(tmp_path, "111")
    with pytest.raises(UsageError, match="there is no build"):
        find_build(tmp_path, "../..")


@pytest.mark.parametrize(
    ("events", "result", "seconds"),
    [
        ([START, BuildFinished(2.5, 1)], "built", 2.5),
        ([START, Warned("x"), BuildFailed("no"), BuildFailed("more")], "failed", 3.0),
        ([replace(START, run_id=f"baseimage-run_{HOST}_{os.getpid()}_1_abc"), Warned("x")], "running", 1.0),
        ([replace(START, run_id=f"baseimage-run_{HOST}_4194305_1_abc")], "stopped", 0.0),
        ([], "stopped", 0.0),
    ],
    ids=["built", "failed", "running", "its process is gone", "empty"],
)
def test_how_a_build_ended(events: list[Event], result: str, seconds: float) -> None:
    build = summed_up("x", [(float(number + 10), event) for number, event in enumerate(events)])
    assert (build.result, build.seconds) == (result, seconds)
    assert build.message == ("no" if result == "failed" else "")
