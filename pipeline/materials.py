"""What went into an image, gathered from a build: base, source, conductor, roles and collections."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packageurl import PackageURL

from pipeline.collection_requirements import COLLECTIONS
from pipeline.conductor import REPOSITORY
from pipeline.conductor_context import image_files, image_key
from pipeline.engine import Engine
from pipeline.errors import InputError
from pipeline.fingerprint import digest
from pipeline.gitflow import PREFIX, Release
from pipeline.module_lock import LOCK_FILE, LockEntry, parse_lock
from pipeline.own_labels import base_digest
from pipeline.plan import LayerKey
from pipeline.player import RoleFiles
from pipeline.provenance import Material, Origin
from pipeline.recipe_model import BaseImage, Bootstrap, BuiltService, Rootfs
from pipeline.reference import ImageReference
from pipeline.software import Package
from pipeline.sources import file_entries
from pipeline.stage import Build

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
_PINNED = ("requirements.in", "collections.in")


def origin_of(release: Release) -> Origin | None:
    """The commit that gitflow's labels name."""
    revision, address = release.revision, release.labels.get(f"{PREFIX}source", "")
    commit = revision.removesuffix("-dirty")
    return Origin(commit, dirty=commit != revision, address=address, revision=revision) if commit else None


def source_of(origin: Origin | None) -> tuple[Material, ...]:
    """The commit that was checked out, and whether the tree was what it says; nothing outside git."""
    if origin is None:
        return ()
    said: dict[str, str | bool] = {"dirty": origin.dirty}
    if origin.revision:
        said["revision"] = origin.revision
    address = f"git+{origin.address}" if origin.address else ""
    return (Material("source", address, {"gitCommit": origin.commit}, said),)


def base_of(build: Build) -> Material:
    """What the image stands on."""
    base = build.service.base
    image = {"image": build.base.id} if build.base else {}
    match base:
        case BaseImage(reference=reference):
            known = base_digest(build)
            return Material("base", _image_url(reference, known), _digests(known), {"reference": reference, **image})
        case Rootfs(source=source, sha256=checksum):
            said = {"kind": "root file system", "file": re.split("[?#]", source)[0].rpartition("/")[2]}
            return Material("base", "", {"sha256": checksum}, said)
        case Bootstrap(suite=suite, variant=variant, include=include):
            said = {"suite": suite, "variant": variant, "include": " ".join(include), "kind": "bootstrapped root"}
            return Material("base", "", {}, {name: text for name, text in {**said, **image}.items() if text})
        case BuiltService(name=name):
            return Material("base", "", {}, {"service": name, **image})


def conductor_image(engine: Engine) -> str:
    """The id of the conductor's image on an engine; "" where there is none, or several on different roots."""
    found = {identity for identity, _ in engine.named("image", f"{REPOSITORY}:{image_key()[:16]}-")}
    return found.pop() if len(found) == 1 else ""


def conductor_of(image: str) -> tuple[Material, ...]:
    """The conductor's image, by the files that it is made of and its id, and what plays the roles in it."""
    files = image_files()
    pins = {name: version for each in _PINNED for name, version in _PIN.findall(files[each].decode())}
    packages = (
        Material(name, PackageURL("pypi", None, name, version).to_string()) for name, version in sorted(pins.items())
    )
    said = {"kind": "files of the conductor's image"} | ({"image": image} if image else {})
    return Material("conductor", "", {"sha256": image_key()}, said), *packages


def roles_of(build: Build, files: Mapping[str, RoleFiles], project: Path) -> tuple[Package, ...]:
    """The roles of a service, each with a digest of all its files, and the commit that the lock file has it at."""
    lock = locked(project)
    made = (_role(label, files[label], lock, project, _key(build, label)) for label in build.service.role_labels)
    return tuple(dict.fromkeys(made))


def collections_of(project: Path) -> tuple[Package, ...]:
    """The project's own collections, with the versions that they tell."""
    return tuple(sorted(_collections(project, locked(project))))


def as_material(package: Package) -> Material:
    """A role or collection among what a build depends on."""
    known = {"sha256": package.digest} if package.digest else {}
    return Material(f"{package.kind} {package.name}", package.purl, known)


def locked(project: Path) -> dict[str, LockEntry]:
    """The project's lock file; nothing where it has none that can be read."""
    try:
        return parse_lock((project / LOCK_FILE).read_text(encoding="utf-8"), LOCK_FILE)
    except (OSError, ValueError, InputError):
        return {}


def _role(label: str, files: RoleFiles, lock: Mapping[str, LockEntry], project: Path, key: LayerKey | None) -> Package:
    parts = {name: value for name, value in (key.inputs if key else {}).items() if name.startswith("file ")}
    return _package("role", label, "", _entry(files.folder, lock, project), digest(parts) if parts else "")


def _key(build: Build, label: str) -> LayerKey | None:
    return next((key for key in build.keys if key.role == label), None)


def _collections(project: Path, lock: Mapping[str, LockEntry]) -> Iterator[Package]:
    for folder in (project / COLLECTIONS).glob("*/*"):
        if not folder.is_dir():
            continue
        try:
            told = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
        except (OSError, ValueError, KeyError, TypeError):
            told = ""
        content = digest([(entry.path, entry.mode, entry.digest) for entry in file_entries(folder)])
        name = f"{folder.parent.name}.{folder.name}"
        yield _package("collection", name, str(told), _entry(folder, lock, project), content)


def _entry(folder: Path, lock: Mapping[str, LockEntry], project: Path) -> LockEntry | None:
    within = (path for path in lock if folder.resolve().is_relative_to((project / path).resolve()))
    return lock.get(max(within, key=len, default=""))


def _package(kind: str, name: str, version: str, entry: LockEntry | None, content: str) -> Package:
    """Neither has a type of its own among package URLs: the generic one, with where it comes from."""
    origin = {"vcs_url": f"git+{entry.url}@{entry.commit}"} if entry else {}
    version = version or (entry.commit if entry else "")
    purl = PackageURL("generic", f"ansible-{kind}", name, version or None, origin or None)
    return Package(kind, name, version, purl.to_string(), digest=content)


def _image_url(reference: str, known: str) -> str:
    name = ImageReference.parse(reference)
    where = {"repository_url": f"{name.registry}/{name.repository}"} | ({"tag": name.tag} if name.tag else {})
    return PackageURL("oci", None, name.repository.rpartition("/")[2], known or None, where).to_string()


def _digests(known: str) -> dict[str, str]:
    algorithm, _, value = known.partition(":")
    return {algorithm: value} if value else {}
