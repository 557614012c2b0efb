"""What is attached to an image in its registry, without touching the image: OCI 1.1 artifacts that refer to it.

A registry before OCI 1.1 keeps no list of referrers; then an index under a tag made of the image's digest is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import AlteredError, TransientError
from pipeline.oci import EMPTY, INDEX, MANIFEST, Descriptor, Manifest, Store, descriptors
from pipeline.statements import (
    BUNDLE,
    IN_TOTO,
    Envelope,
    MalformedError,
    Statement,
    compact,
    read_bundle,
    read_statement,
    sha256,
)

_NOTHING = b"{}"
_OURS = ("", EMPTY, BUNDLE, IN_TOTO)
"""What a list may say of an artifact of ours: nothing, or, as before OCI 1.1 was final, its configuration's type."""
_CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that is attached: a statement, in an envelope if it is signed; or what is wrong with it."""

    digest: str
    statement: Statement | None = None
    envelope: Envelope | None = None
    wrong: str = ""
    told: str = ""
    """The kind of statement that its annotations tell, which nobody has signed."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something to attach: bytes of a media type, the kind of their statement, and the image's time."""

    media_type: str
    data: bytes
    kind: str
    created: str = ""

    @property
    def annotations(self) -> dict[str, str]:
        """Those that cosign and others choose by, for a bundle; those that BuildKit has, for a bare statement."""
        if self.media_type == BUNDLE:
            said = {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": self.kind}
        else:
            said = {"in-toto.io/predicate-type": self.kind}
        return said | ({_CREATED: self.created} if self.created else {})


def attach(store: Store, subject: Manifest, artifacts: Iterable[Artifact]) -> tuple[str, ...]:
    """Store artifacts that refer to an image; their digests, once the registry lists them. Raises RegistryError."""
    made = tuple(_stored(store, subject, each) for each in artifacts)

    def noted() -> None:
        """What somebody else, who attaches at the same time, has written over is noted again."""
        if store.referrers(subject.digest) is None:
            _note(store, subject.digest, made)
        listed = {each.digest for each in listing(store, subject.digest)}
        if lost := [each.digest for each in made if each.digest not in listed]:
            raise TransientError(
                f"{store.name}: the registry does not list what was attached: {', '.join(lost)}",
                hint="somebody else may have attached something at the same time; push again",
            )

    store.patiently(f"list what is attached to {store.name}@{subject.digest}", noted)
    return tuple(each.digest for each in made)


def listing(store: Store, digest: str) -> tuple[Descriptor, ...]:
    """What refers to an image, from the registry's list or the index that stands for it. Raises RegistryError."""
    found = store.referrers(digest)
    if found is not None:
        return found
    index = store.manifest(fallback_tag(digest))
    return descriptors(index) if index else ()


def attachments(store: Store, digest: str) -> tuple[Attachment, ...]:
    """Every statement that is attached to an image, signed or not; other tools' artifacts are passed over."""
    wanted = (each for each in listing(store, digest) if each.artifact_type in _OURS)
    return tuple(found for each in wanted if (found := _read(store, each, digest)))


def fallback_tag(digest: str) -> str:
    """The tag of the index that lists an image's referrers where the registry does not."""
    return digest.replace(":", "-", 1)


def _stored(store: Store, subject: Manifest, artifact: Artifact) -> Descriptor:
    data = compact(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact.media_type,
            "config": _descriptor(store, EMPTY, _NOTHING),
            "layers": [_descriptor(store, artifact.media_type, artifact.data)],
            "subject": {
                "mediaType": subject.media_type,
                "digest": subject.digest,
                "size": len(subject.data),
            },
            "annotations": artifact.annotations,
        }
    )
    digest = store.put_manifest(sha256(data), MANIFEST, data)
    return Descriptor(digest, len(data), MANIFEST, artifact.media_type, artifact.annotations)


def _descriptor(store: Store, media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": store.put_blob(data), "size": len(data)}


def _note(store: Store, digest: str, made: tuple[Descriptor, ...]) -> None:
    """Put descriptors into the index; whatever else it lists stays."""
    tag = fallback_tag(digest)
    before = store.manifest(tag)
    body = (before.body if before else {}) or {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
    known = {each.digest for each in (descriptors(before) if before else ())}
    new = [each.to_json() for each in made if each.digest not in known]
    if new:
        store.put_manifest(tag, INDEX, compact({**body, "manifests": [*(body.get("manifests") or ()), *new]}))


def _read(store: Store, listed: Descriptor, subject: str) -> Attachment | None:
    told = ""
    try:
        manifest = store.manifest(listed.digest)
        if manifest is None:
            return Attachment(listed.digest, wrong="the registry lists it and does not have it")
        body = manifest.body
        kind, notes = body.get("artifactType"), body.get("annotations") or {}
        if kind not in (BUNDLE, IN_TOTO):
            return None
        told = str(notes.get("dev.sigstore.bundle.predicateType") or notes.get("in-toto.io/predicate-type") or "")
        if (body.get("subject") or {}).get("digest") != subject:
            return Attachment(listed.digest, wrong="it refers to another image", told=told)
        data = store.blob(str(body["layers"][0]["digest"]))
        envelope = read_bundle(data) if kind == BUNDLE else None
        return Attachment(listed.digest, read_statement(envelope.payload if envelope else data), envelope, told=told)
    except (AlteredError, MalformedError) as error:
        return Attachment(listed.digest, wrong=str(error), told=told)
    except (AttributeError, IndexError, KeyError, TypeError):
        return Attachment(listed.digest, wrong="its manifest cannot be read", told=told)
