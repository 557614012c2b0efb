"""What ansible-runner reports of a play, and what is shown of it.

The events are those of ansible-core 2.19 and ansible-runner 2.4 with a role that did each of these things, without
the fields that nobody reads.
"""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.events import Output, TaskFinished, TaskStarted, Warned
from pipeline.play_events import PlayLog, failure_detail, failure_message

NO_TRACE = "(traceback unavailable)"
CENSORED = {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result"}
COMMAND_FAILED = {
    "changed": True,
    "stdout": "",
    "stderr": "oops",
    "rc": 3,
    "msg": "non-zero return code",
    "exception": NO_TRACE,
    "_ansible_no_log": False,
}
LOOP_FAILED = {
    "results": [
        {**COMMAND_FAILED, "rc": 0, "msg": "", "stderr": "", "failed": False, "item": 0},
        {**COMMAND_FAILED, "failed": True, "item": 1},
    ],
    "changed": True,
    "msg": "One or more items failed",
}


def raw(event: str, task: str = "Install", res: object = None, **data: Any) -> dict[str, Any]:
    """An event as the runner hands it over."""
    place = "/tmp/tmpab12/project/roles/web/tasks/main.yml:28"  # noqa: S108 - a path in the conductor
    known = {"play": "Role web", "task": task, "role": "web", "host": "shop", "task_path": place, "uuid": "0-1"}
    return {"event": event, "stdout": "", "event_data": {**known, "res": res, "duration": 0.25, **data}}


def stats(**data: Any) -> dict[str, Any]:
    sums = {"changed": {}, "dark": {}, "failures": {}, "ok": {"shop": 1}, "rescued": {}, "artifact_data": {}}
    return {"event": "playbook_on_stats", "stdout": "\r\nPLAY RECAP", "event_data": {**sums, **data}}


def printed(event: str, text: str) -> dict[str, Any]:
    return {"event": event, "stdout": text, "event_data": {}}


@pytest.fixture
def log() -> PlayLog:
    return PlayLog("shop/web/provision", "web", {"web": "roles/web"})


def ended(log: PlayLog, event: dict[str, Any]) -> TaskFinished:
    (shown,) = log.translate(event)
    assert isinstance(shown, TaskFinished)
    return shown


def test_a_task_begins_at_a_place_of_the_project(log: PlayLog) -> None:
    shown = log.translate(raw("playbook_on_task_start"))
    assert shown == (TaskStarted("shop/web/provision", "web", "Install", "roles/web/tasks/main.yml:28"),)


def test_a_handler_begins_like_a_task(log: PlayLog) -> None:
    path = "/runner/project/roles/web/handlers/main.yml:1"
    (shown,) = log.translate(raw("playbook_on_handler_task_start", task_path=path))
    assert isinstance(shown, TaskStarted)
    assert shown.path == "roles/web/handlers/main.yml:1"


def test_a_task_of_a_role_that_is_not_ours_keeps_its_name_and_one_of_no_role_has_no_place(log: PlayLog) -> None:
    shown = log.translate(raw("playbook_on_task_start", task_path="/x/project/roles/other/tasks/a.yml:2", role="other"))
    assert shown == (TaskStarted("shop/web/provision", "other", "Install", "other/tasks/a.yml:2"),)
    (facts,) = log.translate(raw("playbook_on_task_start", task_path="/x/project/play.yml:1", role=None))
    assert facts == TaskStarted("shop/web/provision", "web", "Install", "")


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (raw("runner_on_ok", res={"changed": False, "msg": ""}), "ok"),
        (raw("runner_on_ok", res={"changed": True}), "changed"),
        (raw("runner_on_ok", res={"results": [{"changed": True, "item": "a"}], "changed": True}), "changed"),
        (raw("runner_on_ok", res=CENSORED), "ok"),
        (raw("runner_on_skipped", res={"changed": False, "skip_reason": "Conditional result was False"}), "skipped"),
        (raw("runner_on_skipped", res=None), "skipped"),
    ],
)
def test_a_task_that_ends_well_says_no_more_than_that(log: PlayLog, event: dict[str, Any], status: str) -> None:
    shown = ended(log, event)
    assert (shown.status, shown.seconds, shown.message) == (status, 0.25, "")
    assert log.counts == {status: 1}
    assert log.failure is None


def test_a_failed_task_says_where_and_why(log: PlayLog) -> None:
    shown = ended(log, raw("runner_on_failed", res=COMMAND_FAILED, ignore_errors=None))
    assert (shown.status, shown.message) == ("failed", "non-zero return code")
    assert log.failure is not None
    assert log.failure.message == "role web, task 'Install': non-zero return code"
    assert log.failure.place == "roles/web/tasks/main.yml:28"
    assert log.failure.detail == "oops"


def test_an_unreachable_target_is_a_failure(log: PlayLog) -> None:
    result = {"unreachable": True, "exception": NO_TRACE, "msg": "Task failed: no\n route", "changed": False}
    shown = ended(log, raw("runner_on_unreachable", res=result))
    assert (shown.status, shown.message) == ("unreachable", "Task failed: no route")
    assert log.failure is not None
    log.translate(stats(dark={"shop": 1}))
    assert log.failure is not None


