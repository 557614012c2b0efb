"""The account of a run: the metadata file, and what GitHub's runner passes on and shows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.build_metadata import Account
from pipeline.ci_report import github_outputs, markdown
from pipeline.errors import PipelineError, UsageError
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    Layer,
    NotPushed,
    Pushed,
    StepFailed,
)
from pipeline.reporting import reported

STEPS = ("web/commit", "db/commit", "web/push", "db/push")
STARTED = BuildStarted("shop", "1.3.0", "recipes/default.yml", ("web", "db"), STEPS, "r1", "c0ffee")
LAYERS = (Layer("root", 100, cached=False), Layer("role nginx", 20, cached=True))
WEB = ImageBuilt("web", "sha256:11", ("r.io/web:1.3.0", "r.io/web:latest"), 120, LAYERS, {"provision": 2.5}, "")
DB = ImageBuilt("db", "sha256:22", ("r.io/db:1.3.0",), 7, (), {}, "")


def account(*events: Event) -> dict[str, Any]:
    """The data that these events come to."""
    made = Account(lambda: "now")
    for event in events:
        made.add(event)
    return made.data()


def states(service: dict[str, Any]) -> list[str]:
    return [name["state"] for name in service["names"]]


def test_a_release_is_told_by_service_name_and_digest() -> None:
    pushes = (Pushed("r.io/web:1.3.0", "sha256:aa", already=True), Pushed("r.io/web:latest", "sha256:aa"))
    data = account(STARTED, WEB, DB, *pushes, Pushed("r.io/db:1.3.0", "sha256:bb"), BuildFinished(9.0, 2))
    assert (data["schema"], data["result"], data["revision"], data["errors"]) == (1, "done", "c0ffee", [])
    web, db = data["services"]["web"], data["services"]["db"]
    assert (web["state"], web["image"], web["digest"], web["size"]) == ("pushed", "sha256:11", "sha256:aa", 120)
    assert states(web) == ["kept", "pushed"]
    assert web["layers"][1] == {"made_by": "role nginx", "size": 20, "cached": True}
    assert db["digest"] == "sha256:bb"


def test_after_a_failed_push_each_name_is_accounted_for() -> None:
    missed = NotPushed("r.io/web:latest", tried=True, reason="503")
    data = account(STARTED, WEB, DB, Pushed("r.io/web:1.3.0", "sha256:aa"), missed, BuildFailed("503", step="web/push"))
    assert data["result"] == "failed"
    assert states(data["services"]["web"]) == ["pushed", "failed"]
    assert data["services"]["web"]["names"][1]["reason"] == "503"
    assert states(data["services"]["db"]) == ["not tried"]
    assert [service["state"] for service in data["services"].values()] == ["not pushed", "not pushed"]


def test_a_run_that_fails_or_is_stopped_says_how_far_it_came() -> None:
    data = account(STARTED, WEB, StepFailed("db/commit", 1.0, "bad"), BuildFailed("bad", "look", "a.yml:3", "secret"))
    assert data["services"]["db"] == {"state": "failed"}
    assert data["errors"] == [{"message": "bad", "hint": "look", "place": "a.yml:3", "step": ""}]
    stopped = account(STARTED)
    assert stopped["result"] == "stopped"
    assert stopped["services"]["web"] == {"state": "not built"}
    assert account(BuildFailed("no recipe"))["services"] == {}


def test_a_build_without_a_push_has_named_images() -> None:
    started = BuildStarted("shop", "1.3.0", "", ("web",), ("web/commit",), "")
    data = account(started, WEB, BuildFinished(1.0, 1))
    assert data["services"]["web"]["state"] == "built"
    assert states(data["services"]["web"]) == ["named", "named"]


def test_a_service_without_a_name_to_push_is_built_and_not_said_to_be_pushed() -> None:
    nameless = ImageBuilt("web", "sha256:11", (), 120, (), {}, "")
    data = account(STARTED, nameless, DB, Pushed("r.io/db:1.3.0", "sha256:bb"), BuildFinished(1.0, 2))
    assert [service["state"] for service in data["services"].values()] == ["built", "pushed"]


def run_in(folder: Path, events: Iterable[Event], **environ: str) -> None:
    """Report these events as on GitHub."""
    with reported(lambda _: None, folder / "out.json", {"GITHUB_ACTIONS": "true", **environ}) as sink:
        for event in events:
            sink(event)


def crash(_: Event) -> None:
    """A display that has a defect."""
    raise ZeroDivisionError


def test_the_file_is_written_whole_even_when_the_run_crashes(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    with pytest.raises(ZeroDivisionError), reported(crash, tmp_path / "out.json", {}) as sink:
        sink(STARTED)
    assert json.loads((tmp_path / "out.json").read_text())["result"] == "stopped"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"), reported(lambda _: None, tmp_path / "a/b.json", {}):
        pytest.fail("it began")


def test_a_file_that_cannot_be_written_afterwards_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with pytest.raises(PipelineError, match="cannot be written"), reported(lambda _: None, folder / "x", {}):
        folder.rmdir()


def test_github_gets_a_summary_and_outputs_behind_what_is_there(tmp_path: Path) -> None:
    summary, outputs = tmp_path / "summary", tmp_path / "outputs"
    summary.write_text("before\n")
    events = (STARTED, WEB, Pushed("r.io/web:1.3.0", "sha256:aa"), Pushed("r.io/web:latest", "sha256:aa"))
    run_in(tmp_path, events, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs))
    assert summary.read_text().startswith("before\n### ■ shop 1.3.0: stopped")
    assert "| `r.io/web:1.3.0` | pushed | `aa` | 0.0 MB | 2 | 1 |" in summary.read_text()
    assert "digest=sha256:aa\n" in outputs.read_text()
    assert 'digests={"web": "sha256:aa"}\n' in outputs.read_text()
    assert "tags<<BASEIMAGE_END\nr.io/web:1.3.0\nr.io/web:latest\nBASEIMAGE_END\n" in outputs.read_text()


def test_elsewhere_the_files_of_github_are_left_alone(tmp_path: Path) -> None:
    run_in(tmp_path, (STARTED,), GITHUB_ACTIONS="", GITHUB_OUTPUT=str(tmp_path / "outputs"))
    assert not (tmp_path / "outputs").exists()


def test_what_a_tool_says_cannot_break_the_summary_or_the_outputs() -> None:
    bad = "a|b `<img>`\nsecond::set-output\x1b[31m"
    data = account(
        STARTED, WEB, NotPushed("r.io/web:latest", tried=True, reason=bad), BuildFailed(bad, bad, "a|`.yml:3")
    )
    text = markdown(data)
    assert "<img>" not in text
    assert "a&#124;b &#96;&lt;img&gt;&#96; second::set-output" in text
    assert "\x1b" not in text
    assert github_outputs(data).count("\n") == len(github_outputs(data).splitlines())
