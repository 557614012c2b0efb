"""Attaching statements to an image in a registry, and finding out what of it can be believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline import referrers
from pipeline.errors import NotFoundError, RegistryError
from pipeline.oci import EMPTY, INDEX, Descriptor, Manifest
from pipeline.referrers import Artifact, attach, attachments, fallback_tag, listing
from pipeline.signing import new_key
from pipeline.statements import BUNDLE, CYCLONEDX, IN_TOTO, NAMES, PROVENANCE, SIGNATURE, Statement
from pipeline.verifying import Signs, Verdict, verify
from tests.unit.fake_registry import FakeRegistry

OURS, THEIRS = new_key(), new_key()
COMMIT = "c" * 40
LABELS = {"org.opencontainers.image.revision": COMMIT, "org.opencontainers.image.version": "1.0.0"}
PREDICATE: dict[str, Any] = {
    "buildDefinition": {
        "externalParameters": {"version": "1.0.0"},
        "resolvedDependencies": [
            {"name": "source", "digest": {"gitCommit": COMMIT}, "annotations": {"revision": COMMIT}},
        ],
    }
}


def artifact(kind: str, digest: str, signer: Signs | None = OURS, predicate: dict[str, Any] | None = None) -> Artifact:
    said = predicate if predicate is not None else (PREDICATE if kind == PROVENANCE else {})
    statement = Statement("reg.example/shop", digest, kind, said)
    if signer is None:
        return Artifact(IN_TOTO, statement.to_bytes(), kind)
    return Artifact(BUNDLE, signer.sealed(statement, print), kind)


def everything(registry: FakeRegistry, image: Manifest, *but: str, signer: Signs = OURS) -> None:
    attach(registry, image, [artifact(kind, image.digest, signer) for kind in NAMES if kind not in but])


def failed(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.found for check in verdict.checks if not check.passed}


@pytest.fixture(params=["fallback tag", "referrers API", "referrers API before it was final"])
def registry(request: pytest.FixtureRequest) -> FakeRegistry:
    return FakeRegistry(lists="API" in request.param, by_config="before" in request.param)


def test_all_that_is_attached_is_found_good_and_the_image_stays_as_it_is(registry: FakeRegistry) -> None:
    image = registry.add_image(LABELS)
    everything(registry, image)
    verdict = verify(registry, "1.0", OURS.public)
    assert verdict.passed, verdict
    assert [check.name for check in verdict.checks] == ["image", *NAMES.values(), "labels"]
    assert verdict.digest == image.digest
    assert registry.manifest("1.0") == image
    assert verify(registry, image.digest, OURS.public).passed


def test_an_artifact_refers_to_its_image_as_oci_has_it(registry: FakeRegistry) -> None:
    image = registry.add_image()
    (digest,) = attach(registry, image, [artifact(SIGNATURE, image.digest)])
    body = registry.manifests[digest].body
    assert body["subject"] == {"mediaType": image.media_type, "digest": image.digest, "size": len(image.data)}
    assert body["artifactType"] == body["layers"][0]["mediaType"] == BUNDLE
    assert registry.blobs[body["config"]["digest"]] == b"{}"
    assert body["annotations"]["dev.sigstore.bundle.predicateType"] == SIGNATURE
    (listed,) = listing(registry, image.digest)
    assert (listed.digest, listed.artifact_type) == (digest, EMPTY if registry.by_config else BUNDLE)


def test_the_index_of_a_registry_without_a_list_keeps_what_others_have_put_there() -> None:
    registry = FakeRegistry()
    image = registry.add_image()
    other = {"mediaType": "x/y", "digest": f"sha256:{'e' * 64}", "size": 7, "artifactType": "their/own", "platform": {}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [other], "annotations": {"a": "b"}}
    registry.put_manifest(fallback_tag(image.digest), INDEX, json.dumps(index).encode())
    everything(registry, image)
    kept = registry.manifests[fallback_tag(image.digest)].body
    assert kept["manifests"][0] == other
    assert kept["annotations"] == {"a": "b"}
    assert len(kept["manifests"]) == 1 + len(NAMES)
    assert len(attachments(registry, image.digest)) == len(NAMES)


def test_the_same_artifact_is_listed_once(registry: FakeRegistry) -> None:
    image = registry.add_image()
    same = artifact(CYCLONEDX, image.digest, signer=None)
    attach(registry, image, [same])
    attach(registry, image, [same])
    assert len(listing(registry, image.digest)) == 1


def test_what_the_registry_does_not_list_is_not_attached(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = registry.add_image()
    monkeypatch.setattr("pipeline.referrers.listing", lambda *_: ())
    with pytest.raises(RegistryError, match="does not list"):
        attach(registry, image, [artifact(SIGNATURE, image.digest)])


def test_what_is_listed_a_little_later_is_waited_for(registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    image, answers = registry.add_image(LABELS), iter([True])
    monkeypatch.setattr(referrers, "listing", lambda *seen: () if next(answers, False) else listing(*seen))
    everything(registry, image)
    assert verify(registry, "1.0", OURS.public).passed
    assert len(registry.waits) == 1


def test_what_somebody_else_has_written_over_is_noted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry()
    image, others = registry.add_image(LABELS), iter([b'{"manifests": []}'])

    def meanwhile(store: FakeRegistry, digest: str) -> tuple[Descriptor, ...]:
        for index in others:
            registry.put_manifest(fallback_tag(digest), INDEX, index)
        return listing(store, digest)

    monkeypatch.setattr(referrers, "listing", meanwhile)
    everything(registry, image)
    assert verify(registry, "1.0", OURS.public).passed


@pytest.mark.parametrize("kind", NAMES)
def test_what_is_missing_is_named(registry: FakeRegistry, kind: str) -> None:
    everything(registry, registry.add_image(LABELS), kind)
    found = failed(verify(registry, "1.0", OURS.public))
    assert found.pop(NAMES[kind]) == "missing"
    assert set(found) == ({"labels"} if kind == PROVENANCE else set())


@pytest.mark.parametrize("kind", NAMES)
def test_a_statement_by_another_key_is_not_believed(registry: FakeRegistry, kind: str) -> None:
    image = registry.add_image(LABELS)
    everything(registry, image, kind)
    attach(registry, image, [artifact(kind, image.digest, THEIRS)])
    assert "not signed with this key" in failed(verify(registry, "1.0", OURS.public))[NAMES[kind]]
    assert set(failed(verify(registry, "1.0", THEIRS.public))) == {*NAMES.values(), "labels"} - {NAMES[kind]} - (
        {"labels"} if kind == PROVENANCE else set()
    )


@pytest.mark.parametrize("kind", NAMES)
def test_a_statement_that_nobody_signed_is_not_believed(registry: FakeRegistry, kind: str) -> None:
    image = registry.add_image(LABELS)
    everything(registry, image, kind)
    attach(registry, image, [artifact(kind, image.digest, None)])
    assert failed(verify(registry, "1.0", OURS.public))[NAMES[kind]].startswith("not signed (")


@pytest.mark.parametrize("kind", NAMES)
def test_a_signed_statement_about_another_image_is_not_believed(registry: FakeRegistry, kind: str) -> None:
    image, other = registry.add_image(LABELS), registry.add_image(LABELS, tag="0.9")
    everything(registry, image, kind)
    attach(registry, image, [artifact(kind, other.digest)])
    assert f"about another image, {other.digest}" in failed(verify(registry, "1.0", OURS.public))[NAMES[kind]]


def test_an_artifact_that_refers_to_another_image_does_not_count() -> None:
    registry = FakeRegistry()
    image, other = registry.add_image(LABELS), registry.add_image(LABELS, tag="0.9")
    everything(registry, other)
    index = registry.manifests[fallback_tag(other.digest)]
    registry.put_manifest(fallback_tag(image.digest), INDEX, index.data)
    found = failed(verify(registry, "1.0", OURS.public))
    assert all("it refers to another image" in found[name] for name in NAMES.values())


@pytest.mark.parametrize("what", ["manifest", "blob"])
@pytest.mark.parametrize("kind", NAMES)
def test_content_that_was_changed_in_the_registry_is_named(registry: FakeRegistry, kind: str, what: str) -> None:
    image = registry.add_image(LABELS)
    everything(registry, image, kind)
    (digest,) = attach(registry, image, [artifact(kind, image.digest)])
    blob = registry.manifests[digest].body["layers"][0]["digest"]
    registry.altered.add(digest if what == "manifest" else blob)
    assert "has another digest" in failed(verify(registry, "1.0", OURS.public))[NAMES[kind]]


def test_something_broken_beside_a_good_statement_does_no_harm(registry: FakeRegistry) -> None:
    image = registry.add_image(LABELS)
    attach(registry, image, [Artifact(BUNDLE, b"no JSON", SIGNATURE), artifact(SIGNATURE, image.digest, THEIRS)])
    assert "no JSON" in failed(verify(registry, "1.0", OURS.public))[NAMES[SIGNATURE]]
    everything(registry, image)
    assert verify(registry, "1.0", OURS.public).passed


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({**LABELS, "org.opencontainers.image.revision": "d" * 40}, "revision is ddd"),
        ({"org.opencontainers.image.version": "1.0.0"}, "revision is missing"),
        ({**LABELS, "org.opencontainers.image.version": "2.0.0"}, "version is 2.0.0, provenance says 1.0.0"),
    ],
)
def test_labels_that_say_other_than_the_provenance_are_named(
    registry: FakeRegistry, labels: dict[str, str], told: str
) -> None:
    everything(registry, registry.add_image(labels))
    assert told in failed(verify(registry, "1.0", OURS.public))["labels"]


def test_outside_gitflow_a_provenance_names_a_commit_and_the_image_needs_no_label(registry: FakeRegistry) -> None:
    image = registry.add_image({"org.opencontainers.image.revision": "of the application"})
    everything(registry, image, PROVENANCE)
    source = {"name": "source", "digest": {"gitCommit": COMMIT}, "annotations": {"dirty": False}}
    told = {"buildDefinition": {"externalParameters": {"version": "1.0.0"}, "resolvedDependencies": [source]}}
    attach(registry, image, [artifact(PROVENANCE, image.digest, predicate=told)])
    verdict = verify(registry, "1.0", OURS.public)
    assert verdict.passed, verdict
    assert verdict.checks[-1].found == "none by gitflow to compare"


def test_an_image_that_is_not_there_and_an_index_are_no_success(registry: FakeRegistry) -> None:
    with pytest.raises(NotFoundError):
        verify(registry, "1.0", OURS.public)
    registry.put_manifest("many", INDEX, b'{"manifests": []}')
    assert "an index" in failed(verify(registry, "many", OURS.public))["image"]
