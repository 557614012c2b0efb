"""The package databases of a root, read into packages: dpkg, apk, and what Python's installers leave.

Files come as bytes by path without a leading slash. What a distribution's package manager keeps lies at `DATABASES`
and is told by `is_database`; for a whole bill every file of the root is asked for by `is_wanted`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipeline.software import Contents, Package

DATABASES = ("/var/lib/dpkg/status", "/var/lib/dpkg/status.d", "/lib/apk/db/installed", "/usr/lib/apk/db/installed")
"""Where dpkg's and apk's databases lie: files, and a folder of them."""

_RELEASES = ("etc/os-release", "usr/lib/os-release")
_DPKG = re.compile(r"var/lib/dpkg/status(\.d/(?!.*\.md5sums)[^/]+)?")
_APK = re.compile(r"(usr/)?lib/apk/db/installed")
_PYTHON = re.compile(r".+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
_RPM = re.compile(r"(var/lib|usr/lib/sysimage)/rpm/(rpmdb\.sqlite|Packages|Packages\.db)")
_NO_FILES = ("not-installed", "config-files")


def is_database(path: str) -> bool:
    """Whether a file lists packages of dpkg or apk."""
    return any(form.fullmatch(path) for form in (_DPKG, _APK))


def is_wanted(path: str) -> bool:
    """Whether a file is one of those that `contents` reads."""
    return path in _RELEASES or is_database(path) or any(form.fullmatch(path) for form in (_PYTHON, _RPM))


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
    from debian.deb822 import Deb822  # noqa: PLC0415 - 50 ms, and most runs read no package

    for entry in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        name, version = entry.get("Package", ""), entry.get("Version", "")
        if not name or not version or not _has_files(entry.get("Status", "")):
            continue
        source, _, other = entry.get("Source", "").partition(" ")
        origin = f"{source}@{other.strip('()')}" if other else source
        architecture = entry.get("Architecture", "")
        qualifiers = {"arch": architecture, **_distro(release)}
        qualifiers |= {"upstream": origin} if origin else {}
        yield Package(
            kind="deb",
            name=name,
            version=version,
            purl=_purl("deb", release.get("ID", "debian"), name, version, qualifiers),
            source=origin or name,
            supplier=entry.get("Maintainer", ""),
            homepage=entry.get("Homepage", ""),
            architecture=architecture,
        )


def _has_files(status: str) -> bool:
    """Whether an entry's files are in the root, all of them or (half-installed) some.

    A status is three words (deb-status in dpkg's own pages): what is wanted of the package, whether it is in order,
    and the state that it is in. Only the last one counts: a package on hold is there, and so is one that is to be
    removed and has not been. Distroless roots keep no status: what is listed there is there.
    """
    words = status.split()
    return not words or words[-1] not in _NO_FILES


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
            architecture=entry.get("A", ""),
        )


def _python(text: str) -> Iterator[Package]:
    from email.parser import HeaderParser  # noqa: PLC0415 - as deb822

    entry = HeaderParser().parsestr(text, headersonly=True)
    name, version = str(entry.get("Name", "")).strip(), str(entry.get("Version", "")).strip()
    if name and version:
        licence = str(entry.get("License-Expression", "")).strip()
        purl = _purl("pypi", "", re.sub(r"[-_.]+", "-", name).lower(), version, {})
        yield Package("pypi", name, version, purl, licence=licence)


def _purl(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    from packageurl import PackageURL  # noqa: PLC0415 - as deb822

    said = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(kind, namespace or None, name, version, said or None).to_string()
