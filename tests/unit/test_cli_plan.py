"""What `baseimage plan` says of a project whose layers are there, and of what has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pipeline import assembly, loading
from pipeline.image_config import ImageConfig
from tests.unit.fakes import BASE
from tests.unit.test_cli import Line, line, no_engine

__all__ = ["line"]

Change = Callable[[Line], None]
RECIPE = """\
version: "2"
services:
  web:
    from: debian:12
    verify: false
    vars: {container_svc: runit}
    roles: [nginx, app]
"""
TASKS = """\
- ansible.builtin.apt: {name: "{{ container_svc }}", state: latest}
- ansible.builtin.command: apt-get upgrade
# runit, s6
"""


@pytest.fixture
def there(line: Line) -> Line:
    """Every layer of the recipe is in the engine, with its record."""
    line.engine.add_image(BASE)
    (line.folder / "recipes/default.yml").write_text(RECIPE)
    (line.folder / "roles/nginx/tasks/main.yml").write_text(TASKS)
    (line.folder / "roles/app/tasks/main.yml").write_text("---\n[]\n")
    environ = {"BASEIMAGE_STATE": str(line.folder / "state")}
    options = loading.Options(line.folder)
    loaded = loading.load(options, environ)
    tools = assembly.tools(loaded, options, line.engine, lambda _: None, environ)
    base = line.engine.find_image(BASE)
    assert base
    (build,) = assembly.builds(loaded)
    for key in tools.records.keys(build, base, tools.player.key()):
        tools.records.save(key, line.engine.configure(base.id, ImageConfig(user=key.key[:9]), {}))
    assert line.run("plan")[0] == 0
    return line


def edit(line: Line) -> None:
    (line.folder / "roles/app/tasks/main.yml").write_text("[]\n")


def switch(line: Line) -> None:
    (line.folder / "recipes/default.yml").write_text(RECIPE.replace("runit", "s6"))


def move(line: Line) -> None:
    line.engine.add_image(BASE, ImageConfig(user="moved"))


CHANGES = [
    (edit, "app", "roles/app/tasks/main.yml changed"),
    (switch, "nginx", "container_svc changed: runit → s6"),
    (move, "nginx", "the base moved"),
]


@pytest.mark.parametrize(("change", "role", "reason"), CHANGES, ids=["edit", "switch", "move"])
def test_what_changed_is_said_of_the_role_that_it_is_for(there: Line, change: Change, role: str, reason: str) -> None:
    change(there)
    code, out, _ = there.run("plan")
    assert code == 3
    (said,) = [text for text in out.splitlines() if text.startswith(f"  role {role} ")]
    assert f"BUILD  {reason}" in said
    code, out, _ = there.run("plan", "--json")
    assert code == 3
    steps = {step["role"]: step for step in json.loads(out)["services"][0]["steps"] if step["step"] == "role"}
    assert (steps[role]["action"], steps[role]["reasons"]) == ("build", [reason])


@pytest.mark.parametrize(("change", "role", "reason"), CHANGES[:2], ids=["edit", "switch"])
def test_it_is_said_without_an_engine_too(there: Line, change: Change, role: str, reason: str) -> None:
    change(there)
    there.monkeypatch.setattr(assembly, "open_engine", no_engine)
    code, out, err = there.run("plan")
    assert code == 3
    assert "no engine answers" in err
    (said,) = [text for text in out.splitlines() if text.startswith(f"  role {role} ")]
    assert reason in said


def test_upgrades_and_latest_are_named_where_nothing_changed(there: Line) -> None:
    code, out, _ = there.run("plan")
    assert code == 0
    assert "roles/nginx/tasks/main.yml:1: apt: state: latest" in out
    assert "roles/nginx/tasks/main.yml:2: command: apt-get upgrade" in out
    (service,) = json.loads(there.run("plan", "--json")[1])["services"]
    assert [(each["line"], each["what"]) for each in service["unpinned"]] == [
        (1, "apt: state: latest"),
        (2, "command: apt-get upgrade"),
    ]


def test_what_a_registry_has_is_a_hit_and_stays_there(there: Line) -> None:
    assert there.run("plan", "--cache-from", "registry.example/cache")[0] == 0
    assert not [call for call in there.engine.calls if call.startswith("pull")], "nobody is asked for what is here"
    edit(there)
    code, _, err = there.run("plan", "--cache-from", "registry.example/cache")
    assert (code, err) == (3, "")
    assert len([call for call in there.engine.calls if call.startswith("pull")]) == 1
