"""What a layer is when it is to be the same whenever it is made."""

from __future__ import annotations

import io
import tarfile

import pytest

from pipeline.layer_archive import opened, tree_of, write_layer
from pipeline.layer_rules import Rules
from tests.unit.layers import CAPABILITY, Line, layer, lines_of

EPOCH = 1_700_000_000
DAY = EPOCH // 86_400


def rewritten(archive: tarfile.TarFile, epoch: int | None = EPOCH) -> tarfile.TarFile:
    target = io.BytesIO()
    write_layer(tree_of([archive], Rules(epoch)), [archive], Rules(epoch), target)
    target.seek(0)
    return opened(target)


def digest_of(*lines: str | Line) -> str:
    archive = layer(*lines)
    return write_layer(tree_of([archive]), [archive], Rules(EPOCH), io.BytesIO())


def test_two_runs_at_other_times_in_another_order_are_the_same() -> None:
    first = digest_of(Line("etc/"), Line("etc/a:1", mtime=1_800_000_000.25, uname="root"), Line("b:2"))
    assert digest_of(Line("b:2"), Line("etc/", mode=0o40644), Line("etc/a:1", mtime=1_900_000_000)) == first
    assert digest_of(Line("b:2"), Line("etc/"), Line("etc/a:one")) != first


def test_which_of_the_hard_links_comes_first_makes_no_difference() -> None:
    assert digest_of("a:1", "b=a") == digest_of("b:1", "a=b")


def test_times_are_no_later_than_the_epoch_and_older_ones_stay() -> None:
    made = rewritten(layer(Line("new:"), Line("old:", mtime=5), Line("wh/.wh.x")))
    assert {head.name: head.mtime for head in made} == {"new": EPOCH, "old": 5, "wh/.wh.x": 0}


def test_what_was_made_in_the_build_gets_the_epoch_also_where_that_is_later() -> None:
    day = 86_400
    rules = Rules(50 * day, ((20 * day, 21 * day), (30 * day, 31 * day + 5)))
    before, between = 20 * day - 1, 25 * day
    assert [rules.time(time) for time in (5, before, between)] == [5, before, between]
    assert {rules.time(time) for time in (20 * day, 31 * day, 99 * day)} == {50 * day}
    assert [rules.day(day) for day in (5, 19, 20, 25, 31, 99)] == [5, 19, 50, 25, 50, 50]


def test_without_an_epoch_everything_stays() -> None:
    lines = ["etc/", "etc/machine-id:1234", "etc/shadow:a:*:99999:", "var/", "var/log/", "var/log/dpkg.log:x"]
    made = rewritten(layer(*(Line(line, mtime=1_900_000_000) for line in lines)), None)
    assert [head.mtime for head in made] == [1_900_000_000] * 6
    assert lines_of(made) == lines


@pytest.mark.parametrize(
    "path",
    ["var/log/dpkg.log", "var/log/apt/history.log", "var/log/apt/eipp.log.xz", "var/cache/ldconfig/aux-cache"],
)
def test_files_that_only_tell_of_the_build_are_left_out(path: str) -> None:
    assert lines_of(rewritten(layer(f"{path}:x", "srv:1"))) == ["srv:1"]


def test_a_link_of_such_a_name_is_somebodys_intention() -> None:
    lines = ["etc/resolv.conf>../run/resolv.conf", "var/lib/dbus/machine-id>/etc/machine-id"]
    assert lines_of(rewritten(layer(*lines))) == lines


def test_another_hard_link_of_a_file_that_is_left_out_keeps_its_content() -> None:
    assert lines_of(rewritten(layer("etc/hostname:x", "srv=etc/hostname"))) == ["srv:x"]


def test_the_machines_id_is_emptied() -> None:
    assert lines_of(rewritten(layer("etc/machine-id:0123456789abcdef"))) == ["etc/machine-id"]


@pytest.mark.parametrize("path", ["etc/shadow", "etc/shadow-"])
def test_days_of_a_passwords_change_are_no_later(path: str) -> None:
    before = f"root:*:{DAY + 90}:0:99999:7:::\nold:!:17:0:99999:7:::\nnever:*::0:::::\n"
    after = before.replace(str(DAY + 90), str(DAY))
    assert lines_of(rewritten(layer(f"{path}:{before}"))) == [f"{path}:{after}"]


def pyc(flags: int, time: int) -> str:
    header = b"\xcb\r\r\n" + flags.to_bytes(4, "little") + time.to_bytes(4, "little") + b"\x07\0\0\0"
    return (header + b"code").decode("latin-1")


def test_compiled_python_stays_valid_for_its_source() -> None:
    now = EPOCH + 1000
    assert lines_of(rewritten(layer(f"a.pyc:{pyc(0, now)}"))) == [f"a.pyc:{pyc(0, EPOCH)}"]
    for text in (pyc(0, 5), pyc(1, now), pyc(3, now), "short"):
        assert lines_of(rewritten(layer(f"a.pyc:{text}"))) == [f"a.pyc:{text}"]


def test_capabilities_stay_and_names_of_owners_and_other_times_do_not() -> None:
    pax = {**CAPABILITY, "SCHILY.xattr.user.note": "é\udcff", "atime": "1800000000.5", "ctime": "1800000000.5"}
    (head,) = rewritten(layer(Line("ping:x", mode=0o104755, uname="root", pax=tuple(pax.items()))))
    assert head.pax_headers.items() >= {**CAPABILITY, "SCHILY.xattr.user.note": "é\udcff"}.items()
    assert not {"atime", "ctime"} & head.pax_headers.keys()
    assert (head.mode, head.uname) == (0o4755, "")


def test_a_file_is_never_held_as_a_whole() -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.largest = max(self.largest, len(data))
            return data

    written = layer(f"big:{'x' * 5_000_000}").fileobj
    assert isinstance(written, io.BytesIO)
    content = Counting(written.getvalue())
    archive = opened(content)
    write_layer(tree_of([archive]), [archive], Rules(EPOCH), io.BytesIO())
    assert content.largest < 2 << 20
