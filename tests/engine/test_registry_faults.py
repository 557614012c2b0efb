"""Every fault of a registry at every step of a release: it ends well or not, but it never lies and never hangs.

All cases run once, a few at a time; each has an image, a proxy and an engine's client of its own. Those that are
silent hold on to what an engine has for uploads, so they run by themselves.
"""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.docker_client import open_client
from pipeline.docker_engine import DockerEngine
from pipeline.engine import Engine
from pipeline.errors import PushFailedError
from pipeline.events import Event
from pipeline.image_config import ImageConfig
from pipeline.registry_patience import Patience
from pipeline.retrying import RetryingEngine
from tests.engine.conftest import LABELS, Registry
from tests.faultproxy import HALF, RESET, SILENCE, Fault, FaultProxy, fault_proxy

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("docker_bench")]
"""The bench removes, by their labels, the images that are made here."""

BOUND = 60
"""Seconds in which a case has to end: with the patience that it is given, on a busy machine."""
ENGINES_OWN = 6
"""Seconds of patience with which an engine's own second try, five seconds after the first, is waited for."""
AT_ONCE = 5
"""As many uploads as an engine makes at a time."""
FOR_EVER = 10_000
MANIFESTS = r"/manifests/"
UPLOADS = r"/blobs/uploads/"
STEPS: dict[str, dict[str, str]] = {
    "look-up": {"method": "HEAD|GET", "path": MANIFESTS},
    "upload start": {"method": "POST", "path": UPLOADS},
    "upload body": {"method": "PATCH|PUT", "path": UPLOADS},
    "manifest": {"method": "PUT", "path": MANIFESTS},
    "confirmation": {"method": "HEAD|GET", "path": MANIFESTS, "after": f"PUT .*{MANIFESTS}"},
}
FAULTS: dict[str, int] = {
    "429": 429,
    "500": 500,
    "502": 502,
    "503": 503,
    "401": 401,
    "403": 403,
    "reset": RESET,
    "silence": SILENCE,
    "half": HALF,
    "missing": 404,
    "old": 200,
}
ONLY_AT = {"half": ("upload body",), "missing": ("look-up", "confirmation"), "old": ("look-up", "confirmation")}
BODIES = {
    "403": b'{"errors": [{"code": "DENIED", "message": "not for you"}]}',
    "missing": b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}',
}
HEADERS = {"429": (("Retry-After", "1"),)}


@dataclass(frozen=True)
class Case:
    """A fault at a step, once or for ever."""

    step: str
    fault: str
    times: int

    def __str__(self) -> str:
        return f"{self.step}, {self.fault}, {'once' if self.times == 1 else 'for ever'}"


CASES = [
    Case(step, fault, times)
    for step in STEPS
    for fault in FAULTS
    if step in ONLY_AT.get(fault, STEPS)
    for times in (1, FOR_EVER)
]


@dataclass(frozen=True)
class Ending:
    """What came of a case: the digest that a release would print, or its error; what the registry has."""

    digest: str
    error: Exception | None
    there: str
    statuses: frozenset[str]
    retries: int
    met: bool


@pytest.fixture(scope="module")
def endings(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Ending]:
    """What came of each case."""
    folder = tmp_path_factory.mktemp("images")
    silent = [case for case in CASES if case.fault == "silence"]
    loud = [case for case in CASES if case.fault != "silence"]
    return _all(loud, registry, folder) | _all(silent, registry, folder)


def _all(cases: list[Case], registry: Registry, folder: Path) -> dict[Case, Ending]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {case: pool.submit(_ending, case, _patience(case), registry, folder) for case in cases}
        return {case: future.result(timeout=BOUND * len(cases)) for case, future in futures.items()}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_ends_in_what_the_registry_has_or_in_an_error(case: Case, endings: dict[Case, Ending]) -> None:
    ending = endings[case]
    assert ending.met, "the fault never came"
    if ending.error is None:
        assert ending.digest == ending.there
        return
    assert isinstance(ending.error, PushFailedError), repr(ending.error)
    assert len(ending.error.message) > len("pushing"), "it says what is wrong"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.times == 1 and case.fault in ("429", "500", "502", "503", "reset")], ids=str
)
def test_a_fault_that_passes_is_survived(case: Case, endings: dict[Case, Ending]) -> None:
    assert endings[case].error is None, repr(endings[case].error)


