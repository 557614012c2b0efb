"""The commands list, inspect and logs, over builds that really ran (against a fake engine)."""

from __future__ import annotations

import json
import re

import pytest

from pipeline import errors
from tests.unit.test_cli import Line, line

__all__ = ["line"]


def two_builds(line: Line) -> None:
    """One that succeeds, then one that fails."""
    world = line.pretend()
    assert line.run("build")[0] == 0
    world.records.saved.clear()
    world.player.failures["nginx"] = errors.PlayFailedError("role nginx, task 'x': no", place="roles/a.yml:3")
    assert line.run("build")[0] == 1


def test_list_shows_builds_the_newest_first(line: Line) -> None:
    assert line.run("list") == (0, "no build is on record\n", "")
    two_builds(line)
    code, out, err = line.run("list")
    head, first, second = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == ["BUILD", "STARTED", "RESULT", "TIME", "RECIPE", "SERVICES", "IMAGES"]
    builds = [first, second] if " failed " in first else [second, first]  # both may be of one second
    assert " failed " in builds[0]
    assert re.search(r" built .*recipes/default.yml +web worker +[0-9a-f]{12} [0-9a-f]{12}$", builds[1])


def test_list_as_data_and_with_a_limit(line: Line) -> None:
    two_builds(line)
    found = json.loads(line.run("list", "--json")[1])
    assert sorted(each["result"] for each in found) == ["built", "failed"]
    assert set(found[0]) == {
        *("id started project version recipe services result seconds message images".split()),
    }
    assert len(json.loads(line.run("list", "--json", "--limit", "1")[1])) == 1
    assert json.loads(line.run("list", "--json")[1]) == found


def test_a_failed_build_can_be_looked_at_again(line: Line) -> None:
    two_builds(line)
    failed = next(each for each in json.loads(line.run("list", "--json")[1]) if each["result"] == "failed")
    code, out, _ = line.run("inspect", failed["id"])
    assert code == 0
    assert re.search(r"^error +role nginx, task 'x': no$", out, re.MULTILINE)
    assert re.search(r"^web/nginx/provision +failed ", out, re.MULTILINE)
    full = json.loads(line.run("inspect", failed["id"], "--json")[1])
    assert {each["result"] for each in full["steps"]} == {"done", "failed"}
    code, out, err = line.run("logs", failed["id"])
    assert (code, err) == (0, "")
    assert "error: roles/a.yml:3: role nginx, task 'x': no" in out
    events = [json.loads(text) for text in line.run("logs", failed["id"], "--json")[1].splitlines()]
    assert events[0]["event"] == "build_started"
    assert events[-1]["event"] == "build_failed"


@pytest.mark.parametrize("command", ["inspect", "logs"])
def test_what_is_not_on_record_is_a_mistake(line: Line, command: str) -> None:
    code, _, err = line.run(command)
    assert code == 2
    assert "no build is on record" in err
    two_builds(line)
    code, _, err = line.run(command, "nope", "--debug")
    assert code == 2
    assert "there is no build 'nope' on record" in err
    assert "Traceback" in err


def test_mistakes_in_the_files_and_other_commands_leave_no_build_on_record(line: Line) -> None:
    line.pretend()
    (line.folder / "version.txt").write_text("one\n")
    assert line.run("build")[0] == 2
    (line.folder / "version.txt").write_text("1.0.0\n")
    line.run("plan")
    line.run("tag")
    assert line.run("list")[1] == "no build is on record\n"


def test_the_history_can_be_turned_off_and_its_bounds_are_checked(line: Line) -> None:
    line.pretend()
    line.monkeypatch.setenv("BASEIMAGE_HISTORY_BUILDS", "0")
    assert line.run("build")[0] == 0
    assert line.run("list")[1] == "no build is on record\n"
    line.monkeypatch.setenv("BASEIMAGE_HISTORY_BUILDS", "many")
    code, _, err = line.run("build")
    assert code == 2
    assert "BASEIMAGE_HISTORY_BUILDS must be a whole number, is 'many'" in err


def test_a_build_goes_on_where_its_history_cannot_be_kept(line: Line) -> None:
    line.pretend()
    (line.folder / "state").mkdir()
    (line.folder / "state" / "builds").write_text("")
    code, out, _ = line.run("build", "--log-format", "plain")
    assert code == 0
    assert out.count("the history of this build is not kept") == 1
