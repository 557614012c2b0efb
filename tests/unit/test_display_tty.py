"""What a person sees on a terminal during and after a build."""

from __future__ import annotations

import io
import re
import threading
from threading import Thread

import pytest

from pipeline import console
from pipeline.display import open_display
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    NotPushed,
    Output,
    Pushed,
    StepFinished,
    StepStarted,
    TaskFinished,
    Transfer,
    Warned,
)
from tests.unit.display_terminal import BUILT, RUNNING, STARTED, Terminal, played


def test_a_warning_stays_above_the_tree() -> None:
    out, _ = played(STARTED, Warned("old mirror", "set another", "a.yml:3"), BuildFinished(1.0, 0))
    assert out.screen.splitlines()[:3] == [
        "warning: a.yml:3: old mirror",
        "  hint: set another",
        "✔ acme 1.4.0          0.0s  recipes/base.yml",
    ]


def test_a_warning_before_the_build_is_shown_at_once() -> None:
    out, _ = played(Warned("old mirror"))
    assert out.screen == "warning: old mirror"


def test_the_whole_tree_stays_and_the_table_of_the_image_follows() -> None:
    out, _ = played(*RUNNING[:3], BUILT, Pushed(BUILT.tags[0], "sha256:cd"), BuildFinished(101.0, 1))
    lines = out.screen.splitlines()
    assert lines[0].startswith("✔ acme 1.4.0")
    after = lines[lines.index("") + 1 :]
    assert after == [
        "full  abababababab  80.2 MB",
        "tag     registry.example.com/acme/full:1.4.0",
        "",
        "layer            size             stage        time",
        "──────────────────────────────    ─────────────────",
        "base trixie   80.1 MB             base        21.3s",
        "role tini      0.1 MB   cached    provision   1m35s",
        "",
        "pushed  registry.example.com/acme/full:1.4.0@sha256:cd",
        f"try it  {BUILT.try_it}",
        "",
        "built 1 image in 1m41s",
    ]


def test_a_version_that_the_registry_had_already_is_kept() -> None:
    out, _ = played(*RUNNING[:3], BUILT, Pushed(BUILT.tags[0], "sha256:cd", already=True), BuildFinished(101.0, 1))
    assert "kept    registry.example.com/acme/full:1.4.0@sha256:cd" in out.screen.splitlines()


def test_names_that_were_not_pushed_stand_below_the_table() -> None:
    missed = (NotPushed("a:1", tried=True, reason="denied"), NotPushed("b:1", tried=False))
    out, _ = played(*RUNNING[:3], BUILT, *missed, BuildFailed("denied"))
    assert out.screen.splitlines()[-2:] == ["not pushed: a:1  denied", "not tried: b:1"]


def test_in_a_narrow_window_the_table_is_one_value_a_line_and_the_command_stays_whole() -> None:
    out, _ = played(STARTED, BUILT, BuildFinished(101.0, 1), width=60)
    assert "  layer role tini: 0.1 MB, cached" in out.screen.splitlines()
    assert "  stage provision: 1m35s" in out.screen.splitlines()
    assert f"  try it: {BUILT.try_it}" in out.screen.splitlines()


def test_an_error_is_a_block_on_the_terminal_of_stderr_after_the_tree() -> None:
    err = Terminal(tty=True)
    failure = BuildFailed(
        "no such package", "correct it", "roles/sshd/tasks/main.yml:3", "E: sshd\nE: not found", "full/sshd"
    )
    out, _ = played(*RUNNING, failure, stderr=err)
    assert out.screen.startswith("✘ acme 1.4.0")
    assert "no such package" not in out.screen
    assert err.screen.splitlines() == [
        "",
        "┃ error: no such package",
        "┃   at roles/sshd/tasks/main.yml:3",
        "┃   in full/sshd",
        "┃     E: sshd",
        "┃     E: not found",
        "┃ hint: correct it",
    ]


def test_an_error_goes_to_a_file_as_plain_lines() -> None:
    _, err = played(STARTED, BuildFailed("no such package", "correct it", "a.yml:3", "E: sshd"))
    assert err.getvalue() == "error: a.yml:3: no such package\n  E: sshd\nhint: correct it\n"


def test_an_error_before_the_build_draws_no_tree() -> None:
    out, err = played(BuildFailed("a.yml:1: unknown key"))
    assert out.getvalue() == ""
    assert err.getvalue() == "error: a.yml:1: unknown key\n"


def test_an_exception_leaves_the_cursor_shown_and_the_tree_stopped() -> None:
    out = Terminal()
    environ = {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    display = open_display("tty", stdout=out, stderr=io.StringIO(), environ=environ, clock=lambda: 100.0)
    with pytest.raises(KeyboardInterrupt), display as sink:  # noqa: PT012 - the sink is the subject
        for event in RUNNING:
            sink(event)
        assert not out.cursor
        raise KeyboardInterrupt
    assert out.cursor
    assert "■ role sshd   0.0s  stopped" in out.screen
    assert "⠋" not in out.screen


def test_without_colour_nothing_is_coloured() -> None:
    out, _ = played(*RUNNING, BUILT, BuildFinished(1.0, 1), NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3\d|9\d)m", out.getvalue())
    assert re.search(r"\x1b\[(?:\d+;)*3\dm", played(*RUNNING)[0].getvalue())


def test_events_may_come_from_several_threads() -> None:
    out = Terminal()
    environ = {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    with open_display("tty", stdout=out, stderr=io.StringIO(), environ=environ, clock=lambda: 100.0) as sink:
        sink(STARTED)
        sink(StepStarted("full/push", "full", "push", "", ""))

        def talk(name: str) -> None:
            for number in range(1, 201):
                sink(Transfer("full/push", name, "Pushing", number * 10_000, 2_000_000))
            sink(TaskFinished("full/push", "", name, "ok", 0.1))

        threads = [Thread(target=talk, args=(f"item{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sink(StepFinished("full/push", 1.0))
    assert "✔ push        1.0s  8 ok" in out.screen


def test_a_terminal_that_does_not_take_anything_does_not_hold_up_the_build() -> None:
    stuck, free = threading.Event(), threading.Event()

    class Stuck(Terminal):
        """Takes nothing more once `stuck` is set, until it is `free`."""

        def write(self, text: str) -> int:
            if stuck.is_set():
                free.wait(10)
            return super().write(text)

    environ = {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    with open_display("tty", stdout=Stuck(), stderr=io.StringIO(), environ=environ) as sink:
        sink(STARTED)
        stuck.set()
        builder = Thread(target=lambda: [sink(Output("full/base", str(number))) for number in range(10_000)])
        builder.start()
        builder.join(5)
        held_up = builder.is_alive()
        free.set()
        builder.join()
    assert not held_up


def test_a_window_made_narrower_shows_nothing_of_the_wider_tree() -> None:
    terminal = Terminal(100)
    screen = console.console_on(terminal, {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"})
    display = console._Display(screen, io.StringIO(), {}, lambda: 100.0)
    for event in (*RUNNING, Output("full/sshd/provision", "x" * 200)):
        display.sink(event)
    display._live.refresh()
    with display._live._lock:
        terminal.narrow(50)
        screen.width = 50
        display._live.refresh()
    seen = terminal.screen.splitlines()
    display.close()
    assert len([line for line in seen if "acme 1.4.0" in line]) == 1
    assert len(seen) == 9
    assert max(map(len, seen)) <= 50