def test_a_failure_that_the_role_ignores_is_none(log: PlayLog) -> None:
    shown = ended(log, raw("runner_on_failed", res=COMMAND_FAILED, ignore_errors=True))
    assert (shown.status, shown.message) == ("ignored", "non-zero return code")
    assert log.failure is None
    assert log.counts == {"ignored": 1}


def test_a_rescued_failure_does_not_fail_the_play(log: PlayLog) -> None:
    log.translate(raw("runner_on_failed", res=COMMAND_FAILED, ignore_errors=None))
    log.translate(raw("runner_on_ok", "Rescue", {"changed": False}))
    log.translate(stats(rescued={"shop": 1}))
    assert log.failure is None


def test_after_a_rescued_failure_the_later_one_is_told(log: PlayLog) -> None:
    log.translate(raw("runner_on_failed", "Try", res=COMMAND_FAILED, ignore_errors=None))
    log.translate(raw("runner_on_failed", "Copy", res={"msg": "no such file"}, ignore_errors=None))
    log.translate(raw("runner_on_ok", "Always", {"changed": False}))
    log.translate(stats(rescued={"shop": 1}, failures={"shop": 1}))
    assert log.failure is not None
    assert log.failure.message == "role web, task 'Copy': no such file"


def test_a_play_that_dies_of_something_else_does_not_blame_a_rescued_task(log: PlayLog) -> None:
    log.translate(raw("runner_on_failed", res=COMMAND_FAILED, ignore_errors=None))
    log.translate(printed("error", "\x1b[0;31m[ERROR]: The requested handler 'nowhere' was not found\x1b[0m"))
    assert log.failure is None
    assert log.lines == ["[ERROR]: The requested handler 'nowhere' was not found"]


def test_each_item_of_a_loop_is_part_of_its_task(log: PlayLog) -> None:
    assert log.translate(raw("runner_item_on_ok", res={"changed": True})) == ()
    assert log.translate(raw("runner_item_on_failed", res=COMMAND_FAILED)) == ()
    shown = ended(log, raw("runner_on_failed", res=LOOP_FAILED, ignore_errors=None))
    assert shown.message == "non-zero return code (item 1)"
    assert log.counts == {"failed": 1}
    assert log.failure is not None
    assert log.failure.detail == "oops"


def test_a_failure_under_no_log_tells_nothing_of_its_result(log: PlayLog) -> None:
    shown = ended(log, raw("runner_on_failed", res=CENSORED, ignore_errors=None))
    assert shown.message == "failed; its result is hidden by no_log"
    assert log.failure is not None
    assert log.failure.detail == ""


@pytest.mark.parametrize(
    ("result", "message", "detail"),
    [
        ({"msg": "a\n  b"}, "a b", ""),
        ({"msg": ["one", "two"]}, "one; two", ""),
        ({"reason": "no such module"}, "no such module", ""),
        ({}, "the module failed without a message", ""),
        ({"msg": "x", "stdout": "said", "stderr": "", "exception": NO_TRACE}, "x", "said"),
        ({"msg": "x", "exception": NO_TRACE}, "x", ""),
        ({"msg": "x", "module_stderr": "Traceback …", "module_stdout": "y"}, "x", "Traceback …"),
        ({"msg": "x", "exception": "Traceback …"}, "x", "Traceback …"),
        ({"msg": "x", "results": ["no map", {"failed": False}]}, "x", ""),
    ],
)
def test_a_module_is_quoted_as_well_as_it_can_be(result: dict[str, Any], message: str, detail: str) -> None:
    assert failure_message(result) == message
    assert failure_detail(result) == detail


def test_what_a_role_sets_as_statistics_is_kept(log: PlayLog) -> None:
    log.translate(raw("runner_on_ok", "Stats", {"changed": False, "ansible_stats": {"data": {}}}))
    assert log.statistics == {}
    log.translate(stats(artifact_data={"image_config": {"command": ["a", "b"], "ports": [80]}}))
    assert log.statistics == {"image_config": {"command": ["a", "b"], "ports": [80]}}


def test_a_warning_is_shown_as_one_on_one_line(log: PlayLog) -> None:
    text = "\x1b[1;35m[WARNING]: Platform linux is using\r\nthe discovered interpreter\x1b[0m"
    assert log.translate(printed("warning", text)) == (Warned("Platform linux is using the discovered interpreter"),)


def test_what_ansible_prints_besides_is_output(log: PlayLog) -> None:
    shown = log.translate(printed("verbose", "Using /etc/ansible/ansible.cfg\r\nas config file"))
    assert shown == (
        Output("shop/web/provision", "Using /etc/ansible/ansible.cfg"),
        Output("shop/web/provision", "as config file"),
    )
    assert log.lines == ["Using /etc/ansible/ansible.cfg", "as config file"]


@pytest.mark.parametrize(
    "event",
    [
        {"event": "playbook_on_start", "event_data": {"playbook": "play.yml"}},
        {"event": "runner_on_start", "event_data": {"task": "x"}},
        {"event": "verbose", "stdout": ""},
        {"event": "playbook_on_play_start", "event_data": None},
        {"status": "starting"},
        {},
    ],
)
def test_other_events_show_nothing(log: PlayLog, event: dict[str, Any]) -> None:
    assert log.translate(event) == ()
