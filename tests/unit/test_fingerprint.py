"""Keys of layers: equal for equal inputs, different for different ones, on every machine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.fingerprint import FileEntry, base_key, digest, layer_key, role_inputs
from pipeline.image_config import ImageConfig
from pipeline.player import RoleFiles
from pipeline.sources import role_entries

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
"""Surrogates included: names of files are such texts."""
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3))
MAPS = st.dictionaries(ANY_TEXT, VALUES, max_size=4)
FILES = st.lists(
    st.builds(FileEntry, ANY_TEXT, st.sampled_from(["", "x", "link"]), st.sampled_from(["aa", "bb"])),
    max_size=4,
    unique_by=lambda entry: entry.path,
)
ENTRY = FileEntry("web/tasks/main.yml", "", "aa")


LONE = ["\ud800", "\udcff", "a\udfffb", "\udcc3\udca9"]


def key(
    *, files: Any = (ENTRY,), parameters: Any = None, variables: Any = None, rest: Any = None, conductor: str = "c"
) -> str:
    inputs = role_inputs(
        files=files,
        parameters=parameters or {},
        variables=variables or {},
        settings=rest or {},
        conductor=conductor,
    )
    return layer_key("below", inputs)


def backwards(value: Any) -> Any:
    """The same value with every map in the opposite order."""
    if isinstance(value, dict):
        return {name: backwards(value[name]) for name in reversed(value)}
    return [backwards(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=50)
@given(FILES, MAPS, MAPS, MAPS)
def test_the_order_of_maps_and_files_does_not_matter(
    files: list[FileEntry], parameters: dict[str, Any], variables: dict[str, Any], rest: dict[str, Any]
) -> None:
    forth = key(files=files, parameters=parameters, variables=variables, rest=rest)
    back = key(
        files=files[::-1],
        parameters=backwards(parameters),
        variables=backwards(variables),
        rest=backwards(rest),
    )
    assert forth == back


@settings(max_examples=50)
@given(MAPS, MAPS)
def test_other_parameters_variables_or_settings_make_another_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    # repr, since True and 1, 1 and 1.0 are equal in Python but not to a role
    assume(sorted(map(repr, backwards(one).items())) != sorted(map(repr, other.items())))
    assume(one != other)
    assert key(parameters=one) != key(parameters=other)
    assert key(variables=one) != key(variables=other)
    assert key(rest=one) != key(rest=other)


@given(MAPS.filter(bool))
def test_a_parameter_is_not_taken_for_a_variable(values: dict[str, Any]) -> None:
    assert len({key(parameters=values), key(variables=values), key(rest=values)}) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"files": (replace(ENTRY, digest="bb"),)},
        {"files": (replace(ENTRY, mode="x"),)},
        {"files": (replace(ENTRY, path="web/tasks/other.yml"),)},
        {"files": ()},
        {"files": (ENTRY, replace(ENTRY, path="web/files/a"))},
        {"variables": {"a": 1}},
        {"parameters": {"a": 1}},
        {"rest": {"gather_facts": False}},
        {"conductor": "another"},
    ],
    ids=str,
)
def test_whatever_a_layer_is_made_of_is_in_its_key(other: dict[str, Any]) -> None:
    assert key(**other) != key()


@pytest.mark.parametrize(("one", "other"), [(True, 1), (True, "True"), (1, "1"), (1, 1.0), (None, "None"), ([], {})])
def test_values_that_ansible_tells_apart_have_other_keys(one: object, other: object) -> None:
    assert key(variables={"a": one}) != key(variables={"a": other})


@given(ANY_TEXT, ANY_TEXT)
def test_any_two_texts_have_two_hashes_even_with_surrogates(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@pytest.mark.parametrize("text", [pytest.param(text, id=ascii(text)) for text in LONE])
def test_a_lone_surrogate_does_not_crash_and_is_no_other_text(text: str) -> None:
    assert digest({text: text}) != digest({"é": "é"})


def test_a_layer_depends_on_the_one_below() -> None:
    assert layer_key("one", {}) != layer_key("other", {})


def test_a_base_is_known_by_layers_configuration_and_platform() -> None:
    config = ImageConfig(environment={"A": "1", "B": "2"}, exposed=("80/tcp", "443/tcp"))
    turned = ImageConfig(environment={"B": "2", "A": "1"}, exposed=("443/tcp", "80/tcp"))
    one = base_key(("l1", "l2"), config, "linux/amd64")
    assert one == base_key(["l1", "l2"], turned, "linux/amd64")
    others = [
        base_key(("l2", "l1"), config, "linux/amd64"),
        base_key(("l1",), config, "linux/amd64"),
        base_key(("l1", "l2"), ImageConfig(), "linux/amd64"),
        base_key(("l1", "l2"), config, "linux/arm64"),
    ]
    assert len({one, *others}) == 5


def test_inputs_hold_hashes_and_no_secrets() -> None:
    inputs = role_inputs(
        files=(), parameters={"password": "geheim"}, variables={"token": "secret"}, settings={}, conductor="c"
    )
    assert set(inputs) == {"parameter password", "variable token", "conductor"}
    assert not {"geheim", "secret"} & set(inputs.values())


def test_a_checkout_that_moved_has_the_same_key(tmp_path: Path) -> None:
    first = tmp_path / "one" / "roles" / "web"
    (first / "tasks").mkdir(parents=True)
    (first / "tasks" / "main.yml").write_text("[]\n")
    (first / "files").mkdir()
    (first / "files" / "run").write_text("#!/bin/sh\n")
    (first / "files" / "run").chmod(0o755)
    second = tmp_path / "two" / "deeper" / "web"
    shutil.copytree(first, second)
    (second / "tasks" / "main.yml").touch()
    (second / "tasks" / "main.yml").chmod(0o600)
    entries = role_entries(RoleFiles("web", first))
    assert [entry.mode for entry in entries] == ["x", ""]
    assert entries == role_entries(RoleFiles("web", second))
    assert key(files=entries) == key(files=role_entries(RoleFiles("web", second)))


def test_a_name_that_is_not_utf_8_has_a_key(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "caf\udce9").write_text("x")
    assert key(files=role_entries(RoleFiles("web", tmp_path))) != key(files=())
