"""Attaching to an image and verifying it in real registries, without an engine: who lets whom in, and every fault.

A fault ends in an attachment that can be verified, or in an error of the registry's; it never lies and never hangs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import pytest

from pipeline import registry_access
from pipeline.errors import NotFoundError, RegistryError
from pipeline.events import Event
from pipeline.oci import MANIFEST
from pipeline.oci_registry import OciRegistry
from pipeline.reference import ImageReference
from pipeline.referrers import Artifact, attach, attachments
from pipeline.signing import new_key
from pipeline.statements import BUNDLE, NAMES, PROVENANCE, Statement
from pipeline.verifying import Verdict, verify
from tests.debian_registry import (
    PASSWORD,
    USER,
    TokenServer,
    authority,
    debian_registry,
    logged_in,
    token_server,
    users,
)
from tests.engine.conftest import Registry
from tests.faultproxy import CUT, HALF, RESET, SILENCE, Fault, FaultProxy, fault_proxy

OURS = new_key()
SOURCE = {"name": "source", "annotations": {"revision": "c"}}
PREDICATE = {"buildDefinition": {"externalParameters": {"version": "1"}, "resolvedDependencies": [SOURCE]}}
LABELS = {"org.opencontainers.image.revision": "c", "org.opencontainers.image.version": "1"}


@dataclass
class Place:
    """A repository as somebody with this environment has it."""

    address: str
    environ: dict[str, str]
    repository: str = ""

    def __post_init__(self) -> None:
        self.repository = self.repository or f"attached/{uuid4().hex[:12]}"
        self.events: list[Event] = []

    @cached_property
    def store(self) -> OciRegistry:
        name = ImageReference.parse(f"{self.address}/{self.repository}:1")
        return OciRegistry(name, self.environ, self.events.append, lambda _: None)

    def through(self, address: str) -> Place:
        return Place(address, self.environ, self.repository)

    def add_image(self) -> None:
        """An image without layers."""
        config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": LABELS}}).encode()
        store = self.store
        kind = "application/vnd.oci.image.config.v1+json"
        described = {"mediaType": kind, "digest": store.put_blob(config), "size": len(config)}
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
        store.put_manifest("1", MANIFEST, json.dumps(body).encode())

    def attach(self, *kinds: str) -> None:
        """As a push does it: what is there is looked at, then everything is attached."""
        store = self.store
        image = store.manifest("1")
        if image is None:
            raise NotFoundError("the image is gone")
        attachments(store, image.digest)
        made = []
        for kind in kinds or NAMES:
            statement = Statement(store.name, image.digest, kind, PREDICATE if kind == PROVENANCE else {})
            made.append(Artifact(BUNDLE, OURS.sealed(statement, self.events.append), kind))
        attach(store, image, made)

    def verify(self) -> Verdict:
        return verify(self.store, "1", OURS.public)


def settings(folder: Path, content: dict[str, object]) -> dict[str, str]:
    """The environment of a user with a config.json of docker's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    patience = {"BASEIMAGE_REGISTRY_PATIENCE": "6"}
    return {"HOME": str(folder), "DOCKER_CONFIG": str(folder), "PATH": os.defpath} | patience


def full(place: Place) -> None:
    """Everything is attached, and everything of it is good."""
    place.add_image()
    assert not place.verify().passed
    place.attach()
    assert place.verify().passed, place.verify()


def refused(place: Place) -> None:
    with pytest.raises(RegistryError) as raised:
        place.verify()
    assert raised.value.exit_code == 5
    assert "docker login" in raised.value.hint
    assert PASSWORD not in f"{raised.value.message} {raised.value.hint} {raised.value.detail}"


def test_a_registry_for_everybody(registry: Registry, tmp_path: Path) -> None:
    full(Place(registry.address, settings(tmp_path, {})))


def test_a_registry_with_users(restricted_registry: Registry, tmp_path: Path) -> None:
    address = restricted_registry.address
    place = Place(address, settings(tmp_path / "us", dict(logged_in(address))))
    full(place)
    for name, content in (("nobody", {}), ("wrong", logged_in(address, "guess"))):
        refused(Place(address, settings(tmp_path / name, content), place.repository))


HELPER = f"""#!/bin/sh
read -r server
echo "$1 $server" >> "$HOME/asked"
[ "$1" = get ] || exit 1
echo '{{"ServerURL": "'"$server"'", "Username": "{USER}", "Secret": "{PASSWORD}"}}'
"""


