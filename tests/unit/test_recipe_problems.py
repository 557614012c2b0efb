"""Mistakes in a recipe: all at once, each with its place, and often with what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, Problem
from pipeline.recipe import parse_recipe
from pipeline.recipe_bases import BootstrapKeys
from pipeline.recipe_schema import (
    ConductorKeys,
    HealthcheckKeys,
    MatrixKeys,
    RecipeKeys,
    RoleKeys,
    ServiceKeys,
    SettingsKeys,
    VerifyKeys,
)

KEYS = [
    *RecipeKeys.known(),
    *SettingsKeys.known(),
    *ConductorKeys.known(),
    *ServiceKeys.known(),
    *MatrixKeys.known(),
    "service",
    "containers",
    *ServiceKeys.ignored,
    *RoleKeys.known(),
    *HealthcheckKeys.known(),
    *VerifyKeys.known(),
    *BootstrapKeys.known(),
    "x-common",
    "nonsense",
]
SCALARS = (
    st.none() | st.booleans() | st.integers(-1, 70000) | st.floats(allow_nan=False, allow_infinity=False, width=16)
)
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "2",
        "web",
        "{{ a }}",
        "{% x",
        "{{ [1] }}",
        "debian:12",
        "a b",
        "A=b",
        "80:80",
        "/data",
        "10s",
        "SIGTERM",
        "'",
        "{x}",
        "\u00e9",
    ]
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXTS, inner, max_size=4),
    max_leaves=12,
)
SERVICES = st.dictionaries(
    TEXTS | st.just("web"), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), max_size=3
)


def mistakes(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        parse_recipe(text, "recipe.yml")
    return caught.value.problems


def mistakes_of(keys: str) -> tuple[Problem, ...]:
    """The mistakes in a service that has these keys beside its base."""
    body = "\n".join(f"    {line}" for line in keys.splitlines())
    return mistakes(f'version: "2"\nservices:\n  web:\n    from: debian:12\n{body}\n')


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    problems = mistakes("""version: "1"
settings: {conductor: {strategi: mitogen}}
services:
  web:
    form: debian
    environment:
    ports: [a]
    user: x
    user: y
  api: {from: Debian, roles: [{rol: x, my-param: 1}]}
