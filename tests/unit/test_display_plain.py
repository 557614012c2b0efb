"""What a log in CI reads like."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pipeline.display import open_display
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    Layer,
    NotPushed,
    Output,
    Pushed,
    Retrying,
    StepCached,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskFinished,
    TaskStarted,
    Transfer,
    Warned,
)
from pipeline.plain import table
from pipeline.plain_folds import annotation

STARTED = BuildStarted("acme", "1.4.0", "recipes/base.yml", ("full",), ("full/base", "full/sshd/provision"), "r1")
ROLE = "full/sshd/provision"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1738324800.0

    def __call__(self) -> float:
        return self.now


def log(*events: Event | float, github: str = "") -> tuple[list[str], list[str]]:
    """Lines of stdout without their times, and of stderr; a number lets time pass. `github` is where it checks out."""
    out, err, clock = io.StringIO(), io.StringIO(), Clock()
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": github} if github else {}
    with open_display("plain", stdout=out, stderr=err, environ=environ, clock=clock) as sink:
        for event in events:
            if isinstance(event, float):
                clock.now += event
            else:
                sink(event)
    return [_untimed(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines()


def _untimed(line: str) -> str:
    return line[10:] if line[2:3] == ":" and line[5:6] == ":" else line


def test_every_step_and_task_is_a_line() -> None:
    out, err = log(
        STARTED,
        StepStarted("full/base", "full", "base", "", "root from trixie"),
        Output("full/base", "I: unpacking\x1b[0m"),
        StepFinished("full/base", 21.3, "119.8 MB"),
        StepStarted(ROLE, "full", "provision", "sshd", "sshd"),
        TaskStarted(ROLE, "sshd", "Install", ""),
        TaskFinished(ROLE, "sshd", "Install", "changed", 1.24),
        TaskFinished(ROLE, "sshd", "Not here", "skipped", 0.0),
        TaskFinished(ROLE, "sshd", "Start", "failed", 0.3, "no\nunit"),
        Retrying("push", 2, 1.5, "503"),
        StepCached("full/tini/commit", "full", "commit", "tini", "same inputs"),
        StepFailed(ROLE, 2.0, "no unit"),
    )
    assert err == []
    assert out == [
        "acme 1.4.0  recipes/base.yml: full (2 steps)",
        "full/base  root from trixie",
        "full/base  | I: unpacking",
        "full/base  done in 21.3s, 119.8 MB",
        "full/sshd/provision  started",
        "full/sshd/provision  changed  Install (1.2s)",
        "full/sshd/provision  failed  Start (0.3s): no unit",
        "retrying push in 1.5s (attempt 2): 503",
        "full/tini/commit  cached: same inputs",
        "full/sshd/provision  failed after 2.0s: no unit",
    ]


def test_a_line_begins_with_the_time_of_day() -> None:
    out = io.StringIO()
    with open_display("plain", stdout=out, stderr=io.StringIO(), environ={}) as sink:
        sink(Output("full/base", "hello"))
    time, rest = out.getvalue().split("  ", 1)
    assert [len(part) for part in time.split(":")] == [2, 2, 2]
    assert rest == "full/base  | hello\n"


def test_a_transfer_is_told_at_each_quarter() -> None:
    steps = [Transfer("s", "layer", "Pushing", percent * 1_000_000, 100_000_000) for percent in range(0, 101, 5)]
    out, _ = log(*steps)
    assert out == [f"s  {percent}.0/100.0 MB ({percent} %)" for percent in (25, 50, 75, 100)]


def test_a_slow_transfer_is_told_every_ten_seconds() -> None:
    steps: list[Event | float] = []
    for number in range(1, 25):
        steps += [Transfer("s", "layer", "Pushing", number * 100_000, 0), 1.0]
    out, _ = log(*steps)
    assert out == ["s  1.1 MB", "s  2.1 MB"]


def test_the_closing_table_is_aligned_and_ends_with_the_build() -> None:
    layers = (Layer("base trixie", 80_100_000, cached=False), Layer("role tini", 61_000, cached=True))
    built = ImageBuilt(
        "full", "sha256:" + "ab" * 32, ("acme/full:1",), 80_161_000, layers, {"base": 95.0}, "docker run it"
    )
    out, _ = log(built, Pushed("acme/full:1", "sha256:cd"), BuildFinished(101.0, 1))
    assert out[2:] == [
        "",
        "full  abababababab  80.2 MB",
        "  tag  acme/full:1",
        "",
        "  LAYER           SIZE",
        "  base trixie  80.1 MB",
        "  role tini     0.1 MB  cached",
        "",
        "  STAGE   TIME",
        "  base   1m35s",
        "",
        "  pushed: acme/full:1@sha256:cd",
        "  try it:",
        "    docker run it",
        "",
        "built 1 image in 1m41s",
    ]


def test_what_the_registry_had_already_is_kept_in_the_summary_and_not_said_to_be_pushed() -> None:
    built = ImageBuilt("full", "sha256:ab", ("acme/full:1", "acme/full:latest"), 0, (), {}, "")
    pushes = (Pushed("acme/full:1", "sha256:cd", already=True), Pushed("acme/full:latest", "sha256:cd"))
    out, _ = log(built, *pushes, BuildFinished(1.0, 1))
    assert [line for line in out if "@" in line] == [
        "  kept: acme/full:1@sha256:cd",
        "  pushed: acme/full:latest@sha256:cd",
    ]
    assert log(*pushes)[0][-2:] == ["kept: acme/full:1@sha256:cd", "pushed: acme/full:latest@sha256:cd"]


def test_what_was_built_before_an_error_is_still_listed() -> None:
    out, _ = log(ImageBuilt("lean", "sha256:ab", (), 0, (), {}, ""), BuildFailed("bad"))
    assert "lean  ab  0.0 MB" in out


def test_the_detail_of_an_error_is_in_the_log_and_the_error_on_stderr() -> None:
    out, err = log(BuildFailed("bad", "do this", "", "E: one\nE: two", ROLE))
    assert out == [f"{ROLE}  | E: one", f"{ROLE}  | E: two"]
    assert err == ["error: bad", "hint: do this"]


def test_github_gets_a_group_for_each_step_and_annotations_at_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("shop/recipes/base.yml", "shop/roles/sshd/tasks/main.yml"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path / "shop")
    out, _ = log(
        StepStarted("full/base", "full", "base", "", "root"),
        Warned("old, very", place="recipes/base.yml:4"),
        StepFinished("full/base", 1.0),
        StepStarted(ROLE, "full", "provision", "sshd", "sshd"),
        BuildFailed("bad\n100% bad", place="roles/sshd/tasks/main.yml:12"),
        BuildFailed("worse", place="../site-packages/main.yml:12"),
        github=str(tmp_path),
    )
    assert [line for line in out if line.startswith("::") and "group" not in line] == [
        "::warning file=shop/recipes/base.yml,line=4::old, very",
        "::error file=shop/roles/sshd/tasks/main.yml,line=12::bad%0A100%25 bad",
        "::error::../site-packages/main.yml:12: worse",
    ]
    assert [line.split("::")[1] for line in out if "group::" in line] == ["group", "endgroup", "group", "endgroup"]


def test_steps_side_by_side_have_no_group_on_github_since_it_would_hold_lines_of_both() -> None:
    out, _ = log(
        StepStarted("one/base", "one", "base", "", "root"),
        StepStarted("two/base", "two", "base", "", "root"),
        Output("one/base", "hello"),
        StepFinished("one/base", 1.0),
        StepStarted("one/tag", "one", "tag", "", ""),
        StepFinished("two/base", 1.0),
        StepFinished("one/tag", 1.0),
        StepStarted("two/tag", "two", "tag", "", ""),
        StepFinished("two/tag", 1.0),
        github="/w",
    )
    assert [line.partition("::")[2].partition("::")[0] for line in out] == [
        *("group", "endgroup", "", "", "", "", "", ""),
        *("group", "endgroup", ""),
    ]


def test_a_tool_cannot_give_commands_to_github() -> None:
    out, _ = log(Output("full/base", "::error::mine"), github="/w")
    assert out == ["full/base  | ::error::mine"]


def test_an_annotation_without_a_line_names_the_file_and_without_a_place_nothing() -> None:
    assert annotation("error", "a,b.yml", "bad", str) == "::error file=a%2Cb.yml::bad"
    assert annotation("error", "", "bad", str) == "::error::bad"


def test_an_annotation_has_the_line_and_the_column_where_they_are_known() -> None:
    assert annotation("error", "a.yml:3:7", "bad\n50%", str) == "::error file=a.yml,line=3,col=7::bad%0A50%25"
    assert annotation("error", "a.yml:3", "bad", str) == "::error file=a.yml,line=3::bad"


def test_gitlab_gets_a_section_for_each_step() -> None:
    stdout = io.StringIO(newline="")
    environ = {"GITLAB_CI": "true"}
    with open_display("plain", stdout=stdout, stderr=io.StringIO(), environ=environ, clock=lambda: 1.5) as sink:
        sink(StepStarted("Full/base", "full", "base", "", "root"))
        sink(StepFinished("Full/base", 1.0))
    begin, end, done = stdout.getvalue().split("\n")[:3]
    assert begin.startswith("section_start:1:full_base\r\x1b[0K")
    assert begin.endswith("Full/base  root")
    assert end == "section_end:1:full_base\r\x1b[0K"
    assert "done in 1.0s" in done


def test_names_that_were_not_pushed_are_told_with_their_reason_or_as_not_tried() -> None:
    out, _ = log(NotPushed("a:1", tried=True, reason="denied"), NotPushed("b:1", tried=False))
    assert out[:2] == ["not pushed: a:1  denied", "not tried: b:1"]
    assert out[-2:] == out[:2], "in the summary too"


@pytest.mark.parametrize("width", [20, 12])
def test_a_table_narrower_than_its_cells_cuts_the_widest_column(width: int) -> None:
    lines = table([("role syslog_ng", "12.3 MB"), ("base", "1.0 MB")], ("layer", "size"), width, right=(1,))
    assert max(map(len, lines)) <= width
    assert "…" in lines[1]


def test_a_table_without_rows_is_its_heading() -> None:
    assert table([], ("layer", "size"), 80) == ["LAYER  SIZE"]
    assert table([], (), 80) == []
