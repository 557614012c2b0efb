"""Rows V, K, X and G: what a service's directory may say besides run."""

from __future__ import annotations

import time

import pytest

from tests.contract.harness import File, Lab, eventually, script, service

pytestmark = pytest.mark.services
FOR_EVER = "exec sleep 1000"


def note(name: str, file: str, text: str = "") -> dict[str, File]:
    """One more file of a service, with a line of text."""
    return {f"/etc/service/{name}/{file}": File(f"{text}\n" if text else "", 0o644)}


def test_a_service_that_fails_for_good_ends_the_container_with_its_status(lab: Lab) -> None:
    """X7."""
    environment = {"CONTAINER_FAIL_ON": "web", "CONTAINER_FAIL_AFTER": "2"}
    files = service("web", "echo web began; exit 3") | service("other", "exit 4")
    outcome = lab.outcome(files=files, environment=environment)
    assert outcome.code == 3
    assert "web failed 2 times" in outcome.output
    assert outcome.output.count("web began") == 2


def test_a_service_that_fails_for_good_takes_the_command_with_it(lab: Lab) -> None:
    """X7."""
    environment = {"CONTAINER_FAIL_ON": "web", "CONTAINER_FAIL_AFTER": "1"}
    command = "trap 'echo command ends; exit 0' TERM; echo up; while :; do sleep .05; done"
    outcome = lab.outcome("sh", "-c", command, files=service("web", "sleep .5; exit 3"), environment=environment)
    assert outcome.code == 3
    assert "command ends" in outcome.output


def test_a_service_that_is_stopped_on_purpose_has_not_failed(lab: Lab) -> None:
    """X7."""
    environment = {"CONTAINER_FAIL_ON": "web", "CONTAINER_FAIL_AFTER": "1"}
    box = lab.box(files=service("web", FOR_EVER), environment=environment).until_up("web")
    box.sh("container-svc stop web && container-svc start web && container-svc restart web")
    box.until_up("web")
    _, outcome = box.stop()
    assert outcome.code == 0


@pytest.mark.parametrize(("body", "told"), [("exit 7", "7 0 web"), ("kill -9 $$", "-1 9 web")])
def test_finish_is_told_how_the_service_ended(lab: Lab, body: str, told: str) -> None:
    """V12 and X8."""
    files = service("web", f"sleep .2; {body}")
    files["/etc/service/web/finish"] = script('echo "finish $*"; exit 5')
    box = lab.box(files=files)
    box.until_log(f"finish {told}\n")
    box.kill("TERM")
    assert box.wait().code == 0


def test_finish_of_a_service_runs_to_its_end_when_the_container_stops(lab: Lab) -> None:
    """V12 and H1."""
    files = service("web", FOR_EVER)
    files["/etc/service/web/finish"] = script("sleep .3; echo finish ended")
    box = lab.box(files=files).until_up("web")
    _, outcome = box.stop()
    assert outcome.code == 0
    assert "finish ended" in outcome.output


def test_a_service_starts_when_what_it_depends_on_is_ready(lab: Lab) -> None:
    """V9."""
    files = service("a-first", f"echo order first; test -e /srv/ready || echo early; {FOR_EVER}")
    files |= note("a-first", "depends", "z-last")
    files |= service("z-last", f"echo order last; sleep .5; touch /srv/ready; {FOR_EVER}")
    files["/etc/service/z-last/check"] = script("test -e /srv/ready")
    box = lab.box(files=files).until_up("a-first")
    log = box.until_log("order first")
    assert log.index("order last") < log.index("order first")
    assert "early" not in log


def test_what_cannot_be_waited_for_is_named_and_not_waited_for_ever(lab: Lab) -> None:
    """V9."""
    files = service("web", FOR_EVER) | note("web", "depends", "nothing")
    box = lab.box(files=files, environment={"CONTAINER_READY_TIMEOUT": "1"}).until_up("web")
    assert "web" in box.until_log("starting them anyway")


