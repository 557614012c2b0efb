"""Semantic versions: which texts are one, and which one comes next."""

from __future__ import annotations

import re

import semver

from pipeline.errors import UsageError

PARTS = ("major", "minor", "patch", "pre")


def check_version(text: str) -> str:
    """The text itself, if it is a semantic version without a leading v. Raises UsageError."""
    if not semver.Version.is_valid(text):
        raise UsageError(f"{text!r} is not a version of the form 1.2.3", hint=_nearest_version(text))
    return text


def bumped(version: str, wanted: str) -> str:
    """The version after `version`: its next major, minor, patch or pre(-release: rc.1, rc.2, …), or `wanted` itself.

    A pre-release comes before its own version: the patch after 1.2.3-rc.1 is 1.2.3. Raises UsageError for what is
    no version, and for one that lies below the present one.
    """
    now = semver.Version.parse(check_version(version))
    if wanted in PARTS:
        return str(now.next_version("prerelease" if wanted == "pre" else wanted))
    if is_above(version, check_version(wanted)):
        raise UsageError(f"{wanted} lies below {version}, the present version", hint="a version only goes up")
    return wanted


def final(version: str) -> str:
    """x.y.z of a valid version, without what marks a pre-release or a build."""
    return str(semver.Version.parse(version).finalize_version())


def is_above(version: str, other: str) -> bool:
    """Whether a valid version comes after another one."""
    return semver.Version.parse(version) > semver.Version.parse(other)


def tagged_version(tag: str) -> str:
    """The version that a tag of git's names, with or without a leading v; "" for any other tag."""
    text = tag.removeprefix("v")
    return text if semver.Version.is_valid(text) else ""


def _nearest_version(text: str) -> str:
    """A correction: without a leading v, with three numbers, without leading zeros."""
    match = re.fullmatch(r"[vV]?\.?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+].*)?", text.strip())
    if not match:
        return "write three numbers such as 0.1.0"
    version = ".".join(str(int(number or 0)) for number in match.groups()[:3]) + (match[4] or "")
    return f"write {version}" if semver.Version.is_valid(version) else "write three numbers such as 0.1.0"
