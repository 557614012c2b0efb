"""Keys of a whole service's layers: what may not change them, and what must."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.layer_records import LayerRecords
from pipeline.player import DEPLOYABLES
from pipeline.recipe import RoleUse, Service, parse_recipe
from pipeline.records import KnownLayers
from pipeline.role_finder import RoleFinder
from tests.unit.fakes import a_build, a_service

VARIABLES: dict[str, Any] = {"port": 80, "table": {"b": [1, 2], "a": None}, "unseen": "x"}
SERVICE = replace(
    a_service(RoleUse("web", {"mine": "{{ port }}", "more": 1}, deployables=("shop",)), "tail"), variables=VARIABLES
)
FILES = {
    "roles/web/tasks/main.yml": "- ansible.builtin.debug: {var: table}\n",
    "roles/web/meta/main.yml": "dependencies: [common]\n",
    "roles/web/templates/a.j2": "{{ mine }}\n",
    "roles/web/files/run": "#!/bin/sh\n",
    "roles/common/tasks/main.yml": "[]\n",
    "roles/tail/tasks/main.yml": "[]\n",
    "deployables/shop/app.py": "print(1)\n",
    "collections/ansible_collections/a/b/MANIFEST.json": '{"version": "1.0.0"}\n',
}


def project(folder: Path) -> Path:
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def keys(folder: Path, service: Service = SERVICE, conductor: str = "c", base: str = "base") -> list[str]:
    known = KnownLayers(RoleFinder(folder / "recipe.yml", folder), LayerRecords(folder / "state"))
    return [key.key for key, _ in known.keys(a_build(service), conductor, base)]


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return project(tmp_path / "shop")


def backwards(value: Any) -> Any:
    return {name: backwards(value[name]) for name in reversed(value)} if isinstance(value, dict) else value


def turned(folder: Path) -> list[str]:
    roles = tuple(replace(role, parameters=backwards(role.parameters)) for role in SERVICE.roles)
    return keys(folder, replace(SERVICE, variables=backwards(VARIABLES), roles=roles))


def touched(folder: Path) -> list[str]:
    for path in FILES:
        os.utime(folder / path, (1, 1))
    return keys(folder)


def private(folder: Path) -> list[str]:
    for path in FILES:
        (folder / path).chmod(0o600)
    return keys(folder)


def moved(folder: Path) -> list[str]:
    shutil.move(folder, folder.parent / "a" / "deeper place")
    return keys(folder.parent / "a" / "deeper place")


def with_leftovers(folder: Path) -> list[str]:
    for path in ("roles/web/.git/HEAD", "roles/web/library/__pycache__/a.pyc", "roles/web/a.retry", "notes.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")
    return keys(folder)


def unseen(folder: Path) -> list[str]:
    return keys(folder, replace(SERVICE, variables={**VARIABLES, "unseen": "y", "new": 1}))


@pytest.mark.parametrize("same", [turned, touched, private, moved, with_leftovers, unseen])
def test_what_a_layer_is_not_made_of_leaves_every_key_alone(there: Path, same: Callable[[Path], list[str]]) -> None:
    assert same(there) == keys(project(there.parent / "another"))


def test_the_order_in_which_a_file_system_lists_does_not_matter(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, listed = keys(there), os.walk

    def walk(*arguments: Any) -> Any:
        for place, folders, names in listed(*arguments):
            folders.reverse()
            yield place, folders, names[::-1]

    monkeypatch.setattr(os, "walk", walk)
    assert keys(there) == before


@pytest.mark.allow("process")
def test_locale_time_zone_hash_seed_and_working_directory_do_not_matter(there: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    program = "import sys; from pathlib import Path; from tests.unit.test_cache_keys import keys; "
    program += "print(keys(Path(sys.argv[1])))"
    for number, (locale, zone) in enumerate((("C", "UTC"), ("tr_TR.UTF-8", "Pacific/Auckland"))):
        environ = {"PYTHONPATH": str(root), "LC_ALL": locale, "TZ": zone, "PYTHONHASHSEED": str(number)}
        words = [sys.executable, "-c", program, str(there)]
        done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(keys(there))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_byte_of_any_file_makes_another_layer(path: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name))
        before, content = keys(folder), bytearray(FILES[path].encode())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = ord("#") if content[at] != ord("#") else ord(" ")
        if path.endswith("meta/main.yml"):
            content = bytearray(FILES[path].encode() + b"# more\n")  # it has to stay YAML
        (folder / path).write_bytes(content)
        after = keys(folder)
    first = 1 if path.startswith("roles/tail") else 0
    assert [one == other for one, other in zip(before, after, strict=True)] == [index < first for index in range(3)]


def executable(folder: Path) -> None:
    (folder / "roles/web/files/run").chmod(0o755)


def renamed(folder: Path) -> None:
    (folder / "roles/web/files/run").rename(folder / "roles/web/files/ran")


def linked(folder: Path) -> None:
    (folder / "roles/web/files/link").symlink_to("run")


def without_dependency(folder: Path) -> None:
    (folder / "roles/web/meta/main.yml").write_text("dependencies: []\n")


def another_collection(folder: Path) -> None:
    (folder / "collections/ansible_collections/a/b/MANIFEST.json").write_text('{"version": "1.0.1"}\n')


@pytest.mark.parametrize("change", [executable, renamed, linked, without_dependency, another_collection])
def test_modes_names_links_dependencies_and_versions_of_collections_count(
    there: Path, change: Callable[[Path], None]
) -> None:
    before = keys(there)
    change(there)
    assert keys(there)[0] != before[0]


WEB, TAIL = SERVICE.roles


@pytest.mark.parametrize(
    "other",
    [
        {"service": replace(SERVICE, variables={**VARIABLES, "port": 81})},
        {"service": replace(SERVICE, variables={**VARIABLES, "table": {"a": 1}})},
        {"service": replace(SERVICE, roles=(replace(WEB, parameters={"mine": "{{ port }}", "more": 2}), TAIL))},
        {"service": replace(SERVICE, roles=(replace(WEB, gather_facts=False), TAIL))},
        {"service": replace(SERVICE, roles=(replace(WEB, deployables=()), TAIL))},
        {"service": replace(SERVICE, python="base")},
        {"conductor": "another"},
        {"base": "another"},
    ],
    ids=str,
)
def test_variables_that_a_role_sees_its_parameters_and_what_plays_it_count(there: Path, other: dict[str, Any]) -> None:
    assert keys(there, **other)[0] != keys(there)[0]


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=6), st.randoms())
def test_the_order_of_a_map_does_not_matter_whatever_is_in_it(table: dict[str, Any], chance: Any) -> None:
    names = list(table)
    chance.shuffle(names)
    shuffled = {name: table[name] for name in names}
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name))
        one, other = (keys(folder, replace(SERVICE, variables={"table": value})) for value in (table, shuffled))
    assert one == other


@settings(max_examples=25, deadline=None)
@given(st.integers() | st.text(max_size=8) | st.none(), st.integers() | st.text(max_size=8) | st.none())
def test_a_variable_that_a_role_sees_makes_another_layer_whatever_it_is(one: Any, other: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name))
        (first, *_), (second, *_) = (keys(folder, replace(SERVICE, variables={"port": each})) for each in (one, other))
    assert (first == second) == (one == other and type(one) is type(other))


def test_a_role_that_is_depended_on_counts_with_every_file(there: Path) -> None:
    before = keys(there)
    (there / "roles/common/tasks/main.yml").write_text("- ansible.builtin.meta: noop\n")
    assert keys(there)[0] != before[0]


MATRIX = """\
version: "2"
services:
  web:
    matrix: {port: [80, 81]}
    from: debian:12
    roles: [tail, {role: web, mine: "{{ port }}"}]
"""


def test_cells_of_a_matrix_share_the_layers_of_roles_that_do_not_see_their_variables(there: Path) -> None:
    recipe = parse_recipe(MATRIX, "recipe.yml").recipe
    (tail, web, image), (tail_too, web_too, image_too) = (keys(there, service) for service in recipe.services)
    assert tail == tail_too
    assert web != web_too
    assert image != image_too


def test_a_deployable_is_known_by_its_place_in_the_conductor(there: Path) -> None:
    known = KnownLayers(RoleFinder(there / "recipe.yml", there), LayerRecords(there / "state"))
    (key, _), *_ = known.keys(a_build(SERVICE), "c")
    assert f"file {DEPLOYABLES}/shop/app.py" in key.inputs
