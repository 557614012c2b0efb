"""The package databases of a root, read into packages: dpkg, apk, and what Python's installers leave.

Files come as bytes by path without a leading slash; which ones are wanted, `is_wanted` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser

from debian.deb822 import Deb822
from packageurl import PackageURL

from pipeline.software import Contents, Package

_RELEASES = ("etc/os-release", "usr/lib/os-release")
_DPKG = re.compile(r"var/lib/dpkg/status(\.d/(?!.*\.md5sums)[^/]+)?")
_APK = re.compile(r"(usr/)?lib/apk/db/installed")
_PYTHON = re.compile(r".+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
_RPM = re.compile(r"(var/lib|usr/lib/sysimage)/rpm/(rpmdb\.sqlite|Packages|Packages\.db)")
_INSTALLED = "install ok installed"


def is_wanted(path: str) -> bool:
    """Whether a file is one of those that `contents` reads."""
    return path in _RELEASES or any(form.fullmatch(path) for form in (_DPKG, _APK, _PYTHON, _RPM))


def contents(files: Mapping[str, bytes]) -> Contents:
    """All packages that the databases know. What is no entry of a database is passed over."""
    release = _release(files)
    found: set[Package] = set()
    for path, data in files.items():
        text = data.decode("utf-8", "replace")
        if _DPKG.fullmatch(path):
            found |= set(_dpkg(text, release))
        elif _APK.fullmatch(path):
            found |= set(_apk(text, release))
        elif _PYTHON.fullmatch(path):
            found |= set(_python(text))
    unread = ("rpm",) if any(_RPM.fullmatch(path) for path in files) else ()
    distribution = " ".join(release[key] for key in ("ID", "VERSION_ID") if release.get(key))
    return Contents(tuple(sorted(found)), distribution, unread)


def _release(files: Mapping[str, bytes]) -> dict[str, str]:
    text = next((files[path] for path in _RELEASES if files.get(path)), b"").decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _distro(release: Mapping[str, str]) -> dict[str, str]:
    parts = [release[key] for key in ("ID", "VERSION_ID") if release.get(key)]
    return {"distro": "-".join(parts)} if parts else {}


def _dpkg(text: str, release: Mapping[str, str]) -> Iterator[Package]:
    for entry in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        name, version = entry.get("Package", ""), entry.get("Version", "")
        # Distroless roots keep no status: what is listed there is installed.
        if not name or not version or entry.get("Status", _INSTALLED) != _INSTALLED:
            continue
        source, _, other = entry.get("Source", "").partition(" ")
        origin = f"{source}@{other.strip('()')}" if other else source
        qualifiers = {"arch": entry.get("Architecture", ""), **_distro(release)}
        qualifiers |= {"upstream": origin} if origin else {}
        yield Package(
            kind="deb",
            name=name,
            version=version,
            purl=_purl("deb", release.get("ID", "debian"), name, version, qualifiers),
            source=origin or name,
            supplier=entry.get("Maintainer", ""),
            homepage=entry.get("Homepage", ""),
        )


def _apk(text: str, release: Mapping[str, str]) -> Iterator[Package]:
    """Blocks of lines `letter:value`; lines of files and folders repeat, those of the package itself come first."""
    for block in re.split(r"\n\s*\n", text):
        entry: dict[str, str] = {}
        for line in block.splitlines():
            key, colon, value = line.partition(":")
            if colon:
                entry.setdefault(key, value)
        name, version = entry.get("P", ""), entry.get("V", "")
        if not name or not version:
            continue
        origin = entry.get("o", "")
        qualifiers = {"arch": entry.get("A", ""), **_distro(release)}
        qualifiers |= {"upstream": origin} if origin not in ("", name) else {}
        yield Package(
            kind="apk",
            name=name,
            version=version,
            purl=_purl("apk", release.get("ID", "alpine"), name, version, qualifiers),
            source=origin or name,
            licence=entry.get("L", ""),
            supplier=entry.get("m", ""),
            homepage=entry.get("U", ""),
        )


def _python(text: str) -> Iterator[Package]:
    entry = HeaderParser().parsestr(text, headersonly=True)
    name, version = str(entry.get("Name", "")).strip(), str(entry.get("Version", "")).strip()
    if name and version:
        licence = str(entry.get("License-Expression", "")).strip()
        purl = _purl("pypi", "", re.sub(r"[-_.]+", "-", name).lower(), version, {})
        yield Package("pypi", name, version, purl, licence=licence)


def _purl(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    said = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(kind, namespace or None, name, version, said or None).to_string()
