"""A software bill of materials in SPDX 2.3: the same bytes for the same image and contents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from license_expression import ExpressionError, get_spdx_licensing
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.model import Package as SpdxPackage

from pipeline.bill_times import moment
from pipeline.software import Contents, Package, Subject

_DOCUMENT = "SPDXRef-DOCUMENT"
_IMAGE = "SPDXRef-Image"
_ADDRESS = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]+)>")
_LICENCES = get_spdx_licensing()


def spdx(subject: Subject, contents: Contents, used: Iterable[Package], tool: str) -> dict[str, Any]:
    """The bill as JSON data; `used` are roles and collections, `tool` is this program's version."""
    creation = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=subject.name,
        document_namespace=f"urn:uuid:{uuid5(NAMESPACE_URL, subject.digest)}",
        creators=[Actor(ActorType.TOOL, f"baseimage-pipeline-{tool}")],
        created=moment(subject.created),
        creator_comment=_comment(contents),
    )
    image = SpdxPackage(
        spdx_id=_IMAGE,
        name=subject.name,
        version=subject.version or subject.digest,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, subject.digest.removeprefix("sha256:"))],
        primary_package_purpose=PackagePurpose.CONTAINER,
        comment="; ".join(f"{name}: {text}" for name, text in subject.notes.items()) or None,
    )
    parts = [_package(each, number) for number, each in enumerate(dict.fromkeys((*contents.packages, *used)), 1)]
    relations = [Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _IMAGE)]
    relations += [Relationship(_IMAGE, RelationshipType.CONTAINS, part.spdx_id) for part in parts]
    document = Document(creation, [image, *parts], relationships=relations)
    return dict(DocumentConverter().convert(document))


def _package(package: Package, number: int) -> SpdxPackage:
    purl = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", package.purl)
    role = package.kind in ("role", "collection")
    return SpdxPackage(
        spdx_id=f"SPDXRef-{number}-{re.sub(r'[^A-Za-z0-9.-]', '-', f'{package.kind}-{package.name}')}",
        name=package.name,
        version=package.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        supplier=_supplier(package.supplier),
        source_info=f"built from {package.source}" if package.source else None,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, package.digest)] if package.digest else [],
        license_declared=_licence(package.licence),
        license_comment=f"as the package states it: {package.licence}" if package.licence else None,
        comment=f"an Ansible {package.kind} that the image was made with" if role else None,
        external_references=[purl],
    )


def _licence(text: str) -> Any:
    """An expression of SPDX's own licences; no statement where a package says something else."""
    try:
        return _LICENCES.parse(text, validate=True) or SpdxNoAssertion()
    except ExpressionError:
        return SpdxNoAssertion()


def _supplier(text: str) -> Actor | SpdxNoAssertion:
    found = _ADDRESS.fullmatch(text)
    name = (found["name"] if found else text).strip("\"' ")
    if not name:
        return SpdxNoAssertion()
    return Actor(ActorType.ORGANIZATION, name, found["address"] if found else None)


def _comment(contents: Contents) -> str | None:
    said = [f"distribution: {contents.distribution}"] if contents.distribution else []
    said += [f"the {name} database was not read" for name in contents.not_read]
    return "; ".join(said) or None
