"""Variables in a recipe: where they come from, which one wins, and where they are filled in."""

from __future__ import annotations

import pytest

from pipeline.errors import InputError, Problem, UsageError
from pipeline.recipe import BaseImage, Service, parse_recipe
from pipeline.recipe_variables import Given, NamedFile, VarsFile, extra_variables, named_vars_files

HEAD = 'version: "2"\n'


def services(text: str, given: Given | None = None) -> tuple[Service, ...]:
    return parse_recipe(HEAD + text, "recipe.yml", given or Given()).recipe.services


def service(keys: str, given: Given | None = None, *, defaults: str = "{}") -> Service:
    body = "\n".join(f"    {line}" for line in keys.splitlines())
    return services(f"defaults: {defaults}\nservices:\n  web:\n    from: debian\n{body}\n", given)[0]


def mistakes(text: str, given: Given | None = None) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        services(text, given)
    return caught.value.problems


def user(given: Given, defaults: str = "{}") -> str | None:
    return service('user: "{{ who }}"', given, defaults=defaults).config.user


FILES = (VarsFile("a.yml", "who: first\n"), VarsFile("b.json", '{"who": "second"}'))


def test_the_command_line_wins_over_the_environment_this_over_files_and_these_over_defaults() -> None:
    everything = Given(FILES, {"AC_WHO": "environment", "WHO": "x"}, {"who": "extra"})
    assert user(everything, "{who: default}") == "extra"
    assert user(Given(FILES, everything.environment), "{who: default}") == "environment"
    assert user(Given(FILES), "{who: default}") == "second"
    assert user(Given(FILES[:1]), "{who: default}") == "first"
    assert user(Given(), "{who: default}") == "default"


def test_a_variable_of_a_service_wins_over_those_of_the_recipe() -> None:
    built = service('vars: {who: own}\nuser: "{{ who }}"', Given(extra={"who": "extra"}))
    assert (built.config.user, built.variables) == ("own", {"who": "own"})


def test_templates_are_filled_in_wherever_a_recipe_has_texts() -> None:
    (web,) = services(
        """
defaults: {suite: bookworm, port: 8080, debug: true, words: [serve, 1], root: /srv, name: nginx}
services:
  web:
    from: "debian:{{ suite }}-slim"
    roles: ["{{ name }}", {role: "{{ name }}/more"}]
    command: "{{ words }}"
    environment: {PORT: "{{ port }}", DEBUG: "{{ debug }}", BOTH: "{{ port }}-{{ suite | upper }}"}
    working_dir: "{{ root }}/app"
    ports: ["{{ port }}:80"]
    tty: "{{ debug }}"
    dev_overrides: {user: "{{ name }}"}
    verify: {ready_seconds: "{{ port / 1000 }}"}
"""
    )
    assert web.base == BaseImage("debian:bookworm-slim")
    assert [role.name for role in web.roles] == ["nginx", "nginx/more"]
    assert web.config.command == ("serve", "1")
    assert web.config.environment == {"PORT": "8080", "DEBUG": "true", "BOTH": "8080-BOOKWORM"}
    assert (web.config.working_dir, web.config.exposed) == ("/srv/app", ("80/tcp",))
    assert web.runtime == {"ports": ["8080:80"], "tty": True}
    assert web.dev_overrides == {"user": "nginx"}
    assert web.verify.ready_seconds == 8.08


def test_settings_and_tags_know_the_variables_of_the_recipe() -> None:
    text = HEAD + (
        'defaults: {team: shop}\nsettings: {project_name: "{{ team }}-base"}\n'
        'tags: ["{{ team }}/{service}:{version}"]\n'
        "services: {web: {from: debian}}\n"
    )
    recipe = parse_recipe(text, "recipe.yml").recipe
    assert (recipe.project_name, recipe.tags) == ("shop-base", ("shop/{service}:{version}",))


def test_variables_may_be_made_of_one_another() -> None:
    assert user(Given(), '{who: "{{ team }}-{{ number }}", number: 7, team: "{{ house }}", house: x}') == "x-7"


def test_parameters_are_filled_in_with_what_is_known_and_keep_their_types() -> None:
    built = service(
        'roles: [{role: nginx, port: "{{ port }}", own: "{{ x }}", nested: [{a: "{{ port + 1 }}"}]}]\nvars: {x: 1}',
        defaults="{port: 80}",
    )
    assert built.roles[0].parameters == {"port": 80, "own": "{{ x }}", "nested": [{"a": 81}]}
    assert built.variables == {"x": 1}


def test_what_only_ansible_knows_is_left_to_it_with_the_variables_that_it_uses() -> None:
    built = service(
        'roles: [{role: nginx, cpus: "{{ ansible_processor_vcpus * factor }}", lines: "{{ a | to_nice_yaml }}"}]',
        defaults="{factor: 2, a: [1], unused: 3}",
    )
    assert built.roles[0].parameters == {
        "cpus": "{{ ansible_processor_vcpus * factor }}",
        "lines": "{{ a | to_nice_yaml }}",
    }
    assert built.variables == {"factor": 2, "a": [1]}