@pytest.mark.parametrize("how", ["credHelpers", "credsStore"])
def test_a_program_that_keeps_the_credentials(how: str, restricted_registry: Registry, tmp_path: Path) -> None:
    address = restricted_registry.address
    content: dict[str, object] = {how: {address: "lab"} if how == "credHelpers" else "lab"}
    environ = settings(tmp_path, content)
    program = tmp_path / "bin/docker-credential-lab"
    program.parent.mkdir()
    program.write_text(HELPER)
    program.chmod(0o755)
    environ["PATH"] = f"{program.parent}:{environ['PATH']}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", environ["PATH"])
        full(Place(address, environ))
    assert f"get {address}" in (tmp_path / "asked").read_text()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TokenServer, str]]:
    """A token server, and the address of a registry that believes it."""
    folder = tmp_path_factory.mktemp("tokens")
    with token_server(folder) as server, debian_registry(folder, server.settings()) as address:
        yield server, address


def test_a_registry_that_sends_to_a_token_server(tokens: tuple[TokenServer, str], tmp_path: Path) -> None:
    server, address = tokens
    place = Place(address, settings(tmp_path / "us", dict(logged_in(address))))
    full(place)
    asked = {frozenset(scope.rpartition(":")[2].split(",")) for scope in server.asked if place.repository in scope}
    assert asked == {frozenset(["pull"]), frozenset(["pull", "push"])}
    for name, content in (("nobody", {}), ("wrong", logged_in(address, "guess"))):
        refused(Place(address, settings(tmp_path / name, content), place.repository))


def test_what_everybody_may_pull_is_verified_without_a_login_and_not_attached_to(
    tokens: tuple[TokenServer, str], tmp_path: Path
) -> None:
    _, address = tokens
    place = Place(address, settings(tmp_path / "us", dict(logged_in(address))), f"public/{uuid4().hex[:12]}")
    full(place)
    stranger = Place(address, settings(tmp_path / "nobody", {}), place.repository)
    assert stranger.verify().passed
    with pytest.raises(RegistryError) as raised:
        stranger.attach()
    assert "docker login" in raised.value.hint


def trusting(place: Place, *files: Path) -> None:
    """These certificates are in the folder that docker has for the registry."""
    folder = Path(place.environ["HOME"]) / ".docker/certs.d" / place.address
    folder.mkdir(parents=True)
    for number, file in enumerate(files):
        public = file.read_text()[file.read_text().index("-----BEGIN CERTIFICATE") :]
        (folder / f"{number}.crt").write_text(public)


@pytest.mark.parametrize("wants", ["nothing", "a login"])
def test_a_registry_with_a_certificate_of_a_private_authority(wants: str, tmp_path: Path) -> None:
    file, other = authority(tmp_path, "registry"), authority(tmp_path, "other")
    more = users(tmp_path) if wants == "a login" else ""
    with debian_registry(tmp_path, more, tls=f"{{certificate: {file}, key: {file}}}") as address:
        place = Place(address, settings(tmp_path / "us", dict(logged_in(address))))
        trusting(place, other, file)
        full(place)
        stranger = Place(address, settings(tmp_path / "nobody", {}), place.repository)
        with pytest.raises(RegistryError, match=r"(?i)certificate") as raised:
            stranger.verify()
        assert "certs.d" in raised.value.hint


def test_a_registry_that_wants_a_certificate_of_its_client_s(tmp_path: Path) -> None:
    file = authority(tmp_path, "registry")
    with debian_registry(tmp_path, tls=f"{{certificate: {file}, key: {file}, clientcas: [{file}]}}") as address:
        place = Place(address, settings(tmp_path / "us", {}))
        trusting(place, file)
        with pytest.raises(RegistryError):
            place.add_image()
        folder = Path(place.environ["HOME"]) / ".docker/certs.d" / address
        for name in ("client.cert", "client.key"):
            (folder / name).write_bytes(file.read_bytes())
        full(Place(address, place.environ))


