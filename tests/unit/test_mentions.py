"""Which of a service's variables count as inputs of a role."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.mentions import Words, all_of, visible, words_of

VARIABLES: dict[str, Any] = {"port": 80, "host": "{{ name }}.local", "name": "shop", "other": 1}


def seen(text: str, path: str = "tasks/main.yml", parameters: dict[str, Any] | None = None) -> set[str]:
    return set(visible(VARIABLES, parameters or {}, words_of(text.encode(), path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", set()),
        ("listen {{ port }};", {"port"}),
        ("listen {{ports}} {{ port_of }} {{ item.import }}", set()),
        ("{{ item.port }}", {"port"}),
        ("# the port, some day", {"port"}),
        ("when: port is defined", {"port"}),
        ("{{ host }}", {"host", "name"}),
        ("- debug: {var: other}", {"other"}),
    ],
)
def test_a_variable_counts_where_its_name_stands_and_where_another_ones_value_leads(
    text: str, expected: set[str]
) -> None:
    assert seen(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ vars['po' ~ 'rt'] }}",
        "{{ vars.get(x) }}",
        "{{ lookup('vars', 'po' ~ 'rt') }}",
        '{{ query("ansible.builtin.vars", x) }}',
        "{{ query('varnames', '^p') }}",
        "{{ hostvars[inventory_hostname][x] }}",
        "{% for name in vars %}",
    ],
)
def test_a_role_that_makes_names_up_sees_every_variable(text: str) -> None:
    assert seen(text) == set(VARIABLES)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- include_vars: vars/debian.yml\n  vars:\n    a: 1\n", "tasks/main.yml"),
        ('[{"debug": {}, "vars": {"a": 1}}]', "tasks/main.yml"),
        ("# say it under vars, once\n", "defaults/main.yml"),
        ("Say it under vars, once\n", "README.md"),
        ("def run(variables): pass\n", "library/mine.py"),
    ],
)
def test_the_word_vars_alone_is_no_look_up(text: str, path: str) -> None:
    assert seen(text, path) == set()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("def run(self, tmp=None, task_vars=None): pass\n", "action_plugins/mine.py"),
        ("def run(self, terms, variables=None, **_): pass\n", "lookup_plugins/mine.py"),
        ("#{{ vars[x] }}\n", "templates/a.yml"),
        ("{{ vars[x] }}\n", "files/README.md"),
    ],
)
def test_a_plugin_that_is_handed_all_and_a_template_that_looks_like_a_comment_see_all(text: str, path: str) -> None:
    assert seen(text, path) == set(VARIABLES)


def test_a_parameters_template_leads_to_variables() -> None:
    assert seen("[]", parameters={"mine": "{{ port }}"}) == {"port"}
    assert seen("[]", parameters={"mine": "{{ lookup('vars', x) }}"}) == set(VARIABLES)


@pytest.mark.parametrize("name", ["ansible_become", "ansible_shell_type", "käse", "with-dash"])
def test_what_steers_ansible_and_what_is_no_plain_name_always_counts(name: str) -> None:
    assert visible({name: 1}, {}, Words()) == {name: 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ ansible_processor_vcpus }}", True),
        ("{{ ansible_facts.memtotal_mb // 2 }}", True),
        ("{{ ansible_facts['mounts'] }}", True),
        ('{"that": "ansible_facts[\\"product_name\\"] is defined"}', True),
        ("{{ ansible_facts | to_json }}", True),
        ("{{ ansible_facts[item] }}", True),
        ("{{ hostvars[inventory_hostname].x }}", True),
        ("{{ ansible_os_family }} {{ ansible_facts.distribution }} {{ ansible_facts['pkg_mgr'] }}", False),
        ('{"when": "ansible_facts[\\"os_family\\"] == 1"}', False),
        ("the processor and its devices, mounted under mounts", False),
        ("{{ ansible_distribution_release }} {{ ansible_devices_of_mine }}", False),
    ],
)
def test_facts_about_hardware_are_needed_where_one_is_named_or_all_of_them_can_be_seen(
    text: str, *, expected: bool
) -> None:
    assert words_of(text.encode(), "templates/a.j2").hardware is expected
    assert (Words() | words_of(text.encode(), "templates/a.j2")).hardware is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ ansible_os_family }}", True),
        ("when: ansible_facts['distribution'] == 'Debian'", True),
        ("{{ ansible_facts | to_json }}", True),
        ("{{ hostvars[inventory_hostname].x }}", True),
        ("include_vars: '{{ ansible_distribution | lower }}.yml'", True),
        ("- package: {name: cron}", True),
        ('{"ansible.builtin.service": {"name": "cron"}}', True),
        ("- local_action: service name=cron", True),
        ("# {{ ansible_managed }}\n- ansible.builtin.apt: {name: cron}", False),
        ("- ansible.builtin.copy: {dest: /etc/service/cron/run, content: the package}", False),
        ("{{ ansible_loop.index }} {{ ansible_check_mode }}", False),
        ("{{ ansible_loop_in_a_fact }}", True),
    ],
)
def test_facts_are_needed_where_one_may_be_named_or_an_action_looks_into_them(text: str, *, expected: bool) -> None:
    assert words_of(text.encode(), "tasks/main.yml").facts is expected
    assert (Words() | words_of(text.encode(), "tasks/main.yml")).facts is expected


def test_words_of_many_files_are_those_of_each_two_joined() -> None:
    parts = [words_of(text) for text in (b"a b", b"{{ hostvars.x }}", b"b c")]
    assert all_of(parts) == parts[0] | parts[1] | parts[2]
    assert all_of([]) == Words()