def test_a_oneshot_has_ended_before_the_others_begin(lab: Lab) -> None:
    """K12."""
    files = service("zz", "sleep .3; echo step once") | note("zz", "oneshot")
    files |= service("web", f"echo step web; {FOR_EVER}")
    box = lab.box(files=files).until_up("web")
    log = box.until_log("step web")
    assert log.index("step once") < log.index("step web")
    assert log.count("step once") == 1


def test_a_oneshot_that_fails_ends_the_start(lab: Lab) -> None:
    """K12."""
    files = service("zz", "exit 6") | note("zz", "oneshot") | service("web", f"echo web ran; {FOR_EVER}")
    outcome = lab.outcome(files=files)
    assert outcome.code == 6
    assert "zz" in outcome.output
    assert "web ran" not in outcome.output


def test_a_file_names_the_user_of_a_service(lab: Lab) -> None:
    """U7."""
    files = service("web", f"echo $(id -un) in $HOME; {FOR_EVER}") | note("web", "user", "app")
    lab.box(files=files).until_log("app in /home/app")


def test_a_file_names_the_signal_that_stops_a_service(lab: Lab) -> None:
    """S6."""
    body = "trap 'echo web was told QUIT; exit 0' QUIT; echo web runs; while :; do sleep .05; done"
    box = lab.box(files=service("web", body) | note("web", "down-signal", "QUIT"))
    box.until_log("web runs")
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert "web was told QUIT" in outcome.output
    assert seconds < 4


def test_the_log_service_reads_what_its_service_says(lab: Lab) -> None:
    """V11."""
    files = service("web", f"echo one; echo two; {FOR_EVER}")
    files["/etc/service/web/log/run"] = script('while read -r line; do echo "logged $line" >>/srv/log; done')
    box = lab.box(files=files).until_up("web")
    assert eventually(lambda: box.has("/srv/log") and box.read("/srv/log") == b"logged one\nlogged two\n")
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert seconds < 4
    assert "one\n" not in outcome.output


@pytest.mark.parametrize("how", ["check", "notification-fd"])
def test_a_service_is_up_only_when_it_is_ready(lab: Lab, how: str) -> None:
    """G5."""
    files = service("web", f"while [ ! -e /srv/go ]; do sleep .05; done; touch /srv/ready; echo >&3; {FOR_EVER}")
    if how == "check":
        files["/etc/service/web/check"] = script("test -e /srv/ready")
        files["/etc/service/web/run"] = File(files["/etc/service/web/run"].text.replace("echo >&3; ", ""))
    else:
        files |= note("web", "notification-fd", "3")
    box = lab.box(files=files)
    assert eventually(lambda: box.run("container-svc", "status", "web").code == 0)
    assert box.run("container-svc", "wait", "web", "1").code == 1
    assert box.run("container-health").code == 1
    box.sh("touch /srv/go; container-svc wait web 5")
    assert box.run("container-health").code == 0


def test_the_command_waits_for_the_services_when_told_to(lab: Lab) -> None:
    """G6."""
    files = service("web", f"sleep .5; touch /srv/ready; {FOR_EVER}")
    files["/etc/service/web/check"] = script("test -e /srv/ready")
    command = ("sh", "-c", "test -e /srv/ready && echo in time")
    assert "in time" in lab.outcome(*command, files=files, environment={"CONTAINER_READY_TIMEOUT": "9"}).output
    files["/etc/service/web/check"] = script("exit 1")
    late = lab.outcome(*command, files=files, environment={"CONTAINER_READY_TIMEOUT": "1"})
    assert late.code == 1
    assert "web" in late.output
    assert "in time" not in late.output


def test_a_service_that_fails_at_once_is_not_started_all_the_time(lab: Lab) -> None:
    """V3."""
    begun = time.monotonic()
    box = lab.box(files=service("web", "echo web began; exit 1"))
    assert eventually(lambda: box.log().count("web began") >= 4)
    assert box.log().count("web began") <= time.monotonic() - begun + 2
