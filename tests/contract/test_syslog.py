"""Rows Y: syslog comes first, goes last, and speaks through the container's log."""

from __future__ import annotations

import pytest

from tests.contract.harness import Box, Lab, eventually, service


@pytest.fixture(autouse=True)
def needs_syslog(lab: Lab) -> None:
    """Only for images with a syslog."""
    if not lab.cell.syslog:
        pytest.skip("the image has no syslog")


@pytest.fixture
def needs_syslog_ng(lab: Lab) -> None:
    """Only for images with this one."""
    if lab.cell.syslog != "syslog-ng":
        pytest.skip("the image has another syslog than syslog-ng")


@pytest.mark.services
def test_the_first_message_of_a_service_is_not_lost(lab: Lab) -> None:
    """Y1."""
    lab.box(files=service("web", "logger first words; exec sleep 1000")).until_log("first words")


@pytest.mark.services
def test_syslog_is_supervised(lab: Lab) -> None:
    """Y2."""
    name = lab.cell.syslog
    box = lab.box().until_up(name)
    before = box.pid_of(name)
    box.sh(f"rm -f /dev/log; kill -9 {before}")
    assert eventually(lambda: box.pid_of(name) not in {before, "-"}, 3)
    box.sh(f"container-svc wait {name} 3; logger after the crash")
    box.until_log("after the crash")


@pytest.mark.usefixtures("needs_syslog_ng")
def test_syslog_complains_neither_about_the_kernel_nor_about_capabilities(plain: Box) -> None:
    """Y3."""
    plain.until_up("syslog-ng")
    log = plain.log()
    assert "Error" not in log
    assert "Operation not permitted" not in log


@pytest.mark.usefixtures("needs_syslog_ng")
def test_the_config_is_that_of_the_installed_version(plain: Box) -> None:
    """Y4."""
    outcome = plain.run("syslog-ng", "--no-caps", "--syntax-only")
    assert (outcome.code, outcome.output) == (0, "")


@pytest.mark.parametrize("tty", [False, True], ids=["pipe", "terminal"])
def test_messages_reach_the_log_of_the_container(lab: Lab, tty: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """Y5."""
    box = lab.box(tty=tty).until_up(lab.cell.syslog)
    box.sh("logger -t probe hello there")
    box.until_log("probe: hello there")


def test_a_stop_loses_no_message(lab: Lab) -> None:
    """Y6."""
    box: Box = lab.box().until_up(lab.cell.syslog)
    box.sh("seq 1000 | sed 's/^/message number /;s/$/ end/' | logger")
    seconds, outcome = box.stop()
    assert outcome.output.count("message number") == 1000
    assert seconds < 3
