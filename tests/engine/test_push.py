"""Pushes and pulls between a real engine and a real registry, which at times refuses or fails."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.docker_engine import connect
from pipeline.engine import Engine
from pipeline.errors import EngineError, NotFoundError, PushFailedError, TransientError
from pipeline.events import Event
from pipeline.retrying import RetryingEngine
from tests.engine.conftest import LABELS, Bench, Registry
from tests.faultproxy import RESET, FaultProxy, fault_proxy

pytestmark = pytest.mark.engine
MANIFEST = r"/manifests/"
UPLOAD = r"/blobs/uploads/"
TAG_INVALID = b'{"errors": [{"code": "TAG_INVALID", "message": "the tag is immutable"}]}'

Naming = Callable[[str], str]


def quiet(*_: object) -> None:
    """Nobody watches."""


@pytest.fixture
def named(docker_bench: Bench) -> Iterator[Naming]:
    """Makes a new image with a layer of its own (engines do not upload twice) and names it in a registry."""
    names: list[str] = []

    def name(address: str) -> str:
        names.append(f"{address}/h4/{uuid.uuid4().hex[:8]}:1")
        docker_bench.engine.tag(docker_bench.unique_image(), names[-1])
        return names[-1]

    yield name
    for made in names:
        docker_bench.engine.remove_image(made)


@pytest.fixture
def proxy(registry: Registry) -> Iterator[FaultProxy]:
    """A door to the registry that fails on request."""
    with fault_proxy(registry.address) as found:
        yield found


class Patience:
    """The engine behind a `RetryingEngine` that does not really wait."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[Event] = []
        self.engine = RetryingEngine(engine, self.events.append, sleep=lambda _: None)


@pytest.fixture
def patience(docker_bench: Bench) -> Patience:
    return Patience(docker_bench.engine)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Patience]:
    """An engine whose user has these docker settings (`config.json`)."""

    def use(**content: Any) -> Patience:
        (tmp_path / "config.json").write_text(json.dumps(content))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        return Patience(connect(os.environ))  # noqa: TID251 - a test's edge

    return use


