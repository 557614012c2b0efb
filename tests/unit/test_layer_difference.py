"""What is said of two layers, and of two images, that differ."""

from __future__ import annotations

import tarfile
from typing import IO

from pipeline.archive_difference import compared
from pipeline.layer_difference import differences
from tests.unit.fake_engine import FakeEngine
from tests.unit.layers import Line, content_of, layer, saved_image


def found(first: list[str | Line], second: list[str | Line]) -> list[str]:
    return list(differences(layer(*first), layer(*second)))


def test_the_same_layers_differ_in_nothing() -> None:
    assert found(["a/", "a/b:1", "c>d"], ["a/", "a/b:1", "c>d"]) == []


def test_each_path_says_what_of_it_differs() -> None:
    assert found(
        ["only", Line("mode", mode=0o600), Line("time", mtime=1), "same:12345", "size:1", "link>a", "kind"],
        [Line("mode", mode=0o644), Line("time", mtime=2), "same:12x45", "size:12", "link>b", "kind/", "new"],
    ) == [
        "/kind: kind file and folder",
        "/link: target a and b",
        "/mode: mode 0o600 and 0o644",
        "/new: only in the second",
        "/only: only in the first",
        "/same: content from byte 2 on",
        "/size: size 1 and 2; content from byte 1 on",
        "/time: mtime 1 and 2",
    ]


def test_another_order_is_a_difference() -> None:
    assert found(["a", "b"], ["b", "a"]) == ["the entries stand in another order"]


class Shelf(FakeEngine):
    """An engine with archives of two images."""

    def __init__(self, **archives: bytes) -> None:
        super().__init__()
        self.archives = archives

    def save(self, image: str, target: IO[bytes]) -> None:
        target.write(self.archives[image])


def image(created: str, *layers: tarfile.TarFile) -> bytes:
    history = [{"created_by": "root"}, {"created_by": "ENV", "empty_layer": True}, {"comment": "role a"}]
    return saved_image(map(content_of, layers), created=created, history=history)


def test_images_say_which_layer_differs_and_what_made_it() -> None:
    one, other = image("now", layer("a"), layer("b:1")), image("then", layer("a"), layer("b:2"))
    assert compared(Shelf(one=one, other=other), "one", "other") == (
        "created: now and then",
        "layer 2 (role a): /b: content from byte 0 on",
    )
    assert compared(Shelf(one=one, other=one), "one", "other") == ()


def test_images_with_more_layers_than_the_other_are_not_compared_by_file() -> None:
    one, other = image("now", layer("a")), image("now", layer("a"), layer("b"))
    assert compared(Shelf(one=one, other=other), "one", "other") == ("layers: 1 and 2",)
