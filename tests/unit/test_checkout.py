"""What is done about a module's folder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.checkout import Checkout, Place, Wishes, decide, keeps_users_work, same_repository
from pipeline.module_lock import LockEntry, entry_of
from pipeline.modules import Module

MODULE = Module("x", "roles/x", "https://example.org/x.git")
OLD, NEW = "a" * 40, "b" * 40
CLEAN = Checkout("repository", MODULE.url, OLD)
INSTALLED, SOURCE = replace(MODULE, archive=True), Checkout("folder", content="c")
PLAIN, UPDATE, FORCE = Wishes(), Wishes(update=True), Wishes(force=True)


def at(commit: str) -> LockEntry | None:
    """What the lock file has for the module."""
    return entry_of(MODULE, commit) if commit else None


@pytest.mark.parametrize(
    ("module", "found", "locked", "wishes", "work"),
    [
        (MODULE, Checkout("missing"), "", PLAIN, "fetch"),
        (MODULE, Checkout("empty"), OLD, PLAIN, "fetch"),
        (MODULE, CLEAN, OLD, PLAIN, "keep"),
        (MODULE, CLEAN, NEW, PLAIN, "move"),
        (MODULE, CLEAN, "", PLAIN, "keep"),
        (replace(MODULE, branch="main"), CLEAN, "", PLAIN, "move"),
        (replace(MODULE, commit=OLD[:8]), CLEAN, "", PLAIN, "keep"),
        (replace(MODULE, commit=OLD[:8]), CLEAN, OLD, UPDATE, "keep"),
        (replace(MODULE, commit=NEW[:8]), CLEAN, OLD, PLAIN, "move"),
        (MODULE, CLEAN, OLD, UPDATE, "move"),
        (MODULE, replace(CLEAN, own=1), OLD, UPDATE, "refuse"),
        (MODULE, replace(CLEAN, own=1), OLD, PLAIN, "keep"),
        (MODULE, replace(CLEAN, changed=True), OLD, PLAIN, "refuse"),
        (MODULE, replace(CLEAN, changed=True), OLD, UPDATE, "refuse"),
        (MODULE, replace(CLEAN, changed=True), OLD, FORCE, "replace"),
        (MODULE, replace(CLEAN, url="https://example.org/y"), OLD, PLAIN, "refuse"),
        (MODULE, replace(CLEAN, url=""), OLD, PLAIN, "refuse"),
        (MODULE, replace(CLEAN, url="https://example.org/y"), OLD, FORCE, "replace"),
    ],
)
def test_each_case_has_its_work(module: Module, found: Checkout, locked: str, wishes: Wishes, work: str) -> None:
    assert decide(module, found, at(locked), wishes).work == work


@pytest.mark.parametrize(
    ("module", "found", "content", "wishes", "work"),
    [
        (INSTALLED, SOURCE, "", PLAIN, "keep"),
        (INSTALLED, SOURCE, "c", PLAIN, "keep"),
        (INSTALLED, SOURCE, "other", PLAIN, "refuse"),
        (replace(INSTALLED, version="2"), SOURCE, "c", PLAIN, "move"),
        (replace(INSTALLED, version="2"), SOURCE, "other", PLAIN, "refuse"),
        (INSTALLED, SOURCE, "", UPDATE, "replace"),
        (INSTALLED, SOURCE, "c", UPDATE, "move"),
        (INSTALLED, SOURCE, "other", UPDATE, "replace"),
        (INSTALLED, SOURCE, "c", FORCE, "replace"),
        (INSTALLED, CLEAN, "c", FORCE, "refuse"),
    ],
)
def test_what_is_installed_is_known_by_its_content(
    module: Module, found: Checkout, content: str, wishes: Wishes, work: str
) -> None:
    locked = replace(entry_of(INSTALLED), content=content) if content else None
    assert decide(module, found, locked, wishes).work == work


@pytest.mark.parametrize("place", ["file", "link", "folder"])
@pytest.mark.parametrize("wishes", [PLAIN, UPDATE, FORCE])
def test_what_was_never_fetched_is_never_touched(place: Place, wishes: Wishes) -> None:
    assert decide(MODULE, Checkout(place), at(OLD), wishes).work == "refuse"


@pytest.mark.parametrize(
    ("found", "wishes"), [(Checkout("missing"), PLAIN), (CLEAN, UPDATE), (replace(CLEAN, changed=True), FORCE)]
)
def test_offline_refuses_what_needs_the_network(found: Checkout, wishes: Wishes) -> None:
    decision = decide(MODULE, found, at(OLD), replace(wishes, offline=True))
    assert (decision.work, "--offline" in decision.reason) == ("refuse", True)


def test_offline_is_content_with_what_is_there() -> None:
    assert decide(MODULE, CLEAN, at(OLD), Wishes(offline=True)).work == "keep"


def test_what_is_lost_by_force_is_said() -> None:
    reason = decide(MODULE, replace(CLEAN, changed=True, own=2), at(OLD), FORCE).reason
    assert "not committed are lost" in reason
    assert "not pushed are lost" in reason


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://u:p@example.org/x.git", "https://example.org/x/", True),
        ("file:///srv/x.git", "/srv/x", True),
        ("https://example.org/x", "https://example.org/xy", False),
        ("", "https://example.org/x", False),
    ],
)
def test_a_repository_is_known_by_its_address(one: str, other: str, *, same: bool) -> None:
    assert same_repository(one, other) is same


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (CLEAN, ""),
        (Checkout("missing"), "not there"),
        (Checkout("folder"), "no checkout"),
        (Checkout("link"), "no checkout"),
        (replace(CLEAN, url="y"), "another repository"),
        (replace(CLEAN, changed=True), "not committed"),
        (replace(CLEAN, own=1), "origin does not have"),
        (replace(CLEAN, ignored=True), "git ignores"),
        (replace(CLEAN, commit=NEW), "another commit"),
    ],
)
def test_only_what_can_be_fetched_again_is_cleaned_away(found: Checkout, reason: str) -> None:
    kept = keeps_users_work(MODULE.url, entry_of(MODULE, OLD), found)
    assert reason in kept
    assert bool(kept) is bool(reason)