def auth_of(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def helper(folder: Path, name: str, user: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential helper as docker calls it: it prints who one is, for any registry."""
    script = folder / f"docker-credential-{name}"
    answer = json.dumps({"ServerURL": "x", "Username": user, "Secret": password})
    script.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")  # noqa: TID251 - a test's edge


def test_a_push_returns_the_digest_that_the_registry_has(
    docker_bench: Bench, registry: Registry, named: Naming
) -> None:
    name, seen = named(registry.address), set[str]()
    digest = docker_bench.engine.push(name, lambda _item, status, *_: seen.add(status))
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    assert registry.digest(name.split("/", 1)[1].removesuffix(":1"), "1") == digest
    assert "Pushed" in seen


def test_what_was_pushed_can_be_pulled_by_tag_and_by_digest(
    docker_bench: Bench, registry: Registry, named: Naming
) -> None:
    engine, name = docker_bench.engine, named(registry.address)
    before = engine.find_image(name)
    digest = engine.push(name, quiet)
    engine.remove_image(name)
    assert engine.find_image(name) is None
    seen: set[str] = set()
    pulled = engine.pull(name, lambda _item, status, *_: seen.add(status))
    assert before is not None
    assert (pulled.layers, pulled.config) == (before.layers, before.config)
    assert f"Digest: {digest}" in seen
    assert engine.pull(f"{name.removesuffix(':1')}@{digest}", quiet).id == pulled.id


def test_a_tag_that_the_engine_does_not_have_is_not_found(docker_bench: Bench, registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="no such tag"):
        docker_bench.engine.push(f"{registry.address}/h4/unknown:1", quiet)


def test_a_tag_that_the_registry_does_not_have_is_not_found(patience: Patience, registry: Registry) -> None:
    with pytest.raises(NotFoundError, match=r"pulling .*/h4/unknown:1: .*(manifest unknown|not found)"):
        patience.engine.pull(f"{registry.address}/h4/unknown:1", quiet)
    assert patience.events == []


def test_who_does_not_say_who_he_is_may_not_push(
    patience: Patience, restricted_registry: Registry, named: Naming
) -> None:
    with pytest.raises(PushFailedError, match="no basic auth credentials") as caught:
        patience.engine.push(named(restricted_registry.address), quiet)
    assert "docker login" in caught.value.hint
    assert patience.events == []


def test_a_wrong_password_is_refused_and_shown_nowhere(
    settings: Callable[..., Patience], restricted_registry: Registry, named: Naming
) -> None:
    wrong = auth_of(restricted_registry.user, "wrong-s3cret")
    patience = settings(auths={restricted_registry.address: wrong})
    with pytest.raises(PushFailedError, match=r"unauthorized|401 Unauthorized") as caught:
        patience.engine.push(named(restricted_registry.address), quiet)
    told = f"{caught.value} {caught.value.hint} {caught.value.detail}"
    assert "wrong-s3cret" not in told
    assert wrong["auth"] not in told
    assert patience.events == []


def test_a_refusal_of_one_who_is_known_is_recognised_while_the_engine_still_tries(
    settings: Callable[..., Patience], restricted_registry: Registry, named: Naming
) -> None:
    with fault_proxy(restricted_registry.address) as proxy:
        known = auth_of(restricted_registry.user, restricted_registry.password)
        patience, seen = settings(auths={proxy.address: known}), set[str]()
        proxy.fail("PATCH|PUT", UPLOAD, 403, times=1000)
        with pytest.raises(PushFailedError, match=r"refuses|denied|403") as caught:
            patience.engine.push(named(proxy.address), lambda _item, status, *_: seen.add(status))
    assert "docker login" in caught.value.hint
    assert patience.events == []
    assert "Retrying in 3 seconds" not in seen


def test_credentials_come_from_auths(
    settings: Callable[..., Patience], restricted_registry: Registry, named: Naming
) -> None:
    known = auth_of(restricted_registry.user, restricted_registry.password)
    name = named(restricted_registry.address)
    digest = settings(auths={restricted_registry.address: known}).engine.push(name, quiet)
    assert restricted_registry.digest(name.split("/", 1)[1].removesuffix(":1"), "1") == digest


@pytest.mark.parametrize("setting", ["credHelpers", "credsStore"])
def test_credentials_come_from_a_helper(
    settings: Callable[..., Patience],
    restricted_registry: Registry,
    named: Naming,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
) -> None:
    helper(tmp_path, "tests", restricted_registry.user, restricted_registry.password, monkeypatch)
    content: object = "tests" if setting == "credsStore" else {restricted_registry.address: "tests"}
    assert settings(**{setting: content}).engine.push(named(restricted_registry.address), quiet)


@pytest.mark.filterwarnings("ignore:docker-credential-no-such-helper not installed:UserWarning")
def test_a_helper_that_is_not_installed_is_named(
    settings: Callable[..., Patience], restricted_registry: Registry, named: Naming
) -> None:
    patience = settings(credHelpers={restricted_registry.address: "no-such-helper"})
    with pytest.raises(EngineError, match="docker-credential-no-such-helper"):
        patience.engine.push(named(restricted_registry.address), quiet)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", MANIFEST, 503),
        ("PUT", MANIFEST, RESET),
        ("POST", UPLOAD, 429),
        ("GET", MANIFEST + "sha256:", 502),  # when the digest is asked for
    ],
)
def test_a_failure_that_passes_costs_another_try(
    patience: Patience, registry: Registry, proxy: FaultProxy, named: Naming, method: str, path: str, status: int
) -> None:
    proxy.fail(method, path, status)
    name = named(proxy.address)
    digest = patience.engine.push(name, quiet)
    assert registry.digest(name.split("/", 1)[1].removesuffix(":1"), "1") == digest
    # containerd's client, below Docker's newer image store, tries a request five times before it gives up.
    assert patience.events or patience.engine.info().storage == "overlayfs", proxy.log
    assert [entry for entry in proxy.log if entry[0] == method and entry[2] == status]


def test_a_pull_is_tried_again_too(patience: Patience, proxy: FaultProxy, named: Naming) -> None:
    name = named(proxy.address)
    patience.engine.push(name, quiet)
    patience.engine.remove_image(name)
    for method in ("HEAD", "GET"):  # engines begin with either
        proxy.fail(method, MANIFEST, 503)
    assert patience.engine.pull(name, quiet).tags == (name,)
    assert patience.events or patience.engine.info().storage == "overlayfs"


def test_an_immutable_tag_is_final(patience: Patience, proxy: FaultProxy, named: Naming) -> None:
    proxy.fail("PUT", MANIFEST, 400, times=100, body=TAG_INVALID)
    with pytest.raises(PushFailedError, match=r"tag invalid|TAG_INVALID|immutable"):
        patience.engine.push(named(proxy.address), quiet)
    assert patience.events == []


def test_a_registry_that_forgets_what_was_pushed_is_a_failure(
    patience: Patience, proxy: FaultProxy, named: Naming
) -> None:
    for method in ("HEAD", "GET"):
        proxy.fail(method, MANIFEST, 404, times=100, body=b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
    with pytest.raises(PushFailedError, match="confirming"):
        patience.engine.push(named(proxy.address), quiet)
    assert patience.events == []


def test_what_is_published_is_found_with_its_digest_and_labels_and_names_nothing_here(
    patience: Patience, docker_bench: Bench, registry: Registry, named: Naming
) -> None:
    name = named(registry.address)
    assert patience.engine.published(name, quiet) is None
    digest = patience.engine.push(name, quiet)
    found = patience.engine.published(name, quiet)
    assert found
    assert found.digest == digest
    assert found.image.config.labels.items() >= LABELS.items()
    image = docker_bench.engine.find_image(name)
    assert image
    docker_bench.engine.remove_image(name)
    docker_bench.engine.remove_image(image.id)
    again = patience.engine.published(name, quiet)  # now it has to be fetched
    assert again
    assert (again.digest, again.image.config, again.image.tags) == (digest, image.config, ())
    assert docker_bench.engine.find_image(name) is None
    docker_bench.engine.remove_image(again.image.id)


def test_another_tag_of_a_known_repository_is_not_published(
    patience: Patience, registry: Registry, named: Naming
) -> None:
    name = named(registry.address)
    patience.engine.push(name, quiet)
    assert patience.engine.published(name.removesuffix(":1") + ":2", quiet) is None


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_registry_that_does_not_say_whether_it_has_a_tag_is_an_error_not_a_no(
    patience: Patience, proxy: FaultProxy, named: Naming, status: int
) -> None:
    for method in ("HEAD", "GET"):
        proxy.fail(method, MANIFEST, status, times=1000)
    with pytest.raises(PushFailedError, match="looking up"):
        patience.engine.published(named(proxy.address), quiet)


def test_a_look_up_that_fails_once_is_tried_again(patience: Patience, proxy: FaultProxy, named: Naming) -> None:
    for method in ("HEAD", "GET"):
        proxy.fail(method, MANIFEST, 503)
    assert patience.engine.published(named(proxy.address), quiet) is None


def test_a_registry_of_others_does_not_tell_strangers_whether_it_has_a_tag(
    settings: Callable[..., Patience], restricted_registry: Registry, named: Naming
) -> None:
    with pytest.raises(PushFailedError, match=r"unauthorized|no basic auth|401") as caught:
        settings().engine.published(named(restricted_registry.address), quiet)
    assert "docker login" in caught.value.hint


def test_a_registry_that_is_not_there_may_come_back(docker_bench: Bench, named: Naming) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    name = named(address)
    with pytest.raises(TransientError, match="connection refused"):
        docker_bench.engine.push(name, quiet)
    with pytest.raises(TransientError, match="connection refused"):
        docker_bench.engine.pull(f"{address}/h4/other:1", quiet)
