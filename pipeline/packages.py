"""The packages of an image, from its package manager's own database: dpkg's and apk's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

DPKG = "/var/lib/dpkg/status"
APK = "/lib/apk/db/installed"
DATABASES = (DPKG, APK)
"""Paths of the files that `installed` reads."""


@dataclass(frozen=True, order=True, slots=True)
class Package:
    """An installed package, as its database names it."""

    name: str
    version: str
    architecture: str


def installed(databases: Mapping[str, bytes]) -> tuple[Package, ...]:
    """The packages, sorted, of the databases that an image has (by path); none where it has no package manager."""
    found = {*_dpkg(databases.get(DPKG, b"")), *_apk(databases.get(APK, b""))}
    return tuple(sorted(found))


def _dpkg(text: bytes) -> Iterator[Package]:
    for entry in _entries(text, ": "):
        # "deinstall ok config-files" and its like: the package is gone, its configuration is not.
        if entry.get("Status", "").endswith(" installed"):
            yield Package(entry["Package"], entry.get("Version", ""), entry.get("Architecture", ""))


def _apk(text: bytes) -> Iterator[Package]:
    for entry in _entries(text, ":"):
        if "P" in entry:
            yield Package(entry["P"], entry.get("V", ""), entry.get("A", ""))


def _entries(text: bytes, colon: str) -> Iterator[dict[str, str]]:
    """Paragraphs of `name: value` lines; lines that go on with another one's value are left out."""
    for paragraph in text.decode(errors="replace").split("\n\n"):
        lines = (line for line in paragraph.splitlines() if line[:1].strip())
        pairs = (line.partition(colon) for line in lines)
        if entry := {name: value.strip() for name, found, value in pairs if found}:
            yield entry
