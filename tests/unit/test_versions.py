"""Which version comes next, and how it gets into version.txt."""

from __future__ import annotations

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.project import parse_version, rewritten
from pipeline.versions import bumped, tagged_version


@pytest.mark.parametrize(
    ("version", "wanted", "next_one"),
    [
        ("0.0.1", "patch", "0.0.2"),
        ("0.0.9", "patch", "0.0.10"),
        ("0.9.9", "patch", "0.9.10"),
        ("0.9.9", "minor", "0.10.0"),
        ("0.17.9", "patch", "0.17.10"),
        ("0.99.5", "minor", "0.100.0"),
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "pre", "1.2.4-rc.1"),
        ("1.2.4-rc.1", "pre", "1.2.4-rc.2"),
        ("1.2.3-rc.1", "patch", "1.2.3"),
        ("1.2.3-rc.1", "minor", "1.3.0"),
        ("1.3.0-rc.1", "minor", "1.3.0"),
        ("2.0.0-rc.1", "major", "2.0.0"),
        ("1.2.3+7", "patch", "1.2.4"),
        ("1.2.3", "1.2.10", "1.2.10"),
        ("1.2.3", "1.2.3", "1.2.3"),
        ("1.2.3-rc.2", "1.2.3", "1.2.3"),
    ],
)
def test_versions_are_counted_in_numbers_not_in_digits(version: str, wanted: str, next_one: str) -> None:
    assert bumped(version, wanted) == next_one


@pytest.mark.parametrize(
    ("version", "wanted", "message", "hint"),
    [
        ("1.2", "patch", "'1.2' is not a version", "write 1.2.0"),
        ("0.08.9", "patch", "'0.08.9' is not a version", "write 0.8.9"),
        ("1.2.3", "v1.3.0", "'v1.3.0' is not a version", "write 1.3.0"),
        ("1.2.3", "micro", "'micro' is not a version", "three numbers"),
        ("1.2.3", "1.2.2", "1.2.2 lies below 1.2.3", "only goes up"),
        ("1.2.3", "1.2.3-rc.1", "1.2.3-rc.1 lies below 1.2.3", "only goes up"),
    ],
)
def test_what_is_no_next_version_is_refused(version: str, wanted: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        bumped(version, wanted)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("1.2.3", "1.3.0"),
        ("1.2.3\n", "1.3.0\n"),
        ("\ufeff# was 1.2.3\r\n1.2.3  # not 1.2.3\r\n", "\ufeff# was 1.2.3\r\n1.3.0  # not 1.2.3\r\n"),
        (
            "# release=1.2.3\nrepository=acme/1.2.3\n  release = 1.2.3   # soon\nprefix=v1.2.3\n",
            "# release=1.2.3\nrepository=acme/1.2.3\n  release = 1.3.0   # soon\nprefix=v1.2.3\n",
        ),
    ],
)
def test_a_new_version_changes_nothing_else_in_the_file(text: str, after: str) -> None:
    assert rewritten(text, "version.txt", "1.3.0") == after
    assert parse_version(after, "version.txt") == "1.3.0"


def test_a_file_without_a_version_gets_none() -> None:
    with pytest.raises(InputError, match="no version is given"):
        rewritten("repository = acme/base\n", "version.txt", "1.3.0")


@pytest.mark.parametrize(
    ("tag", "version"), [("1.2.3", "1.2.3"), ("v1.2.3-rc.1", "1.2.3-rc.1"), ("1.2", ""), ("nightly", ""), ("", "")]
)
def test_a_tag_names_a_version_with_or_without_a_v(tag: str, version: str) -> None:
    assert tagged_version(tag) == version
