"""YAML text as data with places."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, Problem
from pipeline.yaml_source import JsonValue, YamlSource, kind_of, path_text, read_yaml


def read(text: str) -> YamlSource:
    return read_yaml(text, "recipe.yml")


def fatal(text: str) -> Problem:
    with pytest.raises(InputError) as caught:
        read(text)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("22:22", "22:22"),
        ("1:30.5", "1:30.5"),
        ("2017-09-20", "2017-09-20"),
        ("2017-09-20 10:00:00", "2017-09-20 10:00:00"),
        ("8000", 8000),
        ("-1_000", -1000),
        ("0644", 420),
        ("0x1F", 31),
        ("0b11", 3),
        ("09", "09"),
        ("1.10", 1.1),
        ("1e3", "1e3"),
        ("on", True),
        ("No", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ('"on"', "on"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_scalars_are_read_as_ansible_reads_them_but_never_to_base_60(written: str, value: JsonValue) -> None:
    source = read(f"key: {written}")
    if written == "=":
        assert source.problems[0].message == "the tag !!value is not allowed"
    else:
        assert source.data == {"key": value}
        assert type(source.at(("key",))) is type(value)
        assert source.problems == ()


def test_every_key_and_item_knows_its_line_and_column() -> None:
    source = read("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")
    assert source.places == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "c"): (3, 3),
        ("a", "c", 0): (4, 7),
        ("a", "c", 1): (5, 7),
        ("a", "c", 1, "y"): (5, 7),
    }


def test_scalars_can_be_had_as_they_are_written() -> None:
    source = read('a: {v: 1.10, o: 0644, y: yes, q: "x", n: null, l: [0x1F]}')
    assert source.as_written(("a",)) == {"v": "1.10", "o": "0644", "y": "yes", "q": "x", "n": None, "l": ["0x1F"]}
    assert source.as_written(("nowhere",)) is None


def test_a_key_given_twice_is_a_mistake_that_names_both_lines() -> None:
    source = read("a: 1\nb: 2\na: 3\n")
    assert [str(problem) for problem in source.problems] == ["recipe.yml:3:1: a: this key stands on line 1 already"]
    assert source.problems[0].hint == "keep one of the two"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("1: x", "the key 1 is no text", '"1"'),
        ("on: x", "the key on is no text", '"on"'),
        ("? \n: x", "the key null is no text", ""),
        ("[a, b]: x", "a list or a map cannot be a key", ""),
        ("a: !vault x", "the tag !vault is not allowed", "only plain"),
        ("a: !!python/name:os.system x", "the tag !!python/name:os.system is not allowed", "only plain"),
        ("a: !!set {x}", "the tag !!set is not allowed", "only plain"),
        ("a: !!binary aGk=", "the tag !!binary is not allowed", "only plain"),
        ("a: !!int x", "'x' is not what its tag says", "take the tag away"),
        ("a: !!bool x", "'x' is not what its tag says", "take the tag away"),
        ("a: .inf", ".inf has no finite value", "quotes"),
        ("a: .NaN", ".NaN has no finite value", "quotes"),
        ("<<: 5", "<< takes a map, or a list of maps", "<<: *common"),
        ("<<: [5]", "<< takes a map, or a list of maps", "<<: *common"),
    ],
)
def test_small_mistakes_are_listed_beside_the_data(text: str, message: str, hint: str) -> None:
    (problem,) = read(text).problems
    assert problem.message == message
    assert hint in problem.hint
    assert problem.line >= 1
    assert problem.column >= 1


def test_several_mistakes_are_all_listed() -> None:
    assert [problem.line for problem in read("1: a\nb: .inf\nc: !x y\nb: 2\n").problems] == [1, 4, 2, 3]


def test_a_mistake_under_an_anchor_is_listed_once_though_it_is_used_twice() -> None:
    assert len(read("a: &x {k: 1, k: 2}\nb: *x\nc: {<<: *x}\n").problems) == 1


def test_anchors_and_merge_keys_work_and_the_own_key_wins() -> None:
    source = read("a: &a {p: 1, q: 1}\nb: &b {p: 2, r: 2}\nc:\n  q: 3\n  <<: [*a, *b]\nd: *a\n")
    assert source.at(("c",)) == {"p": 1, "q": 3, "r": 2}
    assert source.at(("d",)) == {"p": 1, "q": 1}
    assert source.line(("c", "q")) == 4
    assert source.line(("c", "r")) == 2
    assert source.problems == ()


def test_merged_maps_may_merge_others() -> None:
    source = read("a: &a {p: 1}\nb: &b {<<: *a, q: 2}\nc: {<<: *b}\n")
    assert source.at(("c",)) == {"p": 1, "q": 2}


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: [1\nb: 2", "this is not valid YAML", 2, 2),
        ("a:\n\t- b", "cannot start any token", 2, 1),
        ("a: *b", "undefined alias 'b'", 1, 4),
        ("a: 1\n---\nb: 2", "another document", 2, 1),
        ("a: \n  b: \x01", "a character that YAML does not allow", 2, 6),
        ("a: &a [*a]", "an anchor holds itself", 1, 4),
        ("a: &a {b: *a}", "an anchor holds itself", 1, 4),
        ("a: &a {<<: *a}", "an anchor holds itself", 1, 4),
        ("[" * 3000, "nested too deeply", 0, 0),
    ],
)
def test_a_text_that_is_no_yaml_says_where(text: str, message: str, line: int, column: int) -> None:
    problem = fatal(text)
    assert message in problem.message
    assert (problem.line, problem.column) == (line, column)


def test_a_tab_gets_the_hint_to_use_spaces() -> None:
    assert fatal("a:\n\t- b").hint == "indent with spaces"


@pytest.mark.parametrize("join", ["[{}]", "{{<<: [{}]}}"])
def test_anchors_that_multiply_without_end_are_stopped(join: str) -> None:
    names = "abcdefgh"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]" if "<<" not in join else "a: &a {x: 1}"]
    for below, name in pairwise(names):
        lines.append(f"{name}: &{name} " + join.format(",".join([f"*{below}"] * 9)))
    assert "anchors make more than" in fatal("\n".join(lines)).message


def test_an_empty_text_holds_nothing() -> None:
    assert read("").data is None
    assert read("# nothing\n").data is None


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert read("\ufeffa: 1\r\nb: 2\r\n").data == {"a": 1, "b": 2}


def test_a_problem_stands_at_the_nearest_known_place() -> None:
    problem = read("a:\n  b: 1\n").problem(("a", "b", "c"), "is missing", "add it")
    assert problem == Problem("recipe.yml", 2, 3, "a.b.c", "is missing", "add it")


def test_key_paths_read_as_people_write_them() -> None:
    assert path_text(("services", "web", "roles", 0, "role")) == "services.web.roles[0].role"
    assert path_text(()) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [([], "a list"), ({}, "a map"), ("", "a text"), (True, "true or false"), (1, "a number"), (None, "nothing")],
)
def test_kinds_of_values_have_plain_words(value: object, words: str) -> None:
    assert kind_of(value) == words


@given(st.text(max_size=200))
def test_any_text_is_either_read_or_refused_with_a_place(text: str) -> None:
    try:
        problems = read(text).problems
    except InputError as error:
        problems = error.problems
    assert all(problem.file == "recipe.yml" for problem in problems)
