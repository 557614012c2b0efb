"""What tasks fetch that no key covers."""

from __future__ import annotations

import pytest

from pipeline.unpinned import unpinned

COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("ansible.builtin.apt: {name: x, state: latest}", "apt: state: latest"),
        ("pip: {name: x, state: latest}", "pip: state: latest"),
        ("apt: {upgrade: dist}", "apt: upgrade: dist"),
        ("community.general.apk: {upgrade: true}", "apk: upgrade: True"),
        ("shell: apt-get -qq update && apt-get -y upgrade", "shell: apt-get -qq update"),
        ("command: {cmd: apk upgrade}", "command: apk upgrade"),
        ("command: {argv: [apt, update]}", "command: apt update"),
        ("get_url: {url: https://x, dest: /x}", "get_url without a checksum"),
        ("ansible.builtin.git: {repo: x, dest: /x}", "git without a commit"),
        ("git: {repo: x, dest: /x, version: main}", "git without a commit"),
    ],
)
def test_what_may_be_another_thing_tomorrow_is_named_with_its_line(task: str, what: str) -> None:
    (found,) = unpinned(f"- name: a\n- name: b\n  {task}\n", "tasks/main.yml")
    assert str(found) == f"tasks/main.yml:3: {what}"


@pytest.mark.parametrize(
    "task",
    [
        "apt: {name: x, state: present, update_cache: true, upgrade: 'no'}",
        "apt: {upgrade: false}",
        "apt: {name: x, state: '{{ state }}'}",
        "get_url: {url: https://x, dest: /x, checksum: 'sha256:1'}",
        f"git: {{repo: x, dest: /x, version: {COMMIT}}}",
        "git: {repo: x, dest: /x, version: '{{ app_version }}'}",
        "command: apt-mark hold x",
        "debug: {msg: latest}",
        "set_fact: {state: latest_one}",
    ],
)
def test_what_is_pinned_or_not_known_is_not(task: str) -> None:
    assert unpinned(f"- {task}\n", "a.yml") == ()


def test_tasks_in_blocks_are_looked_at() -> None:
    text = "- block:\n    - git: {repo: x}\n  rescue:\n    - block:\n        - get_url: {url: x}\n"
    assert [each.line for each in unpinned(text, "a.yml")] == [2, 5]


@pytest.mark.parametrize("text", ["", "a: 1", "- a\n- 5\n", "- {", "- !vault x", "[[]]"])
def test_what_is_no_list_of_tasks_says_nothing(text: str) -> None:
    assert unpinned(text, "a.yml") == ()
