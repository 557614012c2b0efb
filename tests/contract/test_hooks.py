"""Rows K: start-up hooks and the flags that phusion's users know."""

from __future__ import annotations

import pytest

from tests.contract.harness import File, Lab, script, service


@pytest.mark.services
def test_hooks_run_before_services(lab: Lab) -> None:
    """K1."""
    files = {"/etc/my_init.d/10_write": script("echo written >/srv/value")} | service(
        "web", "echo web reads $(cat /srv/value); exec sleep 1000"
    )
    lab.box(files=files).until_log("web reads written")


def test_hooks_run_in_byte_order_whatever_the_locale(lab: Lab) -> None:
    """K2."""
    names = ["10_b", "2_a", "9_c", "A_z", "a_y", "_x", "20 spaced"]
    files = {f"/etc/my_init.d/{name}": script(f"echo 'hook {name}'") for name in names}
    output = lab.outcome("--quiet", "true", files=files, environment={"LC_ALL": "en_US.UTF-8"}).output
    ran = [line.removeprefix("hook ") for line in output.splitlines() if line.startswith("hook ")]
    assert ran == sorted(names)


def test_a_file_that_is_not_executable_is_skipped_with_a_warning(lab: Lab) -> None:
    """K3."""
    files = {"/etc/my_init.d/10_data": File("echo must not run\n", 0o644)}
    outcome = lab.outcome("true", files=files)
    assert outcome.code == 0
    assert "must not run" not in outcome.output
    assert "10_data" in outcome.output


@pytest.mark.services
def test_a_failing_hook_keeps_the_later_ones_and_the_services_from_starting(lab: Lab) -> None:
    """K4."""
    files = {"/etc/my_init.d/10_breaks": script("exit 3"), "/etc/my_init.d/20_later": script("echo later ran")}
    outcome = lab.outcome(files=files | service("web", "echo web ran; exec sleep 1000"))
    assert outcome.code == 3
    assert "later ran" not in outcome.output
    assert "web ran" not in outcome.output


def test_a_hook_may_be_any_program_and_is_not_sourced(lab: Lab) -> None:
    """K5."""
    files = {
        "/etc/my_init.d/10_perl": File("#!/usr/bin/perl\nprint qq(perl ran\\n);\n"),
        "/etc/my_init.d/20_exit": script("trap 'echo stolen' EXIT; trap - EXIT; exit 0"),
    }
    outcome = lab.outcome("echo", "command ran", files=files)
    assert outcome.code == 0
    assert outcome.output.index("perl ran") < outcome.output.index("command ran")


def test_rc_local_runs_after_the_other_hooks(lab: Lab) -> None:
    """K6."""
    files = {"/etc/rc.local": script("echo mark rc.local"), "/etc/my_init.d/zz_last": script("echo mark hook")}
    output = lab.outcome("true", files=files).output
    assert output.index("mark hook") < output.index("mark rc.local")


def test_skip_startup_files_skips_hooks(lab: Lab) -> None:
    """K8."""
    files = {"/etc/my_init.d/10_hook": script("echo hook ran"), "/etc/rc.local": script("echo local ran")}
    outcome = lab.outcome("--skip-startup-files", "--", "echo", "command ran", files=files)
    assert "command ran" in outcome.output
    assert "hook ran" not in outcome.output
    assert "local ran" not in outcome.output


@pytest.mark.services
def test_skip_runit_skips_services(lab: Lab) -> None:
    """K8."""
    command = ("--skip-runit", "sh", "-c", "sleep .5; echo command ran")
    outcome = lab.outcome(*command, files=service("web", "echo web ran; exec sleep 1000"))
    assert "command ran" in outcome.output
    assert "web ran" not in outcome.output


def test_quiet_leaves_only_what_others_say(lab: Lab) -> None:
    """K8."""
    files = {"/etc/my_init.d/10_hook": script("true")}
    assert lab.outcome("--quiet", "--skip-runit", "--", "echo", "hi", files=files).output == "hi\n"


@pytest.mark.services
def test_what_is_left_over_is_told_to_end_unless_the_flag_forbids(lab: Lab) -> None:
    """K8."""
    left = "trap 'echo left is clean; exit 0' TERM; echo left is up; while :; do sleep .02; done"
    command = f'setsid sh -c "{left}" & sleep .5'
    web = service("web", "exec sleep 1000")
    assert "left is clean" in lab.outcome("sh", "-c", command, files=web).output
    spared = lab.outcome("--no-kill-all-on-exit", "--", "sh", "-c", command, files=web).output
    assert "left is up" in spared
    assert "left is clean" not in spared


def test_the_insecure_key_is_let_in_only_where_the_image_carries_one(lab: Lab) -> None:
    """K8."""
    count = "grep -c insecure /root/.ssh/authorized_keys 2>/dev/null || true"
    key = {"/etc/insecure_key.pub": File("ssh-ed25519 AAAA insecure\n", 0o644)}
    flag = "--enable-insecure-key"
    assert "ignored" in lab.outcome(flag, "--", "true").output
    assert "\n1\n" in f"\n{lab.outcome(flag, '--', 'sh', '-c', count, files=key).output}"
    assert "1" not in lab.outcome("--quiet", "--skip-runit", "--", "sh", "-c", count, files=key).output
