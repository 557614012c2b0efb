"""What a push attaches to its images: from a build, an engine and a registry in memory to statements."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline import gitflow
from pipeline.attester import Attester, Place, Wishes
from pipeline.cli.attesting import KEY, PASSWORD, wishes_of
from pipeline.conductor_context import image_key
from pipeline.errors import RegistryError, UsageError
from pipeline.events import Event, Pushed, StepStarted, TaskFinished
from pipeline.gitflow import Release, Situation, release_plan
from pipeline.image_config import ImageConfig
from pipeline.materials import origin_of
from pipeline.module_lock import LOCK_FILE, LockEntry, lock_text
from pipeline.observed import Observed
from pipeline.oci import Manifest
from pipeline.plan import LayerKey
from pipeline.project import Project
from pipeline.provenance import Origin
from pipeline.recipe import RoleUse
from pipeline.recipe_model import BaseImage, Bootstrap, BuiltService, Rootfs
from pipeline.reference import ImageReference
from pipeline.referrers import attachments, listing
from pipeline.role_finder import RoleFinder
from pipeline.signing import Signer, new_key, write_keys
from pipeline.stage import Build
from pipeline.statements import CYCLONEDX, PROVENANCE, SIGNATURE, SPDX, Statement
from tests.unit.fake_engine import FakeEngine
from tests.unit.fake_registry import FakeRegistry
from tests.unit.fakes import a_build, a_service

TAG = "reg.example/shop:1.0"
COMMIT = "c" * 40
SECRET = "canary-5d0f"
BASE_DIGEST = f"sha256:{'b' * 64}"
RELEASE = Release(
    "release",
    "1.2.0",
    once=True,
    labels={
        "org.opencontainers.image.revision": COMMIT,
        "org.opencontainers.image.source": "https://git.example/shop.git",
    },
)


class Bench:
    """A project with one role, an engine with its image, and the registry that the image was pushed to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, FakeRegistry()
        self.events: list[Event] = []
        self.observed = Observed(self.events.append)
        self.origin: Origin | None = None
        for path in ("recipes/default.yml", "roles/nginx/tasks/main.yml", "collections/ansible_collections/a/b/x.yml"):
            (folder / path).parent.mkdir(parents=True)
            (folder / path).write_text("---\n")
        manifest = {"collection_info": {"version": "3.1.4"}}
        (folder / "collections/ansible_collections/a/b/MANIFEST.json").write_text(json.dumps(manifest))
        entry = LockEntry("roles/nginx", "https://git.example/nginx.git", "", "d" * 40)
        (folder / LOCK_FILE).write_text(lock_text([entry]))
        self.image: Manifest = self.registry.add_image({"org.opencontainers.image.version": "1.2.0"})
        self.engine = FakeEngine()
        self.engine.add_image(TAG, ImageConfig())
        self.engine.contents["/var/lib/dpkg/status"] = b"Package: hello\nVersion: 2.10\nArchitecture: amd64\n"
        stored = self.engine.need(TAG)
        stored.files = frozenset({"/var/lib/dpkg/status", "/etc/shadow"})
        role = RoleUse("nginx", {"port": SECRET})
        service = replace(a_service(role), variables={"token": SECRET})
        key = LayerKey("nginx", "k", inputs={"file nginx/tasks/main.yml": "1", "parameter port": "2"})
        self.build = replace(a_build(service), tags=(TAG,), keys=(key,), project=Project("shop", "1.2.0"))

    def pushed(self, *tags: str) -> None:
        for tag in tags or (TAG,):
            self.observed(Pushed(tag, self.image.digest))

    def attest(self, wishes: Wishes, build: Build | None = None, environ: dict[str, str] | None = None) -> str:
        recipe, started = self.folder / "recipes/default.yml", datetime(2026, 11, 24, tzinfo=UTC)
        place = Place(self.folder, recipe, environ or {}, "run_myhost_1", self.origin, started)
        finder = RoleFinder(recipe, self.folder)
        attester = Attester(wishes, place, finder, self.observed, lambda *_: self.registry)
        return attester.attest(build or self.build, self.engine, self.events.append)

    def statements(self) -> dict[str, Statement]:
        found = attachments(self.registry, self.image.digest)
        return {each.statement.kind: each.statement for each in found if each.statement}

    def predicate(self, build: Build | None = None, environ: dict[str, str] | None = None) -> dict[str, Any]:
        """A provenance, made for it."""
        self.attest(Wishes(provenance=True), build, environ)
        return self.statements()[PROVENANCE].predicate

    def material(self, name: str, build: Build | None = None) -> dict[str, Any]:
        found = self.predicate(build)["buildDefinition"]["resolvedDependencies"]
        (one,) = (each for each in found if each["name"] == name)
        return dict(one)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.pushed()
    return made


