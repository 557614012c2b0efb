"""Layers merged into one: what it holds, and that it does to any base what the layers did one after the other."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.layer_archive import opened, tree_of, write_layer
from pipeline.layer_rules import Rules
from tests.unit.layers import CAPABILITY, Line, applied, layer, lines_of


def merged(*layers: tarfile.TarFile, base: tuple[tarfile.TarFile, ...] | None = None) -> tarfile.TarFile:
    """One layer of several; over a base, or over one that nobody knows."""
    tree, target = tree_of(layers), io.BytesIO()
    if base is not None:
        tree.over(tree_of(base))
    write_layer(tree, layers, Rules(), target)
    target.seek(0)
    return opened(target)


BASE = layer("etc/", "etc/os:debian", "etc/d/", "etc/d/one:1", "etc/d/two:2", "bin>usr/bin")
CASES: dict[str, tuple[list[tarfile.TarFile], list[str]]] = {
    "a file of a later layer": ([layer("etc/", "etc/a:1"), layer("etc/", "etc/a:2")], ["etc/", "etc/a:2"]),
    "a file added and taken away is gone": ([layer("etc/", "etc/a:1"), layer("etc/", "etc/.wh.a")], ["etc/"]),
    "a folder added and taken away is gone with all in it": (
        [layer("x/", "x/y/", "x/y/a:1"), layer(".wh.x")],
        [],
    ),
    "a file of the base that is taken away": ([layer("etc/", "etc/.wh.os"), layer("etc/")], ["etc/", "etc/.wh.os"]),
    "a folder of the base that is taken away": ([layer("etc/", "etc/.wh.d")], ["etc/", "etc/.wh.d"]),
    "what is taken away twice": (
        [layer("etc/", "etc/.wh.os"), layer("etc/", "etc/.wh.os")],
        ["etc/", "etc/.wh.os"],
    ),
    "a file of the base taken away and made again": (
        [layer("etc/", "etc/.wh.os"), layer("etc/", "etc/os:mine")],
        ["etc/", "etc/os:mine"],
    ),
    "a folder of the base taken away and made again hides what it had": (
        [layer("etc/", "etc/.wh.d"), layer("etc/", "etc/d/", "etc/d/three:3")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/three:3"],
    ),
    "a folder emptied": (
        [layer("etc/", "etc/d/", "etc/d/three:3"), layer("etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/four:4")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/four:4"],
    ),
    "a marker in a folder stays when the folder is changed again": (
        [layer("etc/", "etc/d/", "etc/d/.wh..wh..opq"), layer("etc/", "etc/d/", "etc/d/five:5")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/five:5"],
    ),
    "a new folder needs no marker, whatever the engine wrote": (
        [layer("new/", "new/.wh..wh..opq", "new/a:1"), layer("new/", "new/b:2")],
        ["new/", "new/a:1", "new/b:2"],
    ),
    "a whiteout means the layers below, wherever it stands": (
        [layer("etc/", "etc/d/", "etc/d/one:new", "etc/.wh.d")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/one:new"],
    ),
    "a folder becomes a file": (
        [layer("etc/", "etc/d/", "etc/d/six:6"), layer("etc/", "etc/d:file")],
        ["etc/", "etc/d:file"],
    ),
    "a folder becomes a file and a folder again": (
        [layer("etc/", "etc/d:file"), layer("etc/", "etc/d/", "etc/d/seven:7")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/seven:7"],
    ),
    "a link becomes a folder": (
        [layer("bin/", "bin/sh:x")],
        ["bin/", "bin/sh:x"],
    ),
    "a file where the next layer has a path through it": (
        [layer("etc/", "etc/d:file"), layer("etc/d/eight:8")],
        ["etc/", "etc/d/", "etc/d/.wh..wh..opq", "etc/d/eight:8"],
    ),
    "hard links lose the one that is changed": (
        [layer("a:1", "b=a", "c=a"), layer("a:2")],
        ["a:2", "b:1", "c=b"],
    ),
    "hard links lose the one that is taken away": ([layer("a:1", "b=a", "c=a"), layer(".wh.a")], ["b:1", "c=b"]),
    "a hard link to a file of a layer before": ([layer("a:1"), layer("b=a")], ["a:1", "b=a"]),
    "a hard link of a hard link": ([layer("c:1", "b=c", "a=b")], ["a:1", "b=a", "c=a"]),
    "names in the order of their bytes, a folder before what is in it": (
        [layer("b:", "a.c:", "a/", "a/z:", "B:", "ä:")],
        ["B", "a/", "a/z", "a.c", "b", "ä"],
    ),
    "the root folder": ([layer("./", "./a:1")], ["./", "a:1"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_layer_holds(case: str) -> None:
    layers, wanted = CASES[case]
    assert lines_of(merged(*layers, base=(BASE,))) == wanted


@pytest.mark.parametrize("case", CASES)
def test_one_layer_does_what_all_of_them_did(case: str) -> None:
    layers, _ = CASES[case]
    wanted = applied([BASE, *layers])
    assert applied([BASE, merged(*layers, base=(BASE,))]) == wanted
    assert applied([BASE, merged(*layers)]) == wanted


def test_attributes_go_with_the_entry_that_is_left() -> None:
    lower = layer(Line("a:1", mode=0o4755, pax=tuple(CAPABILITY.items())), Line("d/", mode=0o700))
    made = merged(lower, layer(Line("d/", mode=0o1777), "d/b:2"), base=())
    found = {head.name: (oct(head.mode), head.pax_headers) for head in made}
    assert found == {"a": ("0o4755", CAPABILITY), "d": ("0o1777", {}), "d/b": ("0o644", {})}


def test_folders_that_were_only_passed_by_are_forgotten_on_request() -> None:
    below = layer(Line("tmp/", mode=0o41777), "etc/", "etc/d/", "var/")
    ours = layer(Line("tmp/", mode=0o1777), "etc/", "etc/d/", Line("var/", mode=0o700), "new/", ".wh.x")
    for touched, wanted in ((True, ["etc/", "etc/d/", "new/", "tmp/", "var/"]), (False, ["new/", "var/"])):
        tree, target = tree_of([ours]), io.BytesIO()
        tree.over(tree_of([below]), touched=touched)
        write_layer(tree, [ours], Rules(), target)
        target.seek(0)
        assert lines_of(opened(target)) == wanted


NAMES = st.sampled_from(["a", "b", "a/x", "a/y", "a/x/1", "b/z"])
ENTRIES = st.one_of(
    NAMES.map(lambda name: f"{name}/"),
    st.tuples(NAMES, st.sampled_from("123")).map(":".join),
    NAMES.map(lambda name: "/".join((*name.split("/")[:-1], f".wh.{name.split('/')[-1]}"))),
    st.sampled_from(["a", "b", "a/x"]).map(lambda name: f"{name}/.wh..wh..opq"),
)


def whole(lines: list[str]) -> tarfile.TarFile:
    """A layer as an engine writes it: no path twice, and the folders of each entry before it."""
    entries: dict[str, str] = {}
    for line in lines:
        path = line.partition(":")[0].rstrip("/")
        parts = path.split("/")
        above = ["/".join(parts[:number]) for number in range(1, len(parts))]
        if path in entries or any(entries.get(each, "/")[-1] != "/" for each in above):
            continue
        if any(other.startswith(f"{path}/") for other in entries) and not line.endswith("/"):
            continue
        entries |= {each: f"{each}/" for each in above if each not in entries}
        entries[path] = line
    return layer(*entries.values())


@given(st.lists(st.lists(ENTRIES, max_size=6).map(whole), min_size=1, max_size=4), st.lists(ENTRIES, max_size=6))
def test_whatever_layers_there_are_one_does_the_same(layers: list[tarfile.TarFile], below: list[str]) -> None:
    base = whole([line for line in below if ".wh." not in line])
    wanted = applied([base, *layers])
    assert applied([base, merged(*layers, base=(base,))]) == wanted
    assert applied([base, merged(*layers)]) == wanted
