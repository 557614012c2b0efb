"""Rows C: jobs run, know the container's variables and are heard."""

from __future__ import annotations

import pytest

from tests.contract.conftest import AWKWARD
from tests.contract.harness import Box, Lab, eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def worked(cron_box: Box | None) -> Box:
    """The container with the jobs, once the minute has come."""
    if cron_box is None:
        pytest.skip("the image has no cron")
    assert eventually(lambda: cron_box.has("/srv/root-job") and cron_box.has("/home/app/job"), 70), cron_box.log()
    return cron_box


def test_a_job_runs_within_its_minute(worked: Box) -> None:
    """C1."""
    assert worked.has("/srv/root-job")


def test_a_job_sees_the_environment_of_the_container(worked: Box) -> None:
    """C2 and E1."""
    assert worked.read("/srv/root-job").decode() == AWKWARD


def test_what_a_job_says_is_in_the_log_of_the_container(worked: Box) -> None:
    """C3."""
    worked.until_log("root job speaks", 2)
    worked.until_log("app job speaks", 2)


def test_jobs_of_root_and_of_the_user_run_without_the_right_to_set_an_audit_id(worked: Box) -> None:
    """C4."""
    assert worked.read("/home/app/job") == b"app\n"


def test_a_job_of_the_image_does_not_run_twice_at_once(lab: Lab) -> None:
    """C8."""
    box = lab.box()
    line = box.sh(r"sed -n 's/^[^#]*\(flock .*\)/\1/p' /etc/cron.d/slow 2>/dev/null || true")
    if not line:
        pytest.skip("the image has no job of its own")
    script = line.replace("\\%", "%").replace("sleep 90", "sleep 1")
    box.sh(f"{script.strip()} & {script.strip()}; wait")
    assert box.read("/srv/slow") == b"began\n"
