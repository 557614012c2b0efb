"""What package databases of a root tell: which packages are in it, and which are not any more."""

from __future__ import annotations

import pytest
from packageurl import PackageURL

from pipeline.package_databases import DATABASES, contents, is_database, is_wanted
from pipeline.software import Contents

STATUS = "var/lib/dpkg/status"
APK = "lib/apk/db/installed"
DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n# A comment\n'
DPKG = b"""\
Package: libfoo1
Status: install ok installed
Architecture: amd64
Maintainer: Foo Team <foo@example.org>
Homepage: https://foo.example
Source: foo (1.2-1)
Version: 1.2-1+b1
Description: a library
 of several lines
 .
 with Package: in the text

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: hello
Status: install ok installed
Architecture: amd64
Version: 2:2.10-3
"""
INSTALLED = b"""\
C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
o:musl
m:Timo <timo@example.org>
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:busybox-binsh
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only AND some-words
o:busybox
"""
METADATA = b"Metadata-Version: 2.4\nName: Flask_Thing\nVersion: 3.0\nLicense-Expression: BSD-3-Clause\n\nName: no\n"


def entry(status: str, *, architecture: str = "amd64", version: str = "1.0") -> bytes:
    said = f"Status: {status}\n" if status else ""
    return f"Package: tool\n{said}Architecture: {architecture}\nVersion: {version}\n\n".encode()


def test_installed_packages_of_dpkg_are_found_and_others_are_not() -> None:
    found = contents({"usr/lib/os-release": DEBIAN, STATUS: DPKG})
    assert found.distribution == "debian 13"
    assert [(each.name, each.version, each.source) for each in found.packages] == [
        ("hello", "2:2.10-3", "hello"),
        ("libfoo1", "1.2-1+b1", "foo@1.2-1"),
    ]
    url = PackageURL.from_string(found.packages[1].purl)
    assert (url.type, url.namespace, url.name, url.version) == ("deb", "debian", "libfoo1", "1.2-1+b1")
    assert url.qualifiers == {"arch": "amd64", "distro": "debian-13", "upstream": "foo@1.2-1"}
    assert found.packages[1].supplier == "Foo Team <foo@example.org>"


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok installed", True),
        ("purge ok installed", True),
        ("install reinstreq installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("install ok triggers-awaited", True),
        ("install ok triggers-pending", True),
        ("install reinstreq half-installed", True),
        ("deinstall ok half-installed", True),
        ("deinstall ok config-files", False),
        ("install ok config-files", False),
        ("hold ok config-files", False),
        ("unknown ok not-installed", False),
        ("purge ok not-installed", False),
    ],
)
def test_a_package_of_dpkg_is_there_when_its_files_are_whatever_is_wanted_of_it(
    status: str,
    there: bool,  # noqa: FBT001 - what is expected
) -> None:
    assert [each.name for each in contents({STATUS: entry(status)}).packages] == ["tool"] * there


def test_a_package_of_two_architectures_is_there_twice_and_one_that_is_listed_twice_is_there_once() -> None:
    status = entry("install ok installed") + entry("hold ok installed", architecture="i386")
    found = contents({STATUS: status, f"{STATUS}.d/tool": entry("")}).packages
    assert [(each.name, each.architecture) for each in found] == [("tool", "amd64"), ("tool", "i386")]
    assert len({each.purl for each in found}) == 2


def test_what_is_no_entry_of_a_database_is_passed_over() -> None:
    broken = {STATUS: b"\xff\x00 nonsense\n\n: \n", f"{STATUS}.d/x": b"Package: x\n", APK: b"V:1\n"}
    assert contents(broken) == contents({STATUS: b""}) == contents({}) == Contents()


def test_packages_of_a_distroless_root_are_found() -> None:
    files = {"var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 13\nArchitecture: amd64\n"}
    assert [each.name for each in contents(files).packages] == ["base-files"]


def test_packages_of_apk_are_found() -> None:
    found = contents({"etc/os-release": b"ID=alpine\nVERSION_ID=3.20.1\n", APK: INSTALLED})
    busybox, musl = found.packages
    assert PackageURL.from_string(musl.purl).to_dict()["qualifiers"] == {"arch": "x86_64", "distro": "alpine-3.20.1"}
    assert (musl.version, musl.licence, musl.supplier) == ("1.2.5-r0", "MIT", "Timo <timo@example.org>")
    assert PackageURL.from_string(busybox.purl).qualifiers["upstream"] == "busybox"


def test_what_python_has_installed_is_found_wherever_it_is() -> None:
    (found,) = contents({"opt/venv/site-packages/flask_thing-3.0.dist-info/METADATA": METADATA}).packages
    assert (found.name, found.purl, found.licence) == ("Flask_Thing", "pkg:pypi/flask-thing@3.0", "BSD-3-Clause")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("var/lib/dpkg/status", True),
        ("var/lib/dpkg/status-old", False),
        ("var/lib/dpkg/status.d/base", True),
        ("var/lib/dpkg/status.d/base.md5sums", False),
        ("lib/apk/db/installed", True),
        ("srv/lib/apk/db/installed", False),
        ("usr/lib/python3/dist-packages/x-1.dist-info/METADATA", True),
        ("usr/lib/python3/dist-packages/x-1.dist-info/RECORD", False),
        ("var/lib/rpm/Packages", True),
    ],
)
def test_only_databases_are_wanted(path: str, wanted: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_wanted(path) is wanted


@pytest.mark.parametrize(
    ("path", "database"),
    [
        ("var/lib/dpkg/status", True),
        ("var/lib/dpkg/status.d/base", True),
        ("lib/apk/db/installed", True),
        ("usr/lib/apk/db/installed", True),
        ("usr/lib/os-release", False),
        ("usr/lib/python3/dist-packages/x-1.dist-info/METADATA", False),
    ],
)
def test_the_databases_of_package_managers_are_at_known_places(path: str, database: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_database(path) is database
    assert any(f"/{path}/".startswith(f"{place}/") for place in DATABASES) is database