def test_everything_that_is_wanted_is_attached_and_signed(bench: Bench) -> None:
    signer = new_key()
    said = bench.attest(Wishes(sbom=True, provenance=True, signer=signer))
    assert said == "attached: SBOM (CycloneDX), SBOM (SPDX), provenance (SLSA), signature"
    found = attachments(bench.registry, bench.image.digest)
    assert {each.statement.kind for each in found if each.statement} == {CYCLONEDX, SPDX, PROVENANCE, SIGNATURE}
    assert all(each.envelope and signer.public.made(each.envelope) for each in found)
    assert all(each.statement and each.statement.digest == bench.image.digest for each in found)


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    wishes = Wishes(sbom=True, provenance=True, signer=new_key())
    bench.attest(wishes)
    written = bench.registry.writes
    bench.engine.calls.clear()
    assert bench.attest(wishes) == "nothing to attach: it is there already"
    assert (bench.registry.writes, bench.engine.calls) == (written, ["info"])


def test_what_an_earlier_run_did_not_come_to_is_attached(bench: Bench) -> None:
    signer = new_key()
    bench.attest(Wishes(sbom=True, signer=signer))
    assert bench.attest(Wishes(sbom=True, provenance=True, signer=signer)) == "attached: provenance (SLSA)"


def test_what_is_there_unsigned_or_by_another_key_is_attached_again_with_ours(bench: Bench) -> None:
    bench.attest(Wishes(sbom=True))
    bench.attest(Wishes(sbom=True, signer=new_key()))
    signer = new_key()
    assert bench.attest(Wishes(sbom=True, signer=signer)).startswith("attached: SBOM (CycloneDX), SBOM (SPDX)")
    assert bench.attest(Wishes(sbom=True)).startswith("nothing")


def test_several_names_in_one_repository_are_one_image(bench: Bench) -> None:
    moving = "reg.example/shop:latest"
    bench.pushed(moving)
    bench.attest(Wishes(sbom=True), replace(bench.build, tags=(TAG, moving)))
    assert len(listing(bench.registry, bench.image.digest)) == 2


def test_what_the_registry_does_not_have_any_more_fails(bench: Bench) -> None:
    bench.registry.manifests.clear()
    with pytest.raises(RegistryError, match="any more"):
        bench.attest(Wishes(sbom=True))


def test_a_bill_has_the_packages_the_roles_and_the_collections(bench: Bench) -> None:
    bench.attest(Wishes(sbom=True))
    found = bench.statements()
    parts = {each["name"]: each for each in found[CYCLONEDX].predicate["components"]}
    assert set(parts) == {"hello", "nginx", "a.b"}
    assert parts["nginx"]["version"] == "d" * 40
    assert parts["a.b"]["version"] == "3.1.4"
    assert {each["name"] for each in found[SPDX].predicate["packages"]} == {"reg.example/shop", "hello", "nginx", "a.b"}


def test_a_provenance_tells_names_and_no_values(bench: Bench) -> None:
    predicate = bench.predicate()
    told = predicate["buildDefinition"]["externalParameters"]
    assert told["variables"] == ["token"]
    assert told["roles"] == [{"role": "nginx", "parameters": ["port"]}]
    assert told["recipe"]["path"] == "recipes/default.yml"
    text = json.dumps(predicate)
    assert SECRET not in text
    assert str(bench.folder) not in text
    assert "myhost" not in text


def test_tasks_are_counted_by_how_they_ended(bench: Bench) -> None:
    step = "web/nginx/provision"
    bench.observed(StepStarted(step, "web", "provision", "nginx", "nginx"))
    for status in ("ok", "changed", "changed"):
        bench.observed(TaskFinished(step, "nginx", "t", status, 0.1))
    assert bench.predicate()["buildDefinition"]["internalParameters"]["tasks"] == [
        {"role": "nginx", "tasks": {"changed": 2, "ok": 1}}
    ]


