"""A repository of a registry in memory, with or without the list of referrers that came with OCI 1.1."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.errors import AlteredError, RegistryError, TransientError
from pipeline.oci import INDEX, MANIFEST, Descriptor, Manifest
from pipeline.statements import sha256

T = TypeVar("T")


@dataclass
class FakeRegistry:
    """`oci.Store`; `writes` counts what was stored, `altered` are digests whose content is not theirs.

    `lists`: has the list of referrers; `by_config`: which tells the type of an artifact's configuration.
    """

    name: str = "reg.example/shop"
    lists: bool = False
    by_config: bool = False
    manifests: dict[str, Manifest] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)
    writes: int = 0
    waits: list[str] = field(default_factory=list)

    def add_image(self, labels: dict[str, str] | None = None, tag: str = "1.0") -> Manifest:
        """An image without layers."""
        config = {"created": "2026-11-24T10:00:00.5Z", "os": "linux", "architecture": "amd64"}
        digest = self.put_blob(json.dumps({**config, "config": {"Labels": labels or {}}, "tag": tag}).encode())
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest}, "layers": []}
        made = self.put_manifest(tag, MANIFEST, json.dumps(body).encode())
        self.writes = 0
        return self.manifests[made]

    def manifest(self, reference: str) -> Manifest | None:
        self._check(reference)
        return self.manifests.get(reference)

    def blob(self, digest: str) -> bytes:
        self._check(digest)
        return self.blobs[digest]

    def put_blob(self, data: bytes) -> str:
        self.writes += sha256(data) not in self.blobs
        self.blobs[sha256(data)] = data
        return sha256(data)

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> str:
        self.writes += 1
        made = Manifest(sha256(data), media_type, data)
        self.manifests |= {reference: made, made.digest: made}
        return made.digest

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        if not self.lists:
            return None
        all_of_them = {each.digest: each for each in self.manifests.values() if each.media_type != INDEX}
        return tuple(
            Descriptor(each.digest, len(each.data), MANIFEST, self._type(each))
            for each in all_of_them.values()
            if (each.body.get("subject") or {}).get("digest") == digest
        )

    def _type(self, artifact: Manifest) -> str:
        body = artifact.body
        return str(body["config"]["mediaType"] if self.by_config else body.get("artifactType"))

    def patiently(self, what: str, attempt: Callable[[], T]) -> T:
        """Three times, without a pause."""
        for _ in range(2):
            try:
                return attempt()
            except TransientError:
                self.waits.append(what)
        try:
            return attempt()
        except TransientError as error:
            raise RegistryError(error.message, hint=error.hint) from error

    def _check(self, digest: str) -> None:
        if digest in self.altered:
            raise AlteredError(f"{self.name}: what is stored as {digest} has another digest")
