"""What kind of failure a role met: the texts are those of ansible-core 2.19 and of Debian's tools in a target."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.play_events import PlayLog
from pipeline.play_failures import HINTS, cause


@pytest.mark.parametrize(
    ("kind", "message", "detail"),
    [
        ("removed", "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks instead.", ""),
        ("removed", "The 'community.general.docker_image_facts' module has been removed.", ""),
        ("removed", "couldn't resolve module/action 'acme.widgets.widget'. This often indicates a misspelling", ""),
        ("removed", 'Failed to find required executable "apt-key" in paths: /usr/bin', ""),
        ("role", "the role 'nowhere' was not found in /tmp/x/project/roles", ""),
        ("secret", "Attempting to decrypt but no vault secrets found.", ""),
        (
            "library",
            "Failed to import the required Python library (ldap) on web's Python /dev/baseimage/bin/python3.",
            "",
        ),
        ("variable", "Error while resolving value for 'content': 'nobody_has_set_this' is undefined", ""),
        ("busy", "apt-get failed", "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 0"),
        ("unreachable", "Request failed: <urlopen error [Errno 111] Connection refused>", ""),
        ("unreachable", "EOF on stream; ssh: Could not resolve hostname db.invalid: Name or service not known", ""),
        ("unreachable", "non-zero return code", "curl: (6) Could not resolve host: db.invalid"),
        ("unreachable", "Status code was: 503 and not [200]: HTTP Error 503: Service Unavailable", ""),
        ("privilege", "Error mounting /srv/mounted: mount: /srv/mounted: permission denied. dmesg(1) may", ""),
        ("privilege", 'setting vm.swappiness failed: sysctl: permission denied on key "vm.swappiness"', ""),
        (
            "privilege",
            "non-zero return code",
            "sh: 1: cannot create /proc/sys/net/ipv4/ip_forward: Read-only file system",
        ),
        ("privilege", "modprobe: FATAL: Module dummy not found in directory /lib/modules/6.1", ""),
        (
            "privilege",
            "iptables v1.8.11: Could not fetch rule set generation id: Permission denied (you must be root)",
            "",
        ),
        ("command", "non-zero return code", "no more paper"),
        ("command", "non-zero return code", "cat: /etc/shadow: Permission denied"),
    ],
)
def test_failures_are_told_apart(kind: str, message: str, detail: str) -> None:
    found = cause(message, detail, rc=1)
    assert (found.kind, bool(found.hint)) == (kind, True)


def test_what_ansible_cannot_reach_is_out_of_reach_whatever_it_says() -> None:
    assert cause("Operation not permitted", unreachable=True).kind == "unreachable"


def test_a_module_without_an_exit_code_is_no_command() -> None:
    assert cause("Path /etc/nowhere does not exist !").kind == "module"


def test_a_build_secret_that_the_recipe_does_not_list_is_told_where_to_list_it() -> None:
    assert "build_secrets of the role" in cause("Error while resolving value: 'build_secrets' is undefined").hint
    assert cause("'other' is undefined").hint == HINTS["variable"]


def test_apt_key_gets_the_name_of_what_stands_in_its_place() -> None:
    assert "deb822_repository" in cause('Failed to find required executable "apt-key"').hint
    assert cause("The 'include' action plugin has been removed.").hint == HINTS["removed"]


@pytest.fixture
def log() -> PlayLog:
    return PlayLog("shop/web/provision", "web", {"web": "roles/web"})


def event(**result: Any) -> dict[str, Any]:
    place = "/runner/project/roles/web/tasks/main.yml:28"
    return {"event": "runner_on_failed", "event_data": {"task": "Do", "role": "web", "task_path": place, "res": result}}


def test_the_error_carries_kind_and_hint(log: PlayLog) -> None:
    log.translate(event(msg="non-zero return code", rc=32, stderr="mount: /mnt: permission denied."))
    assert log.failure is not None
    assert (log.failure.kind, log.failure.hint) == ("privilege", HINTS["privilege"])


def test_what_hides_its_result_is_not_guessed_at(log: PlayLog) -> None:
    log.translate(event(censored="hidden", msg="mount: /mnt: permission denied."))
    assert log.failure is not None
    assert log.failure.kind == "module"


def test_an_error_before_any_task_is_told_with_its_place(log: PlayLog) -> None:
    text = (
        "\x1b[0;31m[ERROR]: couldn't resolve module/action 'acme.widgets.widget'. This often indicates a misspelling, "
        "missing collection, or incorrect module path.\r\nOrigin: /tmp/x1/project/roles/web/tasks/a.yml:2:3\r\n\r\n"
        "1 ---\r\n2 - name: Use it.\r\n    ^ column 3\x1b[0m"
    )
    log.translate({"event": "error", "stdout": text})
    assert log.failure is not None
    assert (log.failure.kind, log.failure.place) == ("removed", "roles/web/tasks/a.yml:2")
    assert log.failure.message.startswith("role web: couldn't resolve module/action 'acme.widgets.widget'")


def test_an_error_of_no_role_has_no_place_and_is_no_failure_of_a_task(log: PlayLog) -> None:
    log.translate({"event": "error", "stdout": "[ERROR]: oh\nOrigin: /tmp/x1/project/play.yml:2:3\n"})
    assert log.failure is None
