"""Rows O, N and Z: read-only roots, unprivileged users, and nothing left behind by the build."""

from __future__ import annotations

import re

import pytest

from tests.contract.harness import File, Lab, eventually, obedient, service

LEFT_BEHIND = re.compile(
    r"""
    var/lib/apt/lists/.+_(Packages|Release|InRelease)
    | var/cache/apt/(.*\.bin|archives/.*\.deb) | var/cache/debconf/.*-old | var/lib/dpkg/[a-z]+-old
    | var/log/(dpkg\.log|apt/.+|alternatives\.log|bootstrap\.log) | (tmp|var/tmp)/.+ | .*\.pyc
    | root/\.ansible.* | .*/ansible[-_].* | dev/baseimage.* | usr/bin/python3.* | .*\.(deb|dpkg-new|dpkg-old)
    """,
    re.VERBOSE,
)
PYTHON = re.compile(r"usr/bin/python3.*|usr/lib/python3.*\.pyc")
"""What belongs to supervisord, and only there."""


@pytest.mark.services
def test_it_runs_on_a_read_only_root(lab: Lab) -> None:
    """O1."""
    tmpfs = {"/run": "", "/tmp": ""}  # noqa: S108 - the container's own
    volume = lab.volume()
    lab.make(files=obedient("good"), volumes={volume: {"bind": "/etc/service/good", "mode": "rw"}})
    box = lab.box(read_only=True, tmpfs=tmpfs, volumes={volume: {"bind": "/etc/service/good", "mode": "ro"}})
    box.until_log("good runs")
    assert eventually(lambda: box.run("container-health").code == 0)
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert "good is clean" in outcome.output
    assert seconds < 4


@pytest.mark.services
@pytest.mark.parametrize(
    ("user", "tmpfs"),
    [
        ("1000", {}),
        ("1000", {"/run": "uid=0,mode=755"}),
        ("12345:0", {}),
        ("12345:0", {"/run": "uid=0,mode=755"}),
    ],
    ids=["known user", "known user, closed /run", "arbitrary user", "arbitrary user, closed /run"],
)
def test_it_runs_as_any_user(lab: Lab, user: str, tmpfs: dict[str, str]) -> None:
    """N1, N2, N4, N5."""
    body = 'touch "$HOME/writable" && echo home is writable; exec sleep 1000'
    box = lab.box(files=obedient("good") | service("web", body), user=user, tmpfs=tmpfs)
    box.until_log("good runs")
    box.until_log("home is writable")
    assert box.run("container-svc", "status", "good").code == 0
    assert eventually(lambda: box.run("container-health").code == 0)
    seconds, outcome = box.stop()
    assert outcome.code == 0
    assert "good is clean" in outcome.output
    assert outcome.output.count("need root") == (1 if lab.cell.options else 0)
    assert seconds < 3


def test_a_hook_may_change_the_environment_without_rights_to_etc(lab: Lab) -> None:
    """N2."""
    files = {
        "/etc/my_init.d/10_hook": File(
            "#!/bin/sh\nfor d in /run /tmp/.container; do\n"
            "[ ! -w $d/container/environment ] || echo hook >$d/container/environment/FROM\ndone\n"
        )
    }
    assert "from hook" in lab.outcome("sh", "-c", "echo from $FROM", files=files, user="12345:0").output


def test_nothing_of_the_build_is_left_in_the_image(lab: Lab) -> None:
    """Z3."""
    with lab.make().content() as tar:
        left = [member.name for member in tar if not member.isdir() and LEFT_BEHIND.fullmatch(member.name)]
    if lab.cell.svc == "supervisord":
        left = [name for name in left if not PYTHON.fullmatch(name)]
    assert left == []
