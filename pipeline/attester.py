"""Attesting what was pushed: bills of materials, provenance and a signature, attached where they are missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pipeline import materials
from pipeline.bill_times import stamp
from pipeline.engine import Engine
from pipeline.errors import PipelineError, RegistryError
from pipeline.events import Sink
from pipeline.gitflow import PREFIX
from pipeline.observed import Observed
from pipeline.oci import Manifest, Store
from pipeline.package_databases import contents, is_wanted
from pipeline.plan import Step
from pipeline.player import RoleFiles
from pipeline.provenance import BUILDER, Facts, Material, Origin, PlayedRole, provenance
from pipeline.reference import ImageReference
from pipeline.referrers import Artifact, Attachment, attach, attachments
from pipeline.role_finder import RoleFinder
from pipeline.software import Contents, Package, Subject
from pipeline.stage import Build
from pipeline.statements import (
    BUNDLE,
    CYCLONEDX,
    IN_TOTO,
    NAMES,
    PROVENANCE,
    SIGNATURE,
    SPDX,
    Statement,
)
from pipeline.verifying import Judge, Signs, image_config, wrongs

OpenStore = Callable[[ImageReference, Sink, tuple[str, ...]], Store]
"""Opens the repository of a name; the registries and networks that the engine holds to be insecure are told."""
BILLS = (CYCLONEDX, SPDX)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be attached to images that are pushed."""

    sbom: bool = False
    provenance: bool = False
    signer: Signs | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of statements, the signature last: where it is, everything is."""
        bills = BILLS if self.sbom else ()
        return (*bills, *((PROVENANCE,) if self.provenance else ()), *((SIGNATURE,) if self.signer else ()))


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a run goes on: the project's folder, the recipe's file, the environment, the commit, the start.

    `run` names it among all runs; it holds the machine's name, so only what is made of it is told.
    """

    folder: Path
    recipe: Path
    environ: Mapping[str, str]
    run: str
    origin: Origin | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


class Attester:
    """Attaches what a build's images lack; what is there already, and can be believed, stays as it is."""

    def __init__(
        self, wishes: Wishes, place: Place, finder: RoleFinder, observed: Observed, open_store: OpenStore
    ) -> None:
        self._wishes, self._place, self._finder = wishes, place, finder
        self._observed, self._open = observed, open_store

    def attest(self, build: Build, engine: Engine, emit: Sink) -> str:
        """Look at each repository that the image was pushed to; says what was attached. Raises RegistryError."""
        software = cache(lambda: self._software(build, engine))
        said: dict[str, None] = {}
        insecure = engine.info().insecure
        for name, digest in self._pushed(build).items():
            store = self._open(name, emit, insecure)
            subject = store.manifest(digest)
            if subject is None:
                raise RegistryError(f"{store.name} does not have {digest} any more", hint="push again")
            missing = self._missing(store, digest, emit)
            if missing:
                image = replace(_described(store, subject, build), conductor=materials.conductor_image(engine))
                attach(store, subject, [self._artifact(kind, image, build, software, emit) for kind in missing])
            said |= dict.fromkeys(NAMES[kind] for kind in missing)
        return f"attached: {', '.join(said)}{self._by()}" if said else "nothing to attach: it is there already"

    def _by(self) -> str:
        name = self._wishes.signer.name() if self._wishes.signer else ""
        return f"; signed by {name}" if name else ""

    def _pushed(self, build: Build) -> dict[ImageReference, str]:
        """A name in each repository, with the digest that it was pushed as."""
        found: dict[tuple[str, str, str], ImageReference] = {}
        for tag in build.tags:
            name, digest = ImageReference.parse(tag), self._observed.digest(tag)
            if digest:
                found.setdefault((name.registry, name.repository, digest), name)
        return {name: digest for (_, _, digest), name in found.items()}

    def _missing(self, store: Store, digest: str, emit: Sink) -> tuple[str, ...]:
        there = attachments(store, digest)
        judge = self._wishes.signer.judge(emit) if there and self._wishes.signer else None
        return tuple(
            kind for kind in self._wishes.kinds if not any(_holds(each, kind, digest, judge) for each in there)
        )

    def _artifact(
        self, kind: str, image: Described, build: Build, software: Callable[[], Software], emit: Sink
    ) -> Artifact:
        subject = image.subject
        statement = Statement(subject.name, subject.digest, kind, self._predicate(kind, image, build, software))
        if self._wishes.signer:
            return Artifact(BUNDLE, self._wishes.signer.sealed(statement, emit), kind, subject.created)
        return Artifact(IN_TOTO, statement.to_bytes(), kind, subject.created)

    def _predicate(self, kind: str, image: Described, build: Build, software: Callable[[], Software]) -> dict[str, Any]:
        if kind in BILLS:
            return bill(kind, image.subject, software().contents, software().used)
        return self._provenance(build, image) if kind == PROVENANCE else {}

    def _software(self, build: Build, engine: Engine) -> Software:
        return Software(read_contents(engine, build.tags[0]), self._used(build))

    def _used(self, build: Build) -> tuple[Package, ...]:
        folder = self._place.folder
        return (*materials.roles_of(build, self._roles(build), folder), *materials.collections_of(folder))

    def _roles(self, build: Build) -> dict[str, RoleFiles]:
        uses = zip(build.service.role_labels, build.service.roles, strict=True)
        return {label: self._finder.find(role) for label, role in uses}

    def _counts(self, label: str, index: int, build: Build) -> dict[str, int] | None:
        return self._observed.counts(Step("provision", build.service.name, label, index).id)

    def _provenance(self, build: Build, image: Described) -> dict[str, Any]:
        place, service = self._place, build.service
        uses = enumerate(zip(service.role_labels, service.roles, strict=True))
        earlier = self._observed.built_earlier(image.subject.digest)
        played = tuple(
            PlayedRole(
                label,
                tuple(role.parameters),
                None if earlier else self._counts(label, index, build),
                tuple(secret.id for secret in role.secrets),
            )
            for index, (label, role) in uses
        )
        facts = Facts(
            recipe=_relative(place.recipe, place.folder),
            recipe_digest=hashlib.sha256(place.recipe.read_bytes()).hexdigest(),
            project=build.project.name,
            version=build.project.version,
            service=service.name,
            platform=image.platform,
            variables=tuple(service.variables),
            roles=played,
            materials=tuple(_materials(build, place.origin, self._used(build), image.conductor)),
            tools={"baseimage-pipeline": version("baseimage-pipeline")},
            builder=place.environ.get("BASEIMAGE_BUILDER_ID") or f"{BUILDER}:{_where(place.environ)}",
            run=str(uuid5(NAMESPACE_OID, place.run)),
            started=stamp(place.started),
            finished=stamp(datetime.now(UTC)),
            built_earlier=earlier,
        )
        return provenance(facts)