@pytest.mark.parametrize(
    "case", [Case("look-up", "missing", 1), Case("confirmation", "missing", 1), Case("confirmation", "old", 1)], ids=str
)
def test_a_registry_that_knows_it_a_little_later_is_asked_again(case: Case, endings: dict[Case, Ending]) -> None:
    assert endings[case].error is None, repr(endings[case].error)


@pytest.mark.parametrize("case", [case for case in CASES if case.times > 1 and case.fault in ("401", "403")], ids=str)
def test_a_refusal_is_not_tried_again(case: Case, endings: dict[Case, Ending]) -> None:
    ending = endings[case]
    assert isinstance(ending.error, PushFailedError)
    assert ending.retries == 0
    assert "Retrying in 3 seconds" not in ending.statuses, "nobody waits until the engine gives up"
    assert ending.error.hint


@pytest.mark.parametrize("case", [case for case in CASES if case.times > 1], ids=str)
def test_a_fault_that_stays_is_never_a_success(case: Case, endings: dict[Case, Ending]) -> None:
    assert endings[case].error


def _patience(case: Case) -> Patience:
    return Patience(silence=2 if case.fault == "silence" else 30, trying=ENGINES_OWN if case.times == 1 else 3)


def _ending(case: Case, patience: Patience, registry: Registry, folder: Path) -> Ending:
    client = DockerEngine(open_client(os.environ), patience=patience)  # noqa: TID251 - a test's edge
    events: list[Event] = []
    seen: set[str] = set()
    try:
        with fault_proxy(registry.address) as proxy:
            name = f"{proxy.address}/faults/{uuid.uuid4().hex[:12]}:1"
            engine = RetryingEngine(client, events.append, sleep=lambda _: None, patience=patience.trying)
            for made in _images(client, case, name, folder):
                client.push(made, lambda *_: None)
            proxy.log.clear()
            _plan(proxy, case, name)
            error, digest = None, ""
            try:
                digest = _release(engine, name, seen)
            except Exception as found:  # noqa: BLE001 - judged by the test
                error = found
            met = any(fault.times < case.times for fault in proxy.faults)
        there = "" if error else registry.digest(name.split("/", 1)[1].removesuffix(":1"), "1")
        return Ending(digest, error, there, frozenset(seen), len(events), met)
    finally:
        client.close()


def _release(engine: Engine, name: str, seen: set[str]) -> str:
    """As the push stage does it: a version that is there stays if it is ours, else it is pushed."""
    there, ours = engine.published(name, lambda *_: None), engine.find_image(name)
    if there and ours and there.image.id != ours.id:
        raise PushFailedError(f"{name} is published already, and it is another one")
    return there.digest if there else engine.push(name, lambda _item, status, *_: seen.add(status))


def _plan(proxy: FaultProxy, case: Case, name: str) -> None:
    instead = ""
    if case.fault == "old":
        repository = name.split("/", 1)[1].removesuffix(":1")
        instead = f"/v2/{repository}/manifests/old"
    body, headers = BODIES.get(case.fault, b""), HEADERS.get(case.fault, ())
    path = STEPS[case.step]["path"] + ("1$" if case.fault == "old" else "")
    where = {**STEPS[case.step], "path": path}
    proxy.add(Fault(**where, status=FAULTS[case.fault], times=case.times, body=body, headers=headers, instead=instead))


def _images(client: DockerEngine, case: Case, name: str, folder: Path) -> Iterator[str]:
    """Makes the image to be released, of a layer that no registry has; yields what is to be there before."""
    if case.fault == "old":
        old = name.removesuffix(":1") + ":old"
        _image(client, old, folder)
        yield old
    _image(client, name, folder)
    if case.step == "look-up":
        yield name


def _image(client: DockerEngine, name: str, folder: Path) -> None:
    archive = folder / uuid.uuid4().hex
    content = os.urandom(3000)
    with tarfile.open(archive, "w") as files:
        entry = tarfile.TarInfo("word")
        entry.size = len(content)
        files.addfile(entry, io.BytesIO(content))
    client.import_root(archive, name, ImageConfig(command=("-",), labels=LABELS))
