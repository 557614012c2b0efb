"""The lock file says the same on every machine, and nothing secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.errors import InputError
from pipeline.module_lock import LockEntry, entry_of, lock_text, parse_lock
from pipeline.modules import Module

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODULE = Module("x", 'roles/a "b"', "https://user:secret@example.org/x.git", tag="1.0")


def test_what_is_written_is_read_again() -> None:
    entries = {path: LockEntry(path, "u: #ü", wanted, COMMIT) for path, wanted in (("roles/b", ""), ('a "1"', "tag 1"))}
    text = lock_text(entries.values())
    assert parse_lock(text, "lock") == entries
    assert lock_text(reversed(entries.values())) == text
    assert parse_lock(lock_text(()), "lock") == {}


def test_what_is_installed_has_a_version_and_a_content() -> None:
    entry = replace(entry_of(MODULE), version="1.0.0", content="c" * 64)
    assert parse_lock(lock_text([entry]), "lock") == {MODULE.path: entry}


def test_credentials_stay_out() -> None:
    assert "secret" not in lock_text([entry_of(MODULE, COMMIT)])
    assert entry_of(MODULE, COMMIT).holds_for(MODULE)


def test_an_entry_holds_only_for_what_was_asked_for_then() -> None:
    entry = entry_of(MODULE, COMMIT)
    assert not entry.holds_for(Module("x", MODULE.path, MODULE.url, tag="1.1"))
    assert not entry.holds_for(Module("x", MODULE.path, "https://example.org/y.git", tag="1.0"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no lock file of version 1"),
        ("version: 2\nmodules: {}\n", "no lock file of version 1"),
        ("version: 1\nmodules: []\n", "no lock file of version 1"),
        (f"version: 1\nmodules: {{../x: {{url: u, commit: '{COMMIT}'}}}}\n", "leads out of the project"),
        ("version: 1\nmodules: {x: {url: u, commit: abc}}\n", "needs a full commit"),
        (f"version: 1\nmodules: {{x: {{commit: '{COMMIT}'}}}}\n", "needs a url, and a commit or content"),
        ("version: 1\nmodules: {x: {url: u, content: abc}}\n", "a content of 64 digits"),
        (f"version: 1\nmodules: {{x: {{url: u, commit: '{COMMIT}', a: b}}}}\n", "unknown key a"),
        ("version: 1\nmodules: {x: y}\n", "must be a map of texts"),
    ],
)
def test_what_was_not_written_by_us_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_lock(text, "lock")