@dataclass(frozen=True, slots=True)
class Software:
    """The packages that are in an image, and the roles and collections that it was made with."""

    contents: Contents
    used: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """An image as its registry has it; `conductor` is the id of the image that may have made it, "" if not clear."""

    subject: Subject
    platform: str
    conductor: str = ""


def _holds(attachment: Attachment, kind: str, digest: str, judge: Judge | None) -> bool:
    """Whether a statement does: of a run that signs, one that it has signed; else any about this image."""
    if attachment.statement is None or attachment.statement.kind != kind:
        return False
    return not wrongs(attachment, digest, judge) if judge else attachment.statement.digest == digest


def read_contents(engine: Engine, image: str) -> Contents:
    """The packages of an image that the engine has. Raises PipelineError where it has none of this name."""
    found = engine.find_image(image)
    if found is None:
        raise PipelineError(f"the engine has no image {image}", hint="pull it, or look it up in its registry")
    return contents(engine.read_files(found.id, is_wanted))


def bill(kind: str, subject: Subject, contents: Contents, used: tuple[Package, ...]) -> dict[str, Any]:
    """A bill of materials in one of both forms."""
    # Half a second to load, which a run that finds everything attached saves.
    from pipeline.bill_cyclonedx import cyclonedx  # noqa: PLC0415
    from pipeline.bill_spdx import spdx  # noqa: PLC0415

    write = cyclonedx if kind == CYCLONEDX else spdx
    return write(subject, contents, used, version("baseimage-pipeline"))


def _described(store: Store, subject: Manifest, build: Build) -> Described:
    config = image_config(store, subject)
    labels = (config.get("config") or {}).get("Labels") or {}
    platform = "/".join(str(config[key]) for key in ("os", "architecture", "variant") if config.get(key))
    said = labels.get(f"{PREFIX}version") or build.project.version
    return Described(Subject(store.name, said, subject.digest, str(config.get("created") or "")), platform)


def _materials(build: Build, origin: Origin | None, used: tuple[Package, ...], conductor: str) -> Iterator[Material]:
    yield from materials.source_of(origin)
    yield materials.base_of(build)
    yield from materials.conductor_of(conductor)
    yield from (materials.as_material(package) for package in used)


def _relative(path: Path, folder: Path) -> str:
    """A path in the project, or a bare name: where a project lies on a machine is nobody's business."""
    found = path.resolve()
    return found.relative_to(folder.resolve()).as_posix() if found.is_relative_to(folder.resolve()) else path.name


def _where(environ: Mapping[str, str]) -> str:
    return "ci" if environ.get("CI") else "local"