def test_a_run_does_not_tell_its_own_tasks_of_an_image_that_was_published_before(bench: Bench) -> None:
    step = "web/nginx/provision"
    bench.observed(StepStarted(step, "web", "provision", "nginx", "nginx"))
    bench.observed(TaskFinished(step, "nginx", "t", "ok", 0.1))
    bench.observed(Pushed(TAG, bench.image.digest, already=True))
    told = bench.predicate()["buildDefinition"]["internalParameters"]
    assert told["builtEarlier"]
    assert told["tasks"] == [{"role": "nginx", "cached": True}]


def test_a_role_whose_layer_was_there_is_said_to_be_cached(bench: Bench) -> None:
    tasks = bench.predicate()["buildDefinition"]["internalParameters"]["tasks"]
    assert tasks == [{"role": "nginx", "cached": True}]


def test_source_conductor_roles_and_collections_are_what_it_was_made_of(bench: Bench) -> None:
    bench.origin = origin_of(RELEASE)
    assert bench.material("source") == {
        "name": "source",
        "uri": "git+https://git.example/shop.git",
        "digest": {"gitCommit": COMMIT},
        "annotations": {"dirty": False, "revision": COMMIT},
    }
    assert bench.material("conductor")["digest"] == {"sha256": image_key()}
    assert "image" not in bench.material("conductor")["annotations"]
    assert bench.material("ansible-core")["uri"].startswith("pkg:pypi/ansible-core@2.")
    role = bench.material("role nginx")
    assert role["uri"].startswith(f"pkg:generic/ansible-role/nginx@{'d' * 40}?vcs_url=git%2Bhttps://git.example/nginx")
    assert len(role["digest"]["sha256"]) == 64
    assert bench.material("collection a.b")["uri"] == "pkg:generic/ansible-collection/a.b@3.1.4"


def test_without_gitflow_the_commit_is_told_too_and_no_label_is_claimed(bench: Bench) -> None:
    bench.origin = Origin(COMMIT, dirty=True)
    assert bench.material("source") == {
        "name": "source",
        "digest": {"gitCommit": COMMIT},
        "annotations": {"dirty": True},
    }


def test_a_commit_with_changes_is_told_as_the_commit_and_the_changes() -> None:
    dirty = release_plan(Situation("1.2.0", COMMIT, gitflow.Place("main"), dirty=True))
    assert origin_of(dirty) == Origin(COMMIT, dirty=True, revision=f"{COMMIT}-dirty")


def test_outside_git_no_commit_is_told(bench: Bench) -> None:
    names = [each["name"] for each in bench.predicate()["buildDefinition"]["resolvedDependencies"]]
    assert "source" not in names


def test_the_image_of_the_conductor_is_told_where_it_is_clear_which_one(bench: Bench) -> None:
    made = bench.engine.add_image(f"baseimage/conductor:{image_key()[:16]}-1")
    assert bench.material("conductor")["annotations"]["image"] == made
    bench.registry = FakeRegistry()
    bench.registry.add_image({"org.opencontainers.image.version": "1.2.0"})
    bench.engine.add_image(f"baseimage/conductor:{image_key()[:16]}-2")
    assert "image" not in bench.material("conductor")["annotations"]


def test_another_file_of_a_role_is_another_digest_and_another_parameter_is_not(bench: Bench) -> None:
    first = bench.material("role nginx")["digest"]
    for inputs, same in (
        ({"file nginx/tasks/main.yml": "1", "parameter port": "9"}, True),
        ({"file nginx/tasks/main.yml": "9", "parameter port": "2"}, False),
    ):
        bench.registry = FakeRegistry()
        bench.registry.add_image({"org.opencontainers.image.version": "1.2.0"})
        build = replace(bench.build, keys=(LayerKey("nginx", "k", inputs=inputs),))
        assert (bench.material("role nginx", build)["digest"] == first) is same


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        (
            BaseImage("debian:12"),
            {
                "uri": "pkg:oci/debian@sha256:" + "b" * 64 + "?repository_url=docker.io/library/debian&tag=12",
                "digest": {"sha256": "b" * 64},
            },
        ),
        (Rootfs("https://user:pw@host/root.tar.xz?token=pw@x", "f" * 64), {"digest": {"sha256": "f" * 64}}),
        (Bootstrap("trixie", include=("tini",), mirror="https://user:pw@host/debian"), {}),
        (BuiltService("lower"), {}),
    ],
)
def test_every_kind_of_base_is_told_without_credentials(bench: Bench, base: Any, wanted: dict[str, Any]) -> None:
    image = bench.engine.find_image(TAG)
    assert image
    image = replace(image, digests=(f"docker.io/library/other@sha256:{'e' * 64}", f"debian@{BASE_DIGEST}"))
    service = replace(bench.build.service, base=base)
    told = bench.material("base", replace(bench.build, service=service, base=image))
    assert {name: told[name] for name in wanted} == wanted
    assert "pw@" not in json.dumps(told)


