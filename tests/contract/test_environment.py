"""Rows E: who sees which variable."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tests.contract.conftest import AWKWARD
from tests.contract.harness import Box, File, Lab, eventually, script, service

SHOW = 'printf "%s\\n" "$GREETING"'


@pytest.mark.services
def test_a_variable_of_docker_run_reaches_hook_service_command_and_tools(lab: Lab) -> None:
    """E1."""
    files = {"/etc/my_init.d/10_hook": script(f"{SHOW} >/srv/hook")}
    files |= service("web", f"{SHOW} >/srv/web; exec sleep 1000")
    box = lab.box("sh", "-c", f"{SHOW} >/srv/command; sleep 60", files=files, environment={"GREETING": AWKWARD})
    for place in ("hook", "web", "command"):
        assert eventually(partial(box.has, f"/srv/{place}"))
        assert box.read(f"/srv/{place}").decode() == f"{AWKWARD}\n"
    assert box.sh(f"env -i /usr/local/bin/container-env sh -c '{SHOW}'") == AWKWARD
    assert json.loads(box.read("/run/container/environment.json"))["GREETING"] == AWKWARD


def test_docker_run_wins_over_a_file_and_a_hook_wins_over_both(lab: Lab) -> None:
    """E2."""
    files = {
        "/etc/container_environment/BOTH": File("file\n", 0o644),
        "/etc/container_environment/ONLY": File("only file\n", 0o644),
        "/etc/container_environment/HOOKED": File("file\n", 0o644),
        "/etc/my_init.d/10_hook": script("echo hook >/etc/container_environment/HOOKED"),
    }
    box = lab.make(
        "--skip-runit",
        "sh",
        "-c",
        "echo $BOTH, $ONLY, $HOOKED.",
        files=files,
        environment={"BOTH": "docker", "HOOKED": "docker"},
    )
    for starts in (1, 2):
        assert box.start().wait().output.count("docker, only file, hook.") == starts


@pytest.mark.services
def test_what_the_container_was_given_is_not_left_in_a_layer(lab: Lab) -> None:
    """E2."""
    box = lab.box(environment={"PASSWORD": "not for a layer"}, files=service("web", "exec sleep 1000"))
    box.until_up("web")
    look = "find / -xdev -path /proc -prune -o -path /sys -prune -o -type f -newer /run/container/started -print0"
    found = box.sh(f"{look} | xargs -0 -r grep -lF 'not for a layer' || true").splitlines()
    assert [path for path in found if not path.startswith("/run/")] == []
    assert found  # it was looked for where it is


@pytest.mark.services
def test_a_service_of_the_user_has_the_home_of_the_user(lab: Lab) -> None:
    """E3."""
    body = "exec setuser app sh -c 'echo $HOME:$USER:$LOGNAME >/home/app/who; exec sleep 1000'"
    box = lab.box(files=service("web", body))
    assert eventually(lambda: box.has("/home/app/who"))
    assert box.read("/home/app/who") == b"/home/app:app:app\n"


def test_the_dump_can_be_read_by_its_group_only(plain: Box) -> None:
    """E4."""
    assert plain.run("cat", "/run/container/environment.sh", user="nobody").code != 0
    assert plain.run("setuser", "app", "cat", "/run/container/environment.sh").code == 0


def test_odd_names_and_values_do_no_harm(lab: Lab) -> None:
    """E5."""
    files = {"/etc/container_environment/bad-name": File("x\n", 0o644)}
    environment = {"a/b": "1", "LINES": "one\ntwo", "LONG": "x" * 100_000, "status": "kept", "QUOTE": "'"}
    command = 'echo "$LINES"; echo ${#LONG} $status "$QUOTE"'
    outcome = lab.outcome("sh", "-c", command, files=files, environment=environment)
    assert outcome.code == 0
    assert "one\ntwo\n100000 kept '\n" in outcome.output
    # The /init of s6-overlay is a shell too: it has dropped the name before we could speak of it.
    assert ("a/b" in outcome.output) == (lab.cell.init != "s6-overlay")
    assert "bad-name" in outcome.output


def test_a_value_that_is_not_text_passes_through(lab: Lab) -> None:
    """E5."""
    files = {"/etc/container_environment/BYTES": File("\udcff\udcfe\n", 0o644)}
    box = lab.box("sh", "-c", 'printf %s "$BYTES" >/srv/bytes; sleep 60', files=files)
    assert eventually(lambda: box.has("/srv/bytes") and box.read("/srv/bytes") == b"\xff\xfe")


def test_a_secret_is_read_from_the_file_that_its_variable_names(lab: Lab) -> None:
    """E6."""
    secret = {"/run/secrets/token": File("s3cret\n", 0o600)}
    named = {"TOKEN_FILE": "/run/secrets/token"}
    assert "got s3cret" in lab.outcome("sh", "-c", "echo got $TOKEN", files=secret, environment=named).output
    both = lab.outcome("true", files=secret, environment=named | {"TOKEN": "x"})
    missing = lab.outcome("true", environment=named)
    assert (both.code, missing.code) == (1, 1)
    assert "TOKEN" in both.output
    assert "/run/secrets/token" in missing.output


def test_a_secret_elsewhere_is_read_where_it_is_listed(lab: Lab) -> None:
    """E6."""
    secret = {"/opt/token": File("s3cret\n", 0o600)}
    environment = {"TOKEN_FILE": "/opt/token", "OTHER_FILE": "/nowhere", "CONTAINER_SECRETS": "TOKEN"}
    assert "got s3cret" in lab.outcome("sh", "-c", "echo got $TOKEN", files=secret, environment=environment).output


@pytest.mark.services
def test_services_see_what_hooks_have_changed(lab: Lab) -> None:
    """K7 and E11."""
    files = {"/etc/my_init.d/10_hook": script("echo 'from a hook' >/etc/container_environment/FROM")}
    files |= service("web", "echo service: $FROM with $(umask); exec sleep 1000")
    lab.box(files=files, environment={"UMASK": "027"}).until_log("service: from a hook with 0027")


@pytest.mark.services
def test_path_is_the_same_everywhere(lab: Lab) -> None:
    """E8."""
    box = lab.box(
        "sh", "-c", "echo $PATH >/srv/command; sleep 60", files=service("web", "echo $PATH >/srv/web; exec sleep 9")
    )
    assert eventually(lambda: box.has("/srv/web") and box.has("/srv/command"))
    paths = {box.read("/srv/web"), box.read("/srv/command"), box.sh("echo $PATH").encode() + b"\n"}
    assert len(paths) == 1
    assert b"/usr/local/bin" in paths.pop()


def test_the_umask_can_be_set(lab: Lab) -> None:
    """E11."""
    command = "touch /srv/file; stat -c mode=%a /srv/file"
    assert "mode=664" in lab.outcome("sh", "-c", command, environment={"UMASK": "002"}).output
    refused = lab.outcome("true", environment={"UMASK": "9"})
    assert refused.code == 1
    assert "UMASK" in refused.output