""")
    assert [str(problem).partition(": ")[0] + " " + problem.path for problem in problems] == [
        "recipe.yml:1:1 version",
        "recipe.yml:2:24 settings.conductor.strategi",
        "recipe.yml:4:3 services.web.from",
        "recipe.yml:5:5 services.web.form",
        "recipe.yml:6:5 services.web.environment",
        "recipe.yml:7:13 services.web.ports[0]",
        "recipe.yml:9:5 services.web.user",
        "recipe.yml:10:9 services.api.from",
        "recipe.yml:10:31 services.api.roles[0].role",
        "recipe.yml:10:40 services.api.roles[0].my-param",
    ]


@pytest.mark.parametrize(
    ("keys", "path", "message", "hint"),
    [
        ("comand: x", "comand", "unknown key", "did you mean command?"),
        ("image: x", "image", "unknown key", "write `from`"),
        ("env_file: x", "env_file", "unknown key", "write the variables under `environment`"),
        ("zzz: x", "zzz", "unknown key", "known are from, roles, vars"),
        ("containers: []", "containers", "must be a list of containers", "container_name"),
        ("healthcheck: {test: x, retrys: 1}", "healthcheck.retrys", "unknown key", "did you mean retries?"),
        ("healthcheck: {interval: 5s}", "healthcheck", "a health check needs a test", ""),
        ("healthcheck: {test: x, disable: true}", "healthcheck", "disable: true leaves no test to run", ""),
        ("healthcheck: {test: x, retries: 0}", "healthcheck.retries", "must be at least 1, is 0", ""),
        ("healthcheck: {test: x, retries: a}", "healthcheck.retries", "must be a whole number, is a text", ""),
        ("healthcheck: x", "healthcheck", "must be a map, is a text", ""),
        ("verify: {alow: []}", "verify.alow", "unknown key", "did you mean allow?"),
        ("verify: maybe", "verify", "must be true, false or a map", ""),
        ("verify: {ready_seconds: 0}", "verify.ready_seconds", "must be more than 0, is 0", ""),
        ("roles: nginx", "roles", "must be a list, is a text", ""),
        ("roles: [5]", "roles[0]", "must be a role's name, or a map with the key role or tasks", ""),
        ("roles: [{gather_facts: no}]", "roles[0].role", "is missing", ""),
        ("roles: [{role: }]", "roles[0].role", "must be a text, is nothing", ""),
        ("roles: [{role: a, gather_facts: 'no'}]", "roles[0].gather_facts", "must be true or false, is a text", ""),
        ("roles: [{role: a, cache: soon}]", "roles[0].cache", "must be auto, never or a time such as 12h or 7d", ""),
        ("roles: [{role: a, cache: 10}]", "roles[0].cache", "must be auto, never or a time such as 12h or 7d", ""),
        ("roles: [{role: a, cache: 0h}]", "roles[0].cache", "must be auto, never or a time such as 12h or 7d", ""),
        ("roles: [{role: a, when: x}]", "roles[0].when", "is a keyword of Ansible", ""),
        ("roles: [{role: a, my-x: 1}]", "roles[0].my-x", "cannot name a variable", "did you mean my_x?"),
        ("roles: [{tasks: []}]", "roles[0].tasks", "must not be empty", ""),
        ("roles: [{tasks: [a]}]", "roles[0].tasks[0]", "must be a map, is a text", ""),
        ("roles: [{tasks: 5}]", "roles[0].tasks", "must be a list of tasks, or the path of a file of tasks", ""),
        ("roles: [{tasks: a.yml, nam: b}]", "roles[0].nam", "unknown key", "did you mean name?"),
        ("roles: [{tasks: a.yml, name: a/b}]", "roles[0].name", "must be made of letters, digits and _", ""),
        ("roles: ['']", "roles[0]", "must not be empty", ""),
        ("roles: [a, ]\nroles: [b]", "roles", "this key stands on line 5 already", "keep one of the two"),
        ("vars: {1a: x}", "vars.1a", "cannot name a variable", ""),
        ("vars: [a]", "vars", "must be a map, is a list", ""),
        ("environment:", "environment", "has no value", "give it one"),
        ("environment: {A: }", "environment.A", "has no value", "give it one"),
        ("environment: {A: [1]}", "environment.A", "must be a text, is a list", ""),
        ("environment: {'A B': 1}", "environment.A B", "cannot be the name of an environment variable", ""),
        ("environment: [A=1, B]", "environment[1]", "'B' has no value", "write B="),
        ("environment: text", "environment", "must be a map, or a list of NAME=value", ""),
        ("labels: 5", "labels", "must be a map, or a list of name=value", ""),
        ("user: ''", "user", "must be a name or number without spaces, is ''", ""),
        ("working_dir: srv", "working_dir", "must be an absolute path, is 'srv'", ""),
        ("ports: {80: 80}", "ports", "the key 80 is no text", ""),
        ("ports: ['80:99999']", "ports[0]", "ports go from 1 to 65535", ""),
        ("volumes: {x: }", "volumes", "must be a list, is a map", ""),
        ("volumes: [data]", "volumes[0]", "'data' is not an absolute path in the container", "write /data"),
        ('command: "a \'b"', "command", "this command cannot be split into words", "close the quotes"),
        ("command: {a: b}", "command", "must be a text or a list of texts, is a map", ""),
        ("stop_signal: SIGNOPE", "stop_signal", "must be a signal such as SIGTERM", ""),
        ("shell: []", "shell", "must not be empty", ""),
        ("onbuild: RUN x", "onbuild", "must be a list, is a text", ""),
        ("mem_limit: true", "mem_limit", "must be a number, or a text such as 512m", ""),
        ("privileged: 1", "privileged", "must be true or false, is a number", ""),
        ("depends_on: db", "depends_on", "must be a list of texts, or a map", ""),
        ("networks: {front: }", "networks.front", "has no value", ""),
        ("dev_overrides: {roles: []}", "dev_overrides.roles", "unknown key", ""),
        ("dev_overrides: {prots: []}", "dev_overrides.prots", "unknown key", "did you mean ports?"),
        ("python: venv", "python", "must be 'runtime' or 'base', is 'venv'", ""),
    ],
)
def test_a_mistake_in_a_service_says_where_what_and_often_what_to_do(
    keys: str, path: str, message: str, hint: str
) -> None:
    found = mistakes_of(keys)
    assert f"services.web.{path}" in {problem.path for problem in found}
    problem = next(problem for problem in found if message in problem.message)
    assert hint in problem.hint
    assert problem.file == "recipe.yml"
    assert problem.line >= 5
    assert problem.column >= 5


@pytest.mark.parametrize(
    ("base", "path", "message", "hint"),
    [
        ("", "from", "has no value", ""),
        ("5", "from", "must be an image reference, or a map with one of image, bootstrap, rootfs and service", ""),
        ("{suite: trixie}", "from", "must be an image reference, or a map", ""),
        ("Debian:12", "from", "the repository 'Debian'", "write debian:12"),
        ("scratch", "from", "scratch holds nothing", "write from: {bootstrap: trixie}"),
        ("{image: x, tag: y}", "from.tag", "unknown key", "known are image"),
        ("{bootstrap: Trixie}", "from.bootstrap", "must be the name of a suite, such as trixie, is 'Trixie'", ""),
        ("{bootstrap: trixie, includes: []}", "from.includes", "unknown key", "did you mean include?"),
        ("{bootstrap: trixie, include: curl}", "from.include", "must be a list, is a text", ""),
        ("{bootstrap: trixie, variant: tiny}", "from.variant", "must be 'minbase'", ""),
        ("{bootstrap: trixie, components: []}", "from.components", "must not be empty", ""),
        ("{rootfs: a.tar}", "from.sha256", "is missing", ""),
        ("{rootfs: a.tar, sha256: abc}", "from.sha256", "must be 64 hexadecimal digits in lower case, is 'abc'", ""),
    ],
)
def test_a_mistake_in_a_base_says_which_part(base: str, path: str, message: str, hint: str) -> None:
    (problem,) = mistakes(f'version: "2"\nservices:\n  web:\n    from: {base}\n')
    assert problem.path == f"services.web.{path}"
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "", "the file is empty"),
        ("- a", "", "is a list, and a recipe is a map"),
        ("web: {from: x}\ndb: {image: y}", "", "is a map of services without the rest of a recipe"),
        ('version: "2"', "services", "is missing"),
        ('version: "2"\nservices: {}', "services", "must not be empty"),
        ('version: "2"\nservices:', "services", "has no value"),
        ('version: "2"\nservices: [web]', "services", "must be a map, is a list"),
        ('version: "2"\nservices: {web: }', "services.web", "has no value"),
        ('version: "2"\nservices: {"we b": {from: x}}', "services.we b", "must begin with a letter or digit"),
        (f'version: "2"\nservices: {{{"a" * 64}: {{from: x}}}}', f"services.{'a' * 64}", "at most 63 characters"),
        ("services: {web: {from: x}}", "version", "is missing"),
        ('version: "1"\nservices: {web: {from: x}}', "version", "version 1 recipes run a playbook"),
        ("version: 3.1\nservices: {web: {from: x}}", "version", "this is a Compose version"),
        ("version: two\nservices: {web: {from: x}}", "version", "there is no such version of the format"),
        ('version: "2"\nservice: {web: {from: x}}\nservices: {web: {from: x}}', "service", "unknown key"),
        ('version: "2"\nservices: {web: {from: x}}\ntags: ["{oops}"]', "tags[0]", "the field {oops} is not known"),
        ('version: "2"\nservices: {web: {from: x}}\ntags: [5]', "tags[0]", "must be a text, is a number"),
    ],
)
def test_a_mistake_at_the_top_is_named(text: str, path: str, message: str) -> None:
    (problem,) = mistakes(text)
    assert problem.path == path
    assert message in problem.message


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        ("{project_name: -x}", "project_name", "cannot name a project"),
        ("{conductor: {engine_socket: docker.sock}}", "conductor.engine_socket", "must be an absolute path"),
        ("{conductor: {environment: {A: }}}", "conductor.environment.A", "has no value"),
        ("{conductor: {strategy: free}}", "conductor.strategy", "must be 'mitogen' or 'docker', is 'free'"),
        ("{conductor_base: x, conductor: {base: y}}", "", "conductor_base and conductor.base say the same thing"),
        ("{conductor_bas: x}", "conductor_bas", "unknown key"),
        ("5", "", "must be a map, is a number"),
    ],
)
def test_a_mistake_in_the_settings_is_named(settings: str, path: str, message: str) -> None:
    (problem,) = mistakes(f'version: "2"\nservices: {{web: {{from: x}}}}\nsettings: {settings}')
    assert problem.path == ".".join(part for part in ("settings", path) if part)
    assert message in problem.message


def test_a_recipe_that_is_no_yaml_says_where() -> None:
    (problem,) = mistakes('version: "2"\nservices: [')
    assert problem.line == 2
    assert "this is not valid YAML" in problem.message


def test_a_mistake_of_the_yaml_and_one_of_the_form_are_reported_together() -> None:
    assert [problem.line for problem in mistakes('version: "2"\nversion: "2"\nservices:\n  web: {form: x}\n')] == [
        2,
        4,
        4,
    ]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), SERVICES)
def test_any_yaml_is_either_a_recipe_or_a_list_of_mistakes(top: dict[str, object], services: dict[str, object]) -> None:
    text = json.dumps({**top, "services": services})
    try:
        problems = parse_recipe(text, "recipe.yml").warnings
    except InputError as error:
        problems = error.problems
        assert problems
    assert all(problem.line == 1 for problem in problems)
