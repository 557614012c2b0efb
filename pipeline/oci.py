"""What a registry holds, as values, and the few verbs for one repository of it (OCI distribution)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What an index, or the list of referrers, says of one manifest."""

    digest: str
    size: int
    media_type: str = MANIFEST
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands in an index."""
        body = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        said = {"artifactType": self.artifact_type, "annotations": dict(self.annotations)}
        return body | {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes, with the digest that they have."""

    digest: str
    media_type: str
    data: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON; {} where it is none."""
        try:
            body = json.loads(self.data)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


def descriptors(index: Manifest) -> tuple[Descriptor, ...]:
    """The manifests that an index lists; what is no descriptor is left out."""
    listed = index.body.get("manifests")
    listed = listed if isinstance(listed, list) else []
    return tuple(
        Descriptor(
            digest=str(each["digest"]),
            size=each["size"] if isinstance(each.get("size"), int) else 0,
            media_type=str(each.get("mediaType") or MANIFEST),
            artifact_type=str(each.get("artifactType") or ""),
            annotations=each["annotations"] if isinstance(each.get("annotations"), dict) else {},
        )
        for each in listed
        if isinstance(each, dict) and each.get("digest")
    )


class Store(Protocol):
    """One repository of a registry. Every method raises RegistryError; what comes has the digest it was asked by."""

    name: str
    """Registry and repository, as in an image's name."""

    def manifest(self, reference: str) -> Manifest | None:
        """The manifest under a tag or digest, None where there is none. Raises AlteredError."""
        ...

    def blob(self, digest: str) -> bytes:
        """A blob's bytes. Raises AlteredError."""
        ...

    def put_blob(self, data: bytes) -> str:
        """Store bytes, unless they are there; their digest."""
        ...

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> str:
        """Store a manifest under a tag or its digest; its digest."""
        ...

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """What refers to a manifest; None where the registry has no such list (before OCI 1.1)."""
        ...

    def patiently(self, what: str, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, which is made again for a while as long as it raises TransientError."""
        ...
