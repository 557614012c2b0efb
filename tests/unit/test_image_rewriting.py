"""An archive of an image turned into one of the rewritten image."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from pipeline.engine import Rewriting
from pipeline.image_archive import SavedImage, compact, image_id
from pipeline.image_rewriting import rewrite_archive
from tests.unit.layers import Line, content_of, layer, lines_of, saved_image

EPOCH = 1_700_000_000
LATEST = "2023-11-14T22:13:20Z"
BEGUN = 1_600_000_000
BASE = content_of(layer("etc/", "etc/os:debian"))
ONE = content_of(layer(Line("etc/", mtime=BEGUN + 9), Line("etc/a:1", mtime=BEGUN + 5), Line("deb:1", mtime=5)))
TWO = content_of(layer(Line("etc/", mtime=BEGUN + 99), "etc/.wh.a", "etc/.wh.os", Line("late:1", mtime=EPOCH + 9)))
HISTORY = [
    {"created": "2020-01-01T00:00:00.123Z", "created_by": "base"},
    {"created": "2020-01-01T00:00:01Z", "created_by": "CMD x", "empty_layer": True},
    {"created": "2020-09-13T12:26:40Z", "created_by": "sleep", "comment": "role one"},
    {"created": "2024-01-01T00:00:00Z", "created_by": "role two"},
    {"created": "2024-01-01T00:00:00Z", "created_by": "configuration", "empty_layer": True},
]


def rewritten(how: Rewriting, layers: list[bytes], *, whole: bool = False) -> tuple[str, SavedImage]:
    source = io.BytesIO(saved_image(layers, created="2024-01-01T00:00:00Z", history=HISTORY, config={"Cmd": ["x"]}))
    target = io.BytesIO()
    identity = rewrite_archive(source, target, how, compact, whole=whole)
    target.seek(0)
    return identity, SavedImage(tarfile.open(fileobj=target))


def contents(image: SavedImage, number: int) -> tuple[list[str], list[float]]:
    with image.layer(image.layers[number]) as content, tarfile.open(fileobj=content) as archive:
        return lines_of(archive), [head.mtime for head in archive]


def test_layers_of_the_base_are_named_and_left_out() -> None:
    identity, image = rewritten(Rewriting(1, epoch=EPOCH), [BASE, ONE, TWO])
    assert image.layers == ["0/layer.tar", "rewritten-0/layer.tar", "rewritten-1/layer.tar"]
    with pytest.raises(KeyError), image.layer("0/layer.tar"):
        pass
    assert identity == image_id(compact(image.body))
    assert image.body["config"] == {"Cmd": ["x"]}


def test_what_was_made_gets_the_epoch_and_what_came_out_of_a_package_keeps_its_time() -> None:
    _, image = rewritten(Rewriting(1, epoch=EPOCH), [BASE, ONE, TWO])
    assert contents(image, 1) == (["deb:1", "etc/", "etc/a:1"], [5, EPOCH, EPOCH])
    assert contents(image, 2) == (["etc/", "etc/.wh.a", "etc/.wh.os", "late:1"], [BEGUN + 99, 0, 0, EPOCH])


def test_a_folder_with_nothing_new_but_a_log_is_left_out() -> None:
    log = content_of(layer(Line("etc/", mtime=BEGUN + 9), "var/", "var/log/", "var/log/dpkg.log:x"))
    more = content_of(layer("var/", "var/log/", "var/log/dpkg.log:y", "srv/", "srv/a:1"))
    _, image = rewritten(Rewriting(1, epoch=EPOCH), [BASE, log, more])
    assert contents(image, 1)[0] == ["var/", "var/log/"]
    assert contents(image, 2)[0] == ["srv/", "srv/a:1"]


def test_the_history_has_one_time_for_all_that_was_made_above_the_base() -> None:
    _, image = rewritten(Rewriting(1, epoch=EPOCH), [BASE, ONE, TWO])
    times = [entry["created"] for entry in image.body["history"]]
    assert times == ["2020-01-01T00:00:00.123Z", "2020-01-01T00:00:01Z", LATEST, LATEST, LATEST]
    assert image.body["created"] == LATEST


def test_merged_layers_have_one_entry_in_the_history_and_nobody_knows_what_was_gone_again() -> None:
    _, image = rewritten(Rewriting(1, merge=True), [BASE, ONE, TWO])
    assert contents(image, 1)[0] == ["deb:1", "etc/", "etc/.wh.os", "late:1"]
    assert [entry["created_by"] for entry in image.body["history"]] == [
        "base",
        "CMD x",
        "role one; role two",
        "configuration",
    ]
    assert len(image.body["rootfs"]["diff_ids"]) == 2


def test_other_stores_get_the_whole_image_with_compressed_layers() -> None:
    packed = [gzip.compress(content) for content in (BASE, ONE, TWO)]
    _, image = rewritten(Rewriting(1, epoch=EPOCH), packed, whole=True)
    bare = rewritten(Rewriting(1, epoch=EPOCH), [BASE, ONE, TWO])[1]
    assert image.body["rootfs"]["diff_ids"][1:] == bare.body["rootfs"]["diff_ids"][1:]
    assert image._stored("0/layer.tar").read() == packed[0]
    assert image._stored(image.layers[1]).read(4) == b"\x1f\x8b\x08\0"
    assert rewritten(Rewriting(1, epoch=EPOCH), packed, whole=True)[0] == image_id(compact(image.body))


def test_a_base_that_cannot_be_read_costs_only_what_would_be_known_of_it() -> None:
    _, image = rewritten(Rewriting(1, merge=True), [b"\x28\xb5\x2f\xfd" + b"zstd" * 300, ONE, TWO])
    assert contents(image, 1)[0] == ["deb:1", "etc/", "etc/.wh.a", "etc/.wh.os", "late:1"]