def test_a_variable_that_nothing_uses_changes_no_service() -> None:
    keys = 'roles: [nginx]\nuser: "{{ who }}"'
    assert service(keys, defaults="{who: x}") == service(keys, defaults="{who: x, other: y}")


def test_a_variable_that_is_not_defined_has_a_place_and_the_nearest_name() -> None:
    (problem,) = mistakes('defaults: {port: 1}\nservices:\n  web:\n    from: debian\n    user: "{{ prot }}"\n')
    assert (problem.line, problem.column, problem.path) == (6, 5, "services.web.user")
    assert (problem.message, problem.hint) == ("the variable prot is not defined", "did you mean port?")


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("{{ far }}", "the variable far is not defined", "with -e"),
        ("{{ lookup('env', 'HOME') }}", "the variable lookup is not defined", "looks nothing up"),
        ("{{ port", "this is not a valid template", "raw"),
        ("{{ port.name }}", "the template cannot be filled in", ""),
        ("{{ a.b.c }}", "the template cannot be filled in", ""),
        ("x{{ 1 / 0 }}", "the template cannot be filled in: division by zero", ""),
        ("{{ 1 / 0 }}", "the template cannot be filled in: division by zero", ""),
        ("{{ ''.__class__.__mro__ }}", "the template cannot be filled in", ""),
        ("{{ 'x' * 200000 }}", "the template makes a text of more than 100000 characters", ""),
        ("{{ range }}", "the template's value is no text, number, list or map", ""),
        ("{{ port | nothing }}", "this is not a valid template", ""),
        ("{{ facts }}", "the variable facts is not defined", "only Ansible can fill in"),
    ],
)
def test_a_template_that_cannot_be_filled_in_says_why(template: str, message: str, hint: str) -> None:
    text = (
        "defaults: {port: 1, a: {b: {}}}\nservices:\n  web:\n    from: debian\n"
        f'    vars: {{facts: "{{{{ ansible_host }}}}"}}\n    user: "{template}"\n'
    )
    (problem,) = mistakes(text)
    assert problem.path == "services.web.user"
    assert problem.message.startswith(message)
    assert hint in problem.hint


def test_a_comment_beside_a_template_makes_nothing() -> None:
    assert user(Given(), "{who: 5}") == "5"
    assert service('user: "{{ who }}{# who else #}"', defaults="{who: x}").config.user == "x"


def test_a_template_without_end_is_stopped() -> None:
    (problem,) = mistakes('services: {web: {from: debian, user: "{% for i in range(10**9) %}x{% endfor %}"}}\n')
    assert "cannot be filled in" in problem.message


def test_braces_that_are_meant_stay() -> None:
    assert service("labels: {a: '{% raw %}{{ .State }}{% endraw %}'}").config.labels == {"a": "{{ .State }}"}


def test_a_template_that_makes_nothing_is_a_key_without_a_value() -> None:
    (problem,) = mistakes('defaults: {nil: }\nservices: {web: {from: debian, user: "{{ nil }}"}}\n')
    assert (problem.path, problem.message) == ("services.web.user", "has no value")


@pytest.mark.parametrize(
    ("file", "place", "message"),
    [
        (VarsFile("a.yml", "a: ["), "a.yml:1", "this is not valid YAML"),
        (VarsFile("a.yml", "a: 1\na: 2"), "a.yml:2", "this key stands on line 1 already"),
        (VarsFile("a.yml", "- a"), "a.yml:1", "must be a map of variables"),
        (VarsFile("a.json", '{"a": 1,\n}'), "a.json:2", "this is no JSON"),
        (VarsFile("a.json", "[" * 100000), "a.json:0", "nested too deeply"),
    ],
)
def test_a_mistake_in_a_vars_file_has_its_place(file: VarsFile, place: str, message: str) -> None:
    (problem,) = mistakes("services: {web: {from: debian}}\n", Given((file,)))
    assert f"{problem.file}:{problem.line}" == place
    assert message in problem.message


def test_an_empty_vars_file_gives_nothing() -> None:
    assert service("", Given((VarsFile("a.yml", ""),))) == service("")


def test_a_recipe_names_its_vars_files() -> None:
    text = 'version: "2"\nsettings:\n  vars_files:\n    - a.yml\n    - b.json\n    - 5\n'
    assert named_vars_files(text, "recipe.yml") == (
        NamedFile("a.yml", (4, 7), "settings.vars_files[0]"),
        NamedFile("b.json", (5, 7), "settings.vars_files[1]"),
    )
    assert named_vars_files("settings: 5", "recipe.yml") == ()
    assert named_vars_files("[", "recipe.yml") == ()


def test_variables_of_the_command_line_are_pairs() -> None:
    assert extra_variables(("a=1", "b=x=y", "a=")) == {"a": "", "b": "x=y"}
    for wrong in ("a", "=1", "a-b=1"):
        with pytest.raises(UsageError, match="is not NAME=VALUE"):
            extra_variables((wrong,))


def test_a_default_is_named_like_a_variable() -> None:
    (problem,) = mistakes("defaults: {my-port: 1}\nservices: {web: {from: debian}}\n")
    assert (problem.path, problem.hint) == ("defaults.my-port", "did you mean my_port?")
