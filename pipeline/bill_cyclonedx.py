"""A software bill of materials in CycloneDX 1.6: the same bytes for the same image and contents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from pipeline.bill_times import moment
from pipeline.software import Contents, Package, Subject

_TOOL = "baseimage-pipeline"
_OURS = "io.baseimage"
_LICENCES = LicenseFactory()


def cyclonedx(subject: Subject, contents: Contents, used: Iterable[Package], tool: str) -> dict[str, Any]:
    """The bill as JSON data; `used` are roles and collections, `tool` is this program's version."""
    image = Component(
        name=subject.name,
        type=ComponentType.CONTAINER,
        version=subject.version or subject.digest,
        bom_ref=subject.digest,
        hashes=[_hash(subject.digest.removeprefix("sha256:"))],
        properties=[Property(name=f"{_OURS}:{name}", value=text) for name, text in subject.notes.items()],
    )
    parts = [_component(each) for each in dict.fromkeys((*contents.packages, *used))]
    metadata = BomMetaData(
        component=image,
        timestamp=moment(subject.created),
        tools=[],
        properties=[Property(name=f"{_OURS}:not-read", value=f"{name} database") for name in contents.not_read],
    )
    metadata.tools.components.add(Component(name=_TOOL, version=tool, type=ComponentType.APPLICATION))
    if contents.distribution:
        name, _, version = contents.distribution.partition(" ")
        parts.append(Component(name=name, version=version or None, type=ComponentType.OPERATING_SYSTEM, bom_ref="os"))
    bom = Bom(components=parts, metadata=metadata, serial_number=uuid5(NAMESPACE_URL, subject.digest))
    bom.register_dependency(image, parts)
    text = JsonV1Dot6(bom).output_as_string()
    return dict(json.loads(text))


def _component(package: Package) -> Component:
    kind = ComponentType.APPLICATION if package.kind == "role" else ComponentType.LIBRARY
    links = [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(package.homepage))]
    return Component(
        name=package.name,
        version=package.version or None,
        type=kind,
        purl=PackageURL.from_string(package.purl),
        bom_ref=f"{package.kind}:{package.purl}",
        supplier=OrganizationalEntity(name=package.supplier) if package.supplier else None,
        licenses=[_LICENCES.make_from_string(package.licence)] if package.licence else None,
        hashes=[_hash(package.digest)] if package.digest else None,
        external_references=links if package.homepage else None,
        properties=[
            Property(name=f"{_OURS}:{name}", value=value)
            for name, value in (("kind", package.kind), ("source", package.source))
            if value
        ],
    )


def _hash(value: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=value)
