"""Package databases, and the bills of materials made of them, which the formats' own validators find right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from pipeline.bill_cyclonedx import cyclonedx
from pipeline.bill_spdx import spdx
from pipeline.package_databases import contents, is_wanted
from pipeline.software import Contents, Package, Subject

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
APK = b"""\
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
SUBJECT = Subject("reg.example/shop", "1.0.0", f"sha256:{'a' * 64}", "2026-11-24T10:00:00.123456789+01:00")
ROLE = Package("role", "nginx", "c0ffee", "pkg:generic/ansible-role/nginx@c0ffee", digest="b" * 64)
FILES = {
    "etc/os-release": DEBIAN,
    "var/lib/dpkg/status": DPKG,
    "opt/venv/lib/python3.13/site-packages/flask_thing-3.0.dist-info/METADATA": METADATA,
}


def valid_cyclonedx(bill: dict[str, Any]) -> dict[str, Any]:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    return bill


def valid_spdx(bill: dict[str, Any]) -> dict[str, Any]:
    assert validate_full_spdx_document(JsonLikeDictParser().parse(bill)) == []
    return bill


def test_installed_packages_of_dpkg_are_found_and_others_are_not() -> None:
    found = contents({"usr/lib/os-release": DEBIAN, "var/lib/dpkg/status": DPKG})
    assert found.distribution == "debian 13"
    assert [(each.name, each.version, each.source) for each in found.packages] == [
        ("hello", "2:2.10-3", "hello"),
        ("libfoo1", "1.2-1+b1", "foo@1.2-1"),
    ]
    url = PackageURL.from_string(found.packages[1].purl)
    assert (url.type, url.namespace, url.name, url.version) == ("deb", "debian", "libfoo1", "1.2-1+b1")
    assert url.qualifiers == {"arch": "amd64", "distro": "debian-13", "upstream": "foo@1.2-1"}
    assert found.packages[1].supplier == "Foo Team <foo@example.org>"


def test_packages_of_a_distroless_root_are_found() -> None:
    files = {"var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 13\nArchitecture: amd64\n"}
    assert [each.name for each in contents(files).packages] == ["base-files"]


def test_packages_of_apk_are_found() -> None:
    found = contents({"etc/os-release": b"ID=alpine\nVERSION_ID=3.20.1\n", "lib/apk/db/installed": APK})
    busybox, musl = found.packages
    assert PackageURL.from_string(musl.purl).to_dict()["qualifiers"] == {"arch": "x86_64", "distro": "alpine-3.20.1"}
    assert (musl.version, musl.licence, musl.supplier) == ("1.2.5-r0", "MIT", "Timo <timo@example.org>")
    assert PackageURL.from_string(busybox.purl).qualifiers["upstream"] == "busybox"


def test_what_python_has_installed_is_found_wherever_it_is() -> None:
    (found,) = contents({path: data for path, data in FILES.items() if path.startswith("opt")}).packages
    assert (found.name, found.purl, found.licence) == ("Flask_Thing", "pkg:pypi/flask-thing@3.0", "BSD-3-Clause")


def test_a_database_that_is_not_read_is_named() -> None:
    found = contents({"usr/lib/sysimage/rpm/rpmdb.sqlite": b"SQLite"})
    assert found == Contents(not_read=("rpm",))
    assert "rpm database" in json.dumps(valid_cyclonedx(cyclonedx(SUBJECT, found, (), "1")))
    assert "the rpm database was not read" in json.dumps(valid_spdx(spdx(SUBJECT, found, (), "1")))


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


KEYS = "Package Version Status Architecture Source Maintainer Name License-Expression P V A L o m ID VERSION_ID".split()
LINES = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from([": ", ":", "="]), st.text(max_size=12)).map("".join))
DATABASES = st.sampled_from(["var/lib/dpkg/status", "lib/apk/db/installed", "x.dist-info/METADATA"])


@settings(deadline=None, max_examples=200)
@given(LINES.map("\n".join).map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=200), DATABASES)
def test_whatever_a_database_holds_a_bill_can_be_made(data: bytes, path: str) -> None:
    found = contents({"etc/os-release": data, path: data})
    valid_cyclonedx(cyclonedx(SUBJECT, found, (), "1"))
    valid_spdx(spdx(SUBJECT, found, (), "1"))


def test_a_bill_in_cyclonedx_is_valid_and_complete() -> None:
    bill = valid_cyclonedx(cyclonedx(SUBJECT, contents(FILES), (ROLE,), "0.1.0"))
    assert bill["specVersion"] == "1.6"
    assert bill["metadata"]["timestamp"] == "2026-11-24T09:00:00+00:00"
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    parts = {each["name"]: each for each in bill["components"]}
    assert set(parts) == {"libfoo1", "hello", "Flask_Thing", "nginx", "debian"}
    assert parts["Flask_Thing"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert parts["nginx"]["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    (root,) = (each for each in bill["dependencies"] if each["ref"] == SUBJECT.digest)
    assert len(root["dependsOn"]) == len(parts)


def test_a_bill_in_spdx_is_valid_and_complete() -> None:
    bill = valid_spdx(spdx(SUBJECT, contents(FILES), (ROLE,), "0.1.0"))
    assert bill["spdxVersion"] == "SPDX-2.3"
    assert bill["creationInfo"]["created"] == "2026-11-24T09:00:00Z"
    parts = {each["name"]: each for each in bill["packages"]}
    assert set(parts) == {"reg.example/shop", "libfoo1", "hello", "Flask_Thing", "nginx"}
    assert parts["Flask_Thing"]["licenseDeclared"] == "BSD-3-Clause"
    assert parts["libfoo1"]["supplier"] == "Organization: Foo Team (foo@example.org)"
    assert parts["libfoo1"]["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/libfoo1@")


def test_words_that_are_no_licence_of_spdx_are_kept_as_words() -> None:
    found = contents({"lib/apk/db/installed": APK})
    bill = valid_spdx(spdx(SUBJECT, found, (), "1"))
    (busybox,) = (each for each in bill["packages"] if each["name"] == "busybox-binsh")
    assert busybox["licenseDeclared"] == "NOASSERTION"
    assert "some-words" in busybox["licenseComments"]
    valid_cyclonedx(cyclonedx(SUBJECT, found, (), "1"))


@pytest.mark.parametrize("write", [cyclonedx, spdx])
def test_the_same_image_has_the_same_bill_to_the_byte(write: Any) -> None:
    first = json.dumps(write(SUBJECT, contents(FILES), (ROLE,), "1"))
    again = json.dumps(write(SUBJECT, contents(dict(reversed(FILES.items()))), (ROLE,), "1"))
    assert again == first
    other = Subject(SUBJECT.name, SUBJECT.version, f"sha256:{'c' * 64}", SUBJECT.created)
    assert json.dumps(write(other, contents(FILES), (ROLE,), "1")) != first


@pytest.mark.parametrize("created", ["", "yesterday", "2026-11-24T10:00:00Z", "2026-11-24T10:00:00.1Z"])
def test_an_image_may_say_its_time_in_any_way_or_not_at_all(created: str) -> None:
    subject = Subject("x", "", SUBJECT.digest, created)
    valid_cyclonedx(cyclonedx(subject, Contents(), (), "1"))
    valid_spdx(spdx(subject, Contents(), (), "1"))
