"""Rows D: sshd is there, off, and keyed to this one container."""

from __future__ import annotations

import pytest

from tests.contract.conftest import AWKWARD
from tests.contract.harness import Box, Lab, eventually

LOGIN = "ssh -p $(sshd -T | sed -n 's/^port //p') -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q"


@pytest.fixture(autouse=True)
def needs_sshd(lab: Lab) -> None:
    """Only for images with sshd."""
    if "sshd" not in lab.cell.options:
        pytest.skip("the image has no sshd")


def host_keys(box: Box) -> str:
    """What identifies a container to its visitors."""
    # Right after a start its services are not all known yet.
    assert eventually(lambda: box.run("container-svc", "start", "sshd").code == 0)
    return box.sh("cat /etc/ssh/ssh_host_ed25519_key.pub")


@pytest.mark.services
def test_sshd_does_not_run_unless_asked_for(plain: Box) -> None:
    """D1."""
    assert plain.run("container-svc", "status", "sshd").output.split()[1] == "down"
    assert plain.run("pgrep", "-x", "sshd").code != 0


@pytest.mark.services
def test_sshd_can_be_started_at_run_time(sshd_box: Box) -> None:
    """D2."""
    assert sshd_box.run("container-svc", "status", "sshd").code == 0
    port = sshd_box.sh("sshd -T | sed -n 's/^port //p'")
    answer = f"exec 3<>/dev/tcp/127.0.0.1/{port}; head -n 1 <&3"
    assert eventually(lambda: sshd_box.run("bash", "-c", answer).output.startswith("SSH-2.0"), 5)


@pytest.mark.services
def test_host_keys_are_made_by_each_container_for_itself(lab: Lab, sshd_box: Box) -> None:
    """D3."""
    box = lab.box(*(), environment={})
    assert eventually(lambda: box.run("container-svc", "status", "sshd").code == 3)
    mine = host_keys(box)
    assert mine != host_keys(sshd_box)
    box.stop()
    box.start()
    assert eventually(lambda: box.run("container-svc", "status", "sshd").code == 3)
    assert host_keys(box) == mine


@pytest.mark.services
def test_a_known_key_gets_in_and_a_password_does_not(sshd_box: Box) -> None:
    """D4."""
    assert eventually(lambda: sshd_box.run("sh", "-c", f"{LOGIN} -i /tmp/key 127.0.0.1 true").code == 0, 5), (
        sshd_box.log()
    )
    refused = f"{LOGIN} -o PubkeyAuthentication=no -o BatchMode=no -o NumberOfPasswordPrompts=0 127.0.0.1 true"
    assert sshd_box.run("sh", "-c", refused).code == 255
    settings = sshd_box.sh("sshd -T").splitlines()
    assert "passwordauthentication no" in settings
    assert "permitrootlogin without-password" in settings or "permitrootlogin prohibit-password" in settings


@pytest.mark.services
def test_a_session_sees_the_environment_of_the_container(sshd_box: Box) -> None:
    """D7 and E1."""
    show = 'printf %s \\"\\$GREETING\\"'
    sshd_box.sh(f"until {LOGIN} -i /tmp/key 127.0.0.1 true; do sleep .1; done")
    assert sshd_box.sh(f'{LOGIN} -i /tmp/key 127.0.0.1 "{show}"') == AWKWARD


def test_no_private_key_is_in_the_image(lab: Lab) -> None:
    """D5."""
    with lab.make().content() as tar:
        for member in tar:
            assert not member.name.startswith("etc/ssh/ssh_host_"), member.name
            assert not member.name.endswith(("insecure_key", "authorized_keys")), member.name
            if (
                member.isfile()
                and member.size < 20_000
                and not member.name.startswith(("usr/lib", "usr/bin", "usr/sbin"))
            ):
                file = tar.extractfile(member)
                assert file is not None
                assert b"PRIVATE KEY-----" not in file.read(), member.name