INDEX, ARTIFACT, UPLOADS, BLOB = r"/manifests/sha256-", r"/manifests/sha256:", r"/blobs/uploads/", r"/blobs/sha256:"
ATTACHING: dict[str, dict[str, str]] = {
    "image": {"method": "GET", "path": r"/manifests/1$"},
    "list": {"method": "GET", "path": "/referrers/"},
    "blob's look-up": {"method": "HEAD", "path": BLOB},
    "upload's start": {"method": "POST", "path": UPLOADS},
    "upload's body": {"method": "PUT", "path": UPLOADS},
    "artifact": {"method": "PUT", "path": ARTIFACT},
    "index's look-up": {"method": "GET", "path": INDEX},
    "index": {"method": "PUT", "path": INDEX},
    "confirmation": {"method": "GET", "path": INDEX, "after": f"PUT .*{INDEX}"},
}
VERIFYING: dict[str, dict[str, str]] = {
    "image": {"method": "GET", "path": r"/manifests/1$"},
    "list": {"method": "GET", "path": "/referrers/"},
    "index": {"method": "GET", "path": INDEX},
    "statement": {"method": "GET", "path": ARTIFACT},
    "blob": {"method": "GET", "path": BLOB},
}
PASSING: dict[str, int] = {"429": 429, "502": 502, "reset": RESET, "cut": CUT}
FAULTS: dict[str, int] = PASSING | {"401": 401, "403": 403, "half": HALF, "missing": 404, "silence": SILENCE}
BODIES = {"403": b'{"errors": [{"code": "DENIED", "message": "not for you"}]}'}
WRITES = ("upload's body", "artifact", "index")
HEADERS = {"429": (("Retry-After", "1"),)}
FOR_EVER = 10_000
BOUND = 60
"""Seconds in which a case has to end."""


@dataclass(frozen=True)
class Case:
    """A fault at a step of attaching or verifying, once or for ever."""

    verb: str
    step: str
    fault: str
    times: int

    def __str__(self) -> str:
        return f"{self.verb}: {self.step}, {self.fault}, {'once' if self.times == 1 else 'for ever'}"

    @property
    def applies(self) -> bool:
        """Half of a body is lost where there is one; an answer without a body has nothing to cut."""
        if self.fault == "half":
            return self.step in WRITES
        return self.fault != "cut" or self.step not in (*WRITES, "blob's look-up", "upload's start")


CASES = [
    case
    for verb, steps in (("attach", ATTACHING), ("verify", VERIFYING))
    for step in steps
    for fault in FAULTS
    for times in (1, FOR_EVER)
    if (case := Case(verb, step, fault, times)).applies
]


@dataclass(frozen=True)
class Ending:
    """What came of a case: whether it said that all is well, its error; whether all is well."""

    said: bool
    error: Exception | None
    there: bool
    met: bool


@pytest.fixture(scope="module")
def endings(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Ending]]:
    """What came of each case."""
    environ = settings(tmp_path_factory.mktemp("nobody"), {})
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(registry_access, "TIMEOUT", (5, 3))
        futures = {case: pool.submit(ending, case, Place(registry.address, environ)) for case in CASES}
        yield {case: future.result(timeout=BOUND * len(CASES)) for case, future in futures.items()}


def ending(case: Case, place: Place) -> Ending:
    place.add_image()
    if case.verb == "verify":
        place.attach()
    with fault_proxy(place.address) as proxy:
        fault = planned(case, proxy)
        through, said, error = place.through(proxy.address), False, None
        try:
            if case.verb == "attach":
                through.attach()
                said = True
            else:
                said = through.verify().passed
        except Exception as found:  # noqa: BLE001 - judged by the test
            error = found
    return Ending(said, error, place.verify().passed, fault.times < case.times)


def planned(case: Case, proxy: FaultProxy) -> Fault:
    where = (ATTACHING if case.verb == "attach" else VERIFYING)[case.step]
    body, headers = BODIES.get(case.fault, b""), HEADERS.get(case.fault, ())
    fault = Fault(**where, status=FAULTS[case.fault], times=case.times, body=body, headers=headers)
    proxy.add(fault)
    return fault


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_ends_in_what_can_be_verified_or_in_an_error(case: Case, endings: dict[Case, Ending]) -> None:
    ending = endings[case]
    assert ending.met, "the fault never came"
    if ending.said:
        assert ending.there
    elif ending.error or case.verb == "attach":
        gone = (case.step, case.fault) == ("image", "missing")
        assert isinstance(ending.error, NotFoundError if gone else RegistryError), repr(ending.error)
        assert ending.error.exit_code == (1 if gone else 5)
        assert ending.error.message


LATER = Case("attach", "confirmation", "missing", 1)
"""A registry that knows a little later what was written."""
ONCE = [case for case in CASES if case.times == 1 and case.fault in PASSING]


@pytest.mark.slow
@pytest.mark.parametrize("case", [*ONCE, LATER], ids=str)
def test_a_fault_that_passes_is_survived(case: Case, endings: dict[Case, Ending]) -> None:
    assert endings[case].said, repr(endings[case].error)


STAYS = [case for case in CASES if case.times > 1 and case.fault not in ("missing", "half")]


@pytest.mark.slow
@pytest.mark.parametrize("case", STAYS, ids=str)
def test_a_fault_that_stays_is_never_a_success(case: Case, endings: dict[Case, Ending]) -> None:
    assert endings[case].error
