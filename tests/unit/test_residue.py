"""What may not be in a layer."""

from __future__ import annotations

import pytest

from pipeline.residue import left_behind, residue


@pytest.mark.parametrize(
    "change",
    [
        "A /tmp/x",
        "A /var/tmp/ansible.abc/x",
        "A /run/nginx.pid",
        "A /dev/baseimage/bin",
        "A /root/.ansible",
        "A /root/.ansible/tmp",
        "A /root/.ansible_async/123.4",
        "A /home/web/.ansible/tmp/x",
        "C /home/web/.ansible/tmp/x",
        "A /opt/ansible-tmp-1234.5-6",
        "A /opt/AnsiballZ_apt.py",
        "A /opt/ansible_apt_payload_abc/x.zip",
        "A /root/.cache",
        "A /var/lib/apt/lists/deb.example_dists_trixie_InRelease",
        "A /var/cache/apt/pkgcache.bin",
        "A /var/cache/apt/archives/nginx.deb",
        "A /var/log/dpkg.log",
        "A /var/log/apt/history.log",
        "A /var/lib/dpkg/status-old",
        "A /var/cache/debconf/config.dat-old",
        "A /var/cache/ldconfig/aux-cache",
    ],
)
def test_a_trace_of_the_build_is_found(change: str) -> None:
    assert residue(["C /etc", change, "A /etc/nginx.conf"]) == (change,)


@pytest.mark.parametrize(
    "change",
    [
        "D /tmp/x",
        "D /root/.ansible",
        "C /tmp",
        "C /run/lock",
        "C /run",
        "A /etc/ansible.cfg",
        "A /usr/bin/ansible",
        "A /tmpfiles",
        "A /runit",
        "A /var/cache/nginx/proxy",
        "C /var/log/dpkg.log",
        "A /var/cache/apt/archives/partial",
        "A /var/lib/apt/lists/partial",
        "A /var/lib/apt/lists/auxfiles",
        "A /etc/with space/a b",
    ],
)
def test_what_a_role_is_for_stays(change: str) -> None:
    assert residue([change]) == ()


def test_a_pattern_of_the_recipe_allows_its_paths_and_no_others() -> None:
    changes = ["A /run/app", "A /run/app/socket", "A /run/other"]
    assert residue(changes, ["/run/app", "/run/app/*"]) == ("A /run/other",)
    assert residue(changes, iter(["/run/*"])) == ()


def test_what_a_settled_target_still_has_counts_as_added() -> None:
    said = ("ended: nginx", 'left: "/run/two\\nlines"', 'service: {"name": "x"}', 'left: "/tmp/\\udcff"')
    assert left_behind(said) == ("A /run/two\nlines", "A /tmp/\ufffd")
    assert residue(left_behind(said)) == left_behind(said)
