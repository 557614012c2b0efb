"""Layers that engines share through a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.faultproxy import RESET, fault_proxy
from tests.project.conftest import Registry
from tests.project.engine_view import Watch, images_of
from tests.project.far_engine import far_engine, reachable_from
from tests.project.harness import JSON, Outcome, Project

ROLES = [{"role": name, "gather_facts": False} for name in ("one", "two")]
TASKS = "- {{name: Write, ansible.builtin.copy: {{content: {0}, dest: /etc/{0}, mode: '0644'}}}}\n"
PULL_REQUEST = {"GITHUB_REF_NAME": "7/merge", "GITHUB_HEAD_REF": "topic"}


@pytest.fixture
def two(project: Project, busybox: dict[str, str]) -> Project:
    """A project whose image has two roles."""
    for role in ROLES:
        project.role(str(role["role"]), TASKS.format(role["role"]))
    project.recipe(base=busybox, roles=ROLES, command="sh")
    return project


@pytest.fixture
def one(two: Project, busybox: dict[str, str]) -> Project:
    """The same with one role only."""
    two.recipe(base=busybox, roles=ROLES[:1], command="sh")
    return two


@pytest.fixture
def cache(project: Project, plain_registry: Registry) -> str:
    """A repository for this project's layers."""
    return f"{plain_registry.address}/{project.repository}/cache"


def shared(built: Outcome) -> str:
    """What came of sharing."""
    return str(built.one("step_finished", step="web/share")["detail"])


def warnings(built: Outcome) -> str:
    """All that the user was warned of."""
    return "\n".join(event["message"] for event in built.all("warned"))


@pytest.fixture
def elsewhere(two: Project, tmp_path: Path) -> Iterator[Project]:
    """The same project where nobody has built it yet: neither records nor layers."""
    other = Project(tmp_path / "elsewhere/proj", two.engine, two.unique)
    for path in (two.folder / "roles").rglob("*.yml"):
        other.write(str(path.relative_to(two.folder)), path.read_text())
    other.write("recipes/default.yml", (two.folder / "recipes/default.yml").read_text())
    yield other
    other.remove_all()


def test_an_engine_with_an_empty_store_takes_all_from_the_registry(
    two: Project, elsewhere: Project, cache: str, busybox: dict[str, str], plain_registry: Registry
) -> None:
    built = two.build("--cache-to", cache, **PULL_REQUEST).well()
    assert "pull request" in warnings(built)
    assert not built.all("step_started", stage="share")
    assert shared(two.build("--cache-to", cache).well()) == "4 written, 0 there already"
    assert shared(two.build("--cache-to", cache).well()) == "0 written, 4 there already"
    names = {tag for tags in images_of(two.engine).values() for tag in tags}
    assert not [name for name in names if cache in name], "names for the way do not stay"

    with far_engine() as far, reachable_from(far, plain_registry.address):
        environment = {"DOCKER_HOST": far.address, "BASEIMAGE_CACHE_FROM": cache}
        assert elsewhere.run("plan", DOCKER_HOST=far.address).code == 3
        planned = elsewhere.run("plan", "--json", **environment)
        assert planned.code == 0, planned.stdout
        (service,) = json.loads(planned.stdout)["services"]
        assert [step["shared"] for step in service["steps"]] == [cache] * 4
        assert images_of(far.client) == {}, "a plan brings nothing"

        brought = elsewhere.run("build", *JSON, **environment).well()
        assert (brought.played(), brought.cached(), brought.image) == ([], ["one", "two"], built.image)
        assert not brought.all("step_started", stage="conductor")
        assert far.client.containers.list(all=True) == []
        tags = {tag for tags in images_of(far.client).values() for tag in tags}
        base = f"baseimage/base:rootfs-{busybox['sha256'][:32]}"
        assert base in tags
        assert far.client.images.get(base).id == two.engine.images.get(base).id
        assert not [image.attrs["RepoDigests"] for image in far.client.images.list() if image.attrs["RepoDigests"]]

        alone = elsewhere.run("build", *JSON, DOCKER_HOST=far.address).well()
        assert alone.image == built.image, "what was brought is this engine's own"
        elsewhere.role("two", TASKS.format("three"))
        changed = elsewhere.run("plan", **environment)
        assert changed.code == 3
        assert "roles/two/tasks/main.yml changed" in changed.stdout


def test_an_image_built_on_a_layer_never_stands_for_it(
    one: Project, cache: str, engine: docker.DockerClient, watch: Watch
) -> None:
    first = one.build("--cache-to", cache).well()
    keys = [path.stem for path in (one.state / "layers").glob("*.json")]
    one.remove_all()
    for key in keys:  # whoever may write there puts his own image in the place of each
        engine.images.pull(cache, f"cache-{key}")
        container = engine.containers.create(f"{cache}:cache-{key}", ["sh"])
        try:
            container.commit(cache, f"cache-{key}", changes=["LABEL evil=1"])
            engine.images.push(cache, f"cache-{key}")
        finally:
            container.remove()
            engine.images.remove(f"{cache}:cache-{key}", force=True)
    with watch:
        built = one.build("--cache-from", cache).well()
    assert built.image == first.image, "the note names the image that was written"
    assert watch.containers(built.pid) == {}

    one.remove_all()
    for key in keys:
        engine.images.pull(cache, f"cache-{key}")
        engine.images.get(f"{cache}:cache-{key}").tag(cache, f"note-{key}")
        engine.images.push(cache, f"note-{key}")
        engine.images.remove(f"{cache}:cache-{key}", force=True)
        engine.images.remove(f"{cache}:note-{key}", force=True)
    tampered = one.build("--cache-from", cache).well()
    assert tampered.played() == ["one"]
    assert "is not what this program wrote" in warnings(tampered)


def test_a_layer_that_is_cut_short_is_built_here(one: Project, cache: str, plain_registry: Registry) -> None:
    one.build("--cache-to", cache).well()
    one.remove_all()
    with fault_proxy(plain_registry.address) as proxy:
        through = cache.replace(plain_registry.address, proxy.address)
        proxy.fail("GET", "/blobs/", RESET, times=99)
        built = one.build("--cache-from", through).well()
    assert built.played() == ["one"]
    assert len(built.all("warned")) == 1
    assert built.all("retrying")


def test_a_cache_that_cannot_be_used_is_one_warning(
    one: Project, restricted_registry: Registry, busybox: dict[str, str]
) -> None:
    closed = f"{restricted_registry.address}/{one.repository}/cache"
    built = one.build("--cache-from", closed, "--cache-to", closed).well()
    assert len(built.all("warned")) == 1
    assert shared(built) == "not written"
    assert built.one("image_built")["tags"]
    strict = one.build("--cache-to", closed, "--cache-strict")
    assert strict.code == 5
    assert closed in strict.one("build_failed")["message"]
    gone = f"127.0.0.1:9/{one.repository}"
    one.recipe(
        json.dumps(
            {
                "version": "2",
                "settings": {"cache_from": [gone], "cache_to": gone},
                "services": {"web": {"from": busybox, "command": "true", "labels": {"no": "cache"}}},
            }
        )
    )
    assert len(one.build().well().all("warned")) == 1
