"""Whether what is attached to an image in its registry can be believed, with a public key or an identity alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import AlteredError, NotFoundError
from pipeline.events import Sink
from pipeline.gitflow import PREFIX, REVISION
from pipeline.oci import DOCKER_INDEX, INDEX, Manifest, Store
from pipeline.own_labels import BASE_DIGEST
from pipeline.provenance import material, parameter
from pipeline.referrers import Attachment, attachments
from pipeline.statements import NAMES, PROVENANCE, SIGNATURE, Envelope, MalformedError, Statement


class Judge(Protocol):
    """Knows whose signature it wants."""

    def objection(self, envelope: Envelope) -> str:
        """Why an envelope is not signed by the right one, "" where it is. Raises nothing, whatever is in it."""
        ...


class Signs(Protocol):
    """Signs statements so that a judge of its own believes them."""

    def sealed(self, statement: Statement, emit: Sink) -> bytes:
        """A statement in a signed bundle. Raises RegistryError."""
        ...

    def judge(self, emit: Sink) -> Judge:
        """Who knows these signatures. Raises RegistryError."""
        ...

    def name(self) -> str:
        """Whom others have to ask for to have them verified; "" for the key that the user has named."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what, whether it is right, and what was found."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of an image, which is named by the digest that they are about."""

    image: str
    digest: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check is right."""
        return all(check.passed for check in self.checks)


def verify(store: Store, reference: str, judge: Judge) -> Verdict:
    """Look at everything, whatever is found wrong on the way.

    Raises NotFoundError where the registry has no such image, RegistryError where it does not tell.
    """
    image = f"{store.name}@{reference}" if ":" in reference else f"{store.name}:{reference}"
    manifest = store.manifest(reference)
    if manifest is None:
        raise NotFoundError(f"the registry has no {image}", hint="check the name and its tag")
    if manifest.media_type in (INDEX, DOCKER_INDEX):
        several = Check("image", passed=False, found="an index of several images: verify each of them by its digest")
        return Verdict(image, manifest.digest, (several,))
    found = attachments(store, manifest.digest)
    checks = [Check("image", passed=True, found=manifest.digest)]
    good: dict[str, Attachment] = {}
    for kind, name in NAMES.items():
        check, trusted = _kind(kind, name, found, manifest.digest, judge)
        checks.append(check)
        if trusted:
            good[kind] = trusted
    checks += _labels(store, manifest, good.get(PROVENANCE))
    return Verdict(image, manifest.digest, tuple(checks))


def _kind(
    kind: str, name: str, found: tuple[Attachment, ...], digest: str, judge: Judge
) -> tuple[Check, Attachment | None]:
    """One good statement of a kind is enough: anybody who may push may attach others beside it."""
    said = []
    for each in found:
        if (each.statement.kind if each.statement else each.told) != kind:
            continue
        wrong = wrongs(each, digest, judge)
        if not wrong:
            what = "signed" if kind == SIGNATURE else "signed, about this image"
            return Check(name, passed=True, found=f"{what} ({each.digest})"), each
        said.append(f"{wrong} ({each.digest})")
    unclear = [f"{each.wrong} ({each.digest})" for each in found if each.wrong and not each.told]
    return Check(name, passed=False, found="; ".join(said or unclear) or "missing"), None


def wrongs(attachment: Attachment, digest: str, judge: Judge) -> str:
    """Why an attachment cannot be believed to be about an image, "" where it can."""
    if attachment.wrong or attachment.statement is None:
        return attachment.wrong
    if attachment.envelope is None:
        return "not signed"
    if objection := judge.objection(attachment.envelope):
        return objection
    if attachment.statement.digest != digest:
        return f"a statement about another image, {attachment.statement.digest}"
    return ""


def _labels(store: Store, manifest: Manifest, attachment: Attachment | None) -> Iterator[Check]:
    """Whether the image itself tells the same as its provenance."""
    name = "labels"
    if attachment is None or attachment.statement is None:
        yield Check(name, passed=False, found="no provenance to compare them with")
        return
    try:
        labels = image_labels(store, manifest)
    except (AlteredError, MalformedError) as error:
        yield Check(name, passed=False, found=str(error))
        return
    wanted = _told(attachment.statement.predicate)
    different = [
        f"{label} is {labels.get(label) or 'missing'}, provenance says {text or 'nothing'}"
        for label, text in wanted.items()
        if labels.get(label, "") != text
    ]
    good = "as its provenance says" if wanted else "none by gitflow to compare"
    yield Check(name, passed=not different, found="; ".join(different) or good)


def _told(predicate: Mapping[str, Any]) -> dict[str, str]:
    """Labels as a provenance has them; none of an image outside gitflow, which gets none."""
    source, base = material(predicate, "source"), material(predicate, "base")
    revision = str((source.get("annotations") or {}).get("revision") or "")
    if not revision:
        return {}
    told = {
        REVISION: revision,
        f"{PREFIX}version": parameter(predicate, "version"),
    }
    digest = (base.get("digest") or {}).get("sha256")
    return told | ({BASE_DIGEST: f"sha256:{digest}"} if base.get("uri", "").startswith("pkg:oci/") and digest else {})


def image_config(store: Store, manifest: Manifest) -> dict[str, Any]:
    """An image's own file. Raises MalformedError, AlteredError, RegistryError."""
    try:
        body = json.loads(store.blob(str(manifest.body["config"]["digest"])))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError("the image's configuration cannot be read") from error
    return body if isinstance(body, dict) else {}


def image_labels(store: Store, manifest: Manifest) -> dict[str, str]:
    """The labels of an image in a registry. Raises as `image_config` does."""
    config = image_config(store, manifest).get("config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    return {str(name): str(text) for name, text in labels.items()} if isinstance(labels, dict) else {}
