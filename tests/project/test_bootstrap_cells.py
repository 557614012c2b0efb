"""The bootstrap role's refusals, each a sentence in one of its first tasks; and that a second run changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.project.harness import ROOT, Project

BASE = {"bootstrap": "trixie"}
BARE = {"option_container_cron": False, "option_container_sshd": False, "option_container_syslog_ng": False}
PHUSIONS_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDVmzBG5v7cO9IScGLIzlhGlHNFhXzy87VfaPzru7qnIIdQ1e9FEKvtqEws8hVixnCUdviwX5lv"
    "cMk4Ef4Tbrmj3dyF0zFtYbjiTSyl/XQlF68DQlc2sTAdHy96wJHvh7ky511tKJzzyWwSqeef4WjeVK28TqcGnq1up0S7saFO0dJh6OfDAg2cDmhyweR3"
    "VgT0vZJyrDV7hte95MBCdK+Gp7fdCyEZcWm3S1DBFaeBqHzzt/Y/njAVKbYL9TIVPum8iMg0rMiLi9ShfP+dT5Xud5Oa3dcN2OWhiDfJw5pfhFJWd44c"
    "J/uGRwQpvNs/PNKsYABhgLlTMUH4iawhu1Xb somebody@somewhere"
)
NO_SUCH_SUM = [{"archive": "file:///etc/hostname", "sha256": "0" * 64}]


def build(project: Project, *roles: dict[str, Any]) -> Any:
    """A build with the shipped role, played with each of the parameters in turn."""
    project.recipe(base=BASE, roles=[{"role": "bootstrap", **parameters} for parameters in roles])
    return project.build("--roles-path", str(ROOT / "roles"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"container_init": "upstart"}, "container_init may be catatonit-init, dumb-init"),
        ({"container_svc": "systemd"}, "container_svc may be none, runit, s6, supervisord"),
        ({"container_init": "runit-init", "container_svc": "s6"}, "runit-init only with runit"),
        ({"container_syslog": "klogd"}, "busybox, rsyslog, socklog, syslog-ng"),
        ({"container_svc": "none"}, "nothing runs services"),
        ({"container_init": "s6-overlay"}, "name its archives in container_s6_overlay"),
        ({"container_init": "s6-overlay", "container_s6_overlay": NO_SUCH_SUM, **BARE}, "checksum"),
        ({"container_ssh_public_key": PHUSIONS_KEY}, "is published"),
    ],
    ids=["init", "layer", "pair", "syslog", "options without a layer", "no archive", "wrong sum", "known key"],
)
def test_what_cannot_be_is_refused_with_a_sentence(project: Project, parameters: dict[str, Any], said: str) -> None:
    outcome = build(project, parameters)
    assert outcome.code == 1
    assert said in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("svc", ["runit", "supervisord", "s6"])
def test_the_second_run_of_the_role_changes_nothing(project: Project, svc: str) -> None:
    cell = {"container_svc": svc, "container_cron_jobs": [{"name": "job", "schedule": "@daily", "command": "date +%s"}]}
    outcome = build(project, cell, {**cell, "container_home": "/home/app"}).well()
    changed = [event for event in outcome.all("task_finished", status="changed") if event["step"] == again(outcome)]
    assert changed == []


def again(outcome: Any) -> Any:
    """The step of the role's second run."""
    return outcome.all("step_started", stage="provision")[1]["step"]
