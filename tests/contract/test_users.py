"""Rows U: the application's user and who it may be."""

from __future__ import annotations

import pytest

from tests.contract.harness import Box, File, Lab, eventually, service, side_by_side


def test_the_user_has_fixed_ids_and_no_login(plain: Box) -> None:
    """U1."""
    fields = plain.sh("getent passwd app").split(":")
    assert fields[2:4] == ["1000", "1000"]
    assert fields[6].endswith("nologin")
    assert not {"sudo", "root", "adm"} & set(plain.sh("id -Gn app").split())


@pytest.mark.services
@pytest.mark.parametrize(("uid_name", "gid_name"), [("PUID", "PGID"), ("USER_ID", "GROUP_ID")])
def test_the_user_takes_the_ids_that_the_container_is_given(lab: Lab, uid_name: str, gid_name: str) -> None:
    """U2."""
    volume = lab.volume()
    body = "chmod 777 /data; exec setuser app sh -c 'touch /data/mine $HOME/mine; exec sleep 1000'"
    box = lab.box(
        files=service("web", body),
        environment={uid_name: "12345", gid_name: "23456"},
        volumes={volume: {"bind": "/data", "mode": "rw"}},
    )
    assert eventually(lambda: box.has("/home/app/mine"))
    assert box.sh("stat -c %u:%g /data/mine /home/app /home/app/mine").split() == ["12345:23456"] * 3
    assert box.sh("id -un 12345") == "app"


def test_ids_that_are_no_ids_are_refused(lab: Lab) -> None:
    """U3."""
    values = ["abc", "-1", "0", "2147483648", "99999999999999999999", "1 2"]
    for outcome in side_by_side(lambda value: lab.outcome("true", environment={"PUID": value}), values):
        assert outcome.code == 1
        assert "PUID" in outcome.output


def test_an_id_that_another_account_has_is_given_to_the_user_too(lab: Lab) -> None:
    """U4."""
    environment = {"PUID": "33", "PGID": "33"}
    outcome = lab.outcome("--quiet", "--skip-runit", "setuser", "app", "id", "-un", environment=environment)
    assert (outcome.code, outcome.output) == (0, "app\n")


def test_files_of_others_in_a_volume_stay_theirs(lab: Lab) -> None:
    """U5."""
    volume = lab.volume()
    mounts = {volume: {"bind": "/data", "mode": "rw"}}
    make = "cd /data && seq 5000 | xargs touch && chown 4321:4321 1 2 3"
    assert lab.outcome("--skip-runit", "sh", "-c", make, volumes=mounts).code == 0
    look = "stat -c %u 1 2 3 4 /data"
    outcome = lab.outcome(
        "--quiet", "--skip-runit", "sh", "-c", f"cd /data && {look}", volumes=mounts, environment={"PUID": "12345"}
    )
    assert outcome.output.split() == ["4321", "4321", "4321", "0", "0"]


def test_the_ids_may_change_at_a_restart_of_the_same_container(lab: Lab) -> None:
    """U6."""
    box = lab.make("--skip-runit", "sh", "-c", "id app; grep -c ^app: /etc/passwd", environment={"PUID": "12345"})
    for _ in range(2):
        output = box.start().wait().output
        assert output.splitlines()[-2].startswith("uid=12345(app)")
        assert output.splitlines()[-1] == "1"


def test_a_change_of_user_sets_home_names_and_groups(plain: Box) -> None:
    """U7."""
    shown = plain.sh("setuser app sh -c 'echo $HOME $USER $LOGNAME $(id -u) $(id -g); id -Gn'").splitlines()
    assert shown[0] == "/home/app app app 1000 1000"
    assert "docker_env" in shown[1].split()
    assert plain.sh("setuser 4242:4343 sh -c 'echo $(id -u) $(id -g) $(id -G)'") == "4242 4343 4343"
    assert plain.run("setuser", "nobody-at-all", "true").code == 1


@pytest.mark.services
def test_the_user_may_write_to_the_output_of_its_service(lab: Lab) -> None:
    """L5."""
    body = "exec setuser app sh -c 'echo reopened >/dev/stdout; exec sleep 1000'"
    lab.box(files=service("web", body)).until_log("reopened")


def test_no_setuid_program_was_added(plain: Box) -> None:
    """U8."""
    known = {"chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "umount", "chage", "expiry", "unix_chkpwd"}
    known |= {"crontab", "ssh-agent", "ssh-keysign", "wall", "write", "bsd-write", "dbus-daemon-launch-helper", "sg"}
    found = plain.sh("find / -xdev -type f -perm /6000 2>/dev/null").split()
    assert {path.rsplit("/", 1)[1] for path in found} <= known


@pytest.mark.services
def test_it_works_without_new_privileges(lab: Lab) -> None:
    """U9."""
    files = service("web", "exec setuser app sh -c 'id -un; exec sleep 1000'")
    files["/etc/my_init.d/10_hook"] = File("#!/bin/sh\necho hook ran\n")
    box = lab.box(files=files, security_opt=["no-new-privileges"]).until_up("web")
    box.until_log("\napp\n")
    _, outcome = box.stop()
    assert outcome.code == 0
