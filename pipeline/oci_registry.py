"""`oci.Store` over HTTP: a registry without an engine in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urljoin

import requests

from pipeline.errors import AlteredError, RegistryError, TransientError
from pipeline.events import Sink
from pipeline.oci import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor, Manifest, descriptors
from pipeline.reference import ImageReference
from pipeline.registry_access import Access, reason
from pipeline.registry_patience import registry_patience
from pipeline.retrying import patiently
from pipeline.statements import sha256

T = TypeVar("T")
_ACCEPTED = f"{MANIFEST}, {DOCKER_MANIFEST}, {INDEX}, {DOCKER_INDEX}"
_BYTES = {"Content-Type": "application/octet-stream"}


class OciRegistry:
    """One repository. What may pass is tried again, with a `Retrying` event before each wait.

    `insecure`: registries (host[:port]) and networks that an engine holds to be so, besides those of this machine's.
    """

    def __init__(
        self,
        reference: ImageReference,
        environ: Mapping[str, str],
        emit: Sink,
        sleep: Callable[[float], None] = time.sleep,
        insecure: tuple[str, ...] = (),
    ) -> None:
        self.name = f"{reference.registry}/{reference.repository}"
        self._access = Access(reference.registry, environ, insecure)
        self._root = f"/v2/{reference.repository}"
        self._emit, self._sleep = emit, sleep
        self._patience = registry_patience(environ).trying

    def manifest(self, reference: str) -> Manifest | None:
        """The manifest under a tag or digest."""
        path = f"{self._root}/manifests/{reference}"
        answer = self._send("GET", path, {"Accept": _ACCEPTED})
        if answer.status_code == requests.codes.not_found:
            return None
        self._accepted(answer, path, requests.codes.ok)
        digest = sha256(answer.content)
        told = answer.headers.get("Docker-Content-Digest", digest)
        for wanted in {reference if ":" in reference else told, told}:
            if digest != wanted:
                raise AlteredError(f"{self.name}: the manifest of {wanted} has the digest {digest}")
        return Manifest(digest, answer.headers.get("Content-Type", "").partition(";")[0], answer.content)

    def blob(self, digest: str) -> bytes:
        """A blob's bytes."""
        path = f"{self._root}/blobs/{digest}"
        answer = self._send("GET", path, {})
        self._accepted(answer, path, requests.codes.ok)
        if sha256(answer.content) != digest:
            raise AlteredError(f"{self.name}: what is stored as {digest} has another digest")
        return answer.content

    def put_blob(self, data: bytes) -> str:
        """Store bytes, unless they are there."""
        digest = sha256(data)
        if self._send("HEAD", f"{self._root}/blobs/{digest}", {}).status_code != requests.codes.ok:
            self.patiently(f"upload {digest} to {self.name}", lambda: self._upload(data, digest))
        return digest

    def _upload(self, data: bytes, digest: str) -> None:
        """A whole upload is one attempt: after a failure the place that was given for it may be gone."""
        path = f"{self._root}/blobs/uploads/"
        answer = self._access.send("POST", path, {"Content-Length": "0"})
        self._accepted(answer, path, requests.codes.accepted)
        place = urljoin(answer.url, answer.headers.get("Location", ""))
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        self._accepted(self._access.send("PUT", place, _BYTES, data), path, requests.codes.created)

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> str:
        """Store a manifest."""
        path, digest = f"{self._root}/manifests/{reference}", sha256(data)
        answer = self._send("PUT", path, {"Content-Type": media_type}, data)
        self._accepted(answer, path, requests.codes.created)
        told = answer.headers.get("Docker-Content-Digest", digest)
        if told != digest:
            raise RegistryError(f"{self.name}: sent was {digest}, the registry has {told}")
        return digest

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """What refers to a manifest, all pages of the list."""
        path = f"{self._root}/referrers/{digest}"
        found: list[Descriptor] = []
        while path:
            answer = self._send("GET", path, {"Accept": INDEX})
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            if answer.status_code == requests.codes.not_found or (answer.ok and kind != INDEX):
                return None
            self._accepted(answer, path, requests.codes.ok)
            found += descriptors(Manifest("", INDEX, answer.content))
            following = answer.links.get("next", {}).get("url", "")
            path = urljoin(answer.url, following) if following else ""
        return tuple(found)

    def _send(self, method: str, path: str, headers: Mapping[str, str], data: bytes | None = None) -> requests.Response:
        what = f"{method} {self.name} {path.removeprefix(self._root)}"
        return self.patiently(what, lambda: self._access.send(method, path, headers, data))

    def patiently(self, what: str, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, in the end."""
        try:
            return patiently(what, attempt, self._emit, self._sleep, self._patience)
        except TransientError as error:
            raise RegistryError(error.message, hint=error.hint, detail=error.detail) from error

    def _accepted(self, answer: requests.Response, path: str, wanted: int) -> None:
        if answer.status_code != wanted:
            raise RegistryError(f"{self.name}: {path.removeprefix(self._root)}: {reason(answer)}")