@pytest.mark.parametrize(
    ("environ", "builder"),
    [
        ({}, "urn:baseimage-pipeline:builder:local"),
        ({"CI": "true"}, "urn:baseimage-pipeline:builder:ci"),
        ({"CI": "true", "BASEIMAGE_BUILDER_ID": "https://ci.example/x"}, "https://ci.example/x"),
    ],
)
def test_the_builder_may_be_named_by_who_runs_it(bench: Bench, environ: dict[str, str], builder: str) -> None:
    assert bench.predicate(environ=environ)["runDetails"]["builder"]["id"] == builder


RELEASED, UNRELEASED = Project("shop", "1.2.0", release=RELEASE), Project("shop", "1.2.0")


@pytest.mark.parametrize(
    ("given", "project", "wanted"),
    [
        ({}, UNRELEASED, None),
        ({}, RELEASED, Wishes(sbom=True, provenance=True)),
        ({"sbom": False}, RELEASED, Wishes(provenance=True)),
        ({"sbom": False, "provenance": False}, RELEASED, None),
        ({"sbom": True}, UNRELEASED, Wishes(sbom=True)),
    ],
)
def test_releases_have_everything_attached_unless_told_otherwise(
    given: dict[str, Any], project: Project, wanted: Wishes | None
) -> None:
    assert wishes_of(given, project, {}, print, push=True) == wanted


@pytest.mark.parametrize("how", ["--sign FILE", "variable with a path", "variable with the key"])
def test_a_key_may_be_given_in_three_ways(tmp_path: Path, how: str) -> None:
    signer: Signer = new_key()
    write_keys(signer, tmp_path / "k", "s3cret")
    path = str(tmp_path / "k.key")
    given = {"signing_key": path} if how == "--sign FILE" else {}
    environ = {"variable with a path": {KEY: path}, "variable with the key": {KEY: Path(path).read_text()}}.get(how, {})
    wishes = wishes_of(given, UNRELEASED, {**environ, PASSWORD: "s3cret"}, print, push=True)
    assert wishes
    assert isinstance(wishes.signer, Signer)
    assert wishes.signer.public.hint == signer.public.hint
    assert wishes.kinds == (CYCLONEDX, SPDX, PROVENANCE, SIGNATURE)


def test_a_key_that_is_not_there_is_found_out_before_anything_is_built() -> None:
    with pytest.raises(UsageError, match="no signing key"):
        wishes_of({"signing_key": "nowhere"}, UNRELEASED, {}, print, push=True)


def test_options_about_attachments_need_a_push_and_a_variable_does_not() -> None:
    with pytest.raises(UsageError, match="--sbom, --sign"):
        wishes_of({"sbom": True, "signing_key": "k"}, UNRELEASED, {}, print, push=False)
    assert wishes_of({}, RELEASED, {KEY: "nowhere"}, print, push=False) is None


def test_a_name_is_the_repository_that_is_opened_with_what_the_engine_holds_to_be_insecure(bench: Bench) -> None:
    opened: list[tuple[str, tuple[str, ...]]] = []
    bench.engine.insecure = ("reg.example",)
    recipe = bench.folder / "recipes/default.yml"

    def open_store(name: ImageReference, _emit: object, insecure: tuple[str, ...]) -> FakeRegistry:
        opened.append((str(name), insecure))
        return bench.registry

    place = Place(bench.folder, recipe, {}, "run")
    attester = Attester(Wishes(sbom=True), place, RoleFinder(recipe, bench.folder), bench.observed, open_store)
    attester.attest(bench.build, bench.engine, bench.events.append)
    assert opened == [(TAG, ("reg.example",))]
