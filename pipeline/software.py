"""What an image is made of, as plain values: the packages in it, and the roles and collections that put them there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package of a distribution or of Python, a role, or a collection.

    `purl` is its package URL, `source` the source package it was built from, `licence` an expression as the package
    states it, `supplier` who packed it ("Name <address>"), `digest` a sha256 in hex, `architecture` the word of its
    package manager. What is not known is "".
    """

    kind: str
    name: str
    version: str
    purl: str
    source: str = ""
    licence: str = ""
    supplier: str = ""
    digest: str = ""
    homepage: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The packages of an image, sorted; its distribution ("debian 13"); databases that are there but were not read."""

    packages: tuple[Package, ...] = ()
    distribution: str = ""
    not_read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The image that is described: its name without a tag, version, manifest digest, and time (RFC 3339)."""

    name: str
    version: str
    digest: str
    created: str
    notes: dict[str, str] = field(default_factory=dict)
