"""Bills of materials made of package databases, which the formats' own validators find right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from pipeline.bill_cyclonedx import cyclonedx
from pipeline.bill_spdx import spdx
from pipeline.package_databases import contents
from pipeline.software import Contents, Package, Subject
from tests.unit.test_package_databases import DEBIAN, DPKG, INSTALLED, METADATA

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


def test_a_database_that_is_not_read_is_named() -> None:
    found = contents({"usr/lib/sysimage/rpm/rpmdb.sqlite": b"SQLite"})
    assert found == Contents(not_read=("rpm",))
    assert "rpm database" in json.dumps(valid_cyclonedx(cyclonedx(SUBJECT, found, (), "1")))
    assert "the rpm database was not read" in json.dumps(valid_spdx(spdx(SUBJECT, found, (), "1")))


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
    found = contents({"lib/apk/db/installed": INSTALLED})
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
