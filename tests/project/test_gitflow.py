"""Builds that follow gitflow, from the commit to the registry; each of them twice."""

from __future__ import annotations

import json

import docker
import pytest

from tests.faultproxy import fault_proxy
from tests.project.conftest import Registry
from tests.project.engine_view import config_of
from tests.project.harness import Outcome, Project
from tests.unit.checkout import git

LABEL = "org.opencontainers.image."
CI = (
    "GITHUB_REF_NAME GITHUB_HEAD_REF GITHUB_REF_TYPE CI_COMMIT_BRANCH BRANCH_NAME CHANGE_ID TRAVIS_BRANCH CIRCLE_BRANCH"
)


@pytest.fixture
def shop(project: Project, busybox: dict[str, str]) -> Project:
    """A project on main in a repository of its own, with a role; its image is made in seconds."""
    for name in CI.split():
        project.environment.pop(name, None)
    project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    project.recipe(base=busybox, command="sh", roles=[{"role": "mark", "gather_facts": False}])
    git(project.folder, "init", "--quiet")
    git(project.folder, "remote", "add", "origin", "https://alice:s3cret@example.org/shop.git")
    return project


def commit(project: Project, message: str = "Something") -> str:
    """Everything that there is, as a commit."""
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(project.folder, "rev-parse", "HEAD")


def goes_to(project: Project, address: str) -> None:
    """Where the images go, by gitflow."""
    project.write("image.txt", f"repository = {address}/{project.repository}\ngitflow = true\nalso = minor, latest\n")


def tags(outcome: Outcome) -> list[str]:
    """The tags of the image that was built, without what they begin with."""
    return [name.rpartition("proj.web.")[2] for name in outcome.one("image_built")["tags"]]


def pushed(outcome: Outcome) -> dict[str, tuple[str, bool]]:
    """Digest and whether it was there already, by tag."""
    return {
        event["tag"].rpartition("proj.web.")[2]: (event["digest"], event["already"]) for event in outcome.all("pushed")
    }


def test_names_and_labels_follow_the_branch_and_no_layer_is_made_again_for_them(
    shop: Project, engine: docker.DockerClient
) -> None:
    first = commit(shop)
    plain = shop.build().well()
    assert not any(key.startswith(LABEL) for key in config_of(engine, plain.image).get("Labels", {}))
    on_main = shop.build("--gitflow").well()
    assert tags(on_main) == ["0.1.0", "0.1", "0", "latest"]
    assert on_main.played() == []
    assert config_of(engine, on_main.image)["Labels"] == {
        f"{LABEL}revision": first,
        f"{LABEL}version": "0.1.0",
        f"{LABEL}created": git(shop.folder, "show", "--no-patch", "--format=%cI"),
        f"{LABEL}source": "https://example.org/shop.git",
        f"{LABEL}title": "proj.web",
        f"{LABEL}url": "https://example.org/shop.git",
        f"{LABEL}ref.name": "proj.web.0.1.0",
    }
    git(shop.folder, "checkout", "--quiet", "-b", "develop")
    second = commit(shop)
    on_develop = shop.build("--gitflow").well()
    assert tags(on_develop) == ["0.1.0-dev.1", "develop"]
    assert on_develop.played() == []
    assert config_of(engine, on_develop.image)["Labels"][f"{LABEL}revision"] == second
    shop.write("new.txt", "new\n")
    assert tags(shop.build("--gitflow").well()) == ["0.1.0-dev.1-dirty"]
    assert shop.run("plan").code == 0, "everything is there, whatever the labels say"


def test_a_release_is_published_once_and_the_job_may_run_twice(shop: Project, plain_registry: Registry) -> None:
    goes_to(shop, plain_registry.address)
    commit(shop)
    first = shop.build("--push").well()
    name = first.one("image_built")["tags"][0]
    digest = plain_registry.digest(name)
    assert pushed(first) == dict.fromkeys(("0.1.0", "0.1", "latest"), (digest, False))

    again = shop.build("--push", "--no-cache").well()
    assert again.played() == ["mark"]
    assert pushed(again) == {"0.1.0": (digest, True), "0.1": (digest, False), "latest": (digest, False)}
    assert plain_registry.digest(name) == digest

    other = commit(shop, "Another one")
    refused = shop.build("--push")
    assert refused.code == 5
    (failure,) = refused.all("build_failed")
    assert f"this is commit {other}" in failure["message"]
    assert git(shop.folder, "rev-parse", "HEAD~1") in failure["message"]
    assert refused.all("pushed") == []
    assert plain_registry.digest(name.replace("0.1.0", "latest")) == digest


def test_a_branch_without_a_name_publishes_nothing_and_says_so(shop: Project, plain_registry: Registry) -> None:
    goes_to(shop, plain_registry.address)
    recipe = json.loads((shop.folder / "recipes/default.yml").read_text())
    shop.recipe(json.dumps({**recipe, "tags": ["{repository}/{service}:stable"]}))
    commit(shop)
    git(shop.folder, "checkout", "--quiet", "-b", "feature/x")
    for more in ((), ("--reproducible",)):
        outcome = shop.build("--push", "--metadata-file", "out.json", *more).well()
        assert outcome.one("step_finished", step="web/push")["detail"] == "nothing to push on this branch"
        assert outcome.all("pushed") == []
        assert json.loads((shop.folder / "out.json").read_text())["services"]["web"]["names"] == []


def test_a_release_is_not_pushed_where_the_registry_does_not_answer_whether_it_is_there(
    shop: Project, plain_registry: Registry
) -> None:
    commit(shop)
    with fault_proxy(plain_registry.address) as proxy:
        goes_to(shop, proxy.address)
        commit(shop)
        for method in ("HEAD", "GET"):
            proxy.fail(method, "/manifests/", 403, times=99)
        outcome = shop.build("--push")
        assert outcome.code == 5
        assert not [entry for entry in proxy.log if entry[0] in ("PUT", "POST")]
    assert "looking up" in outcome.one("build_failed")["message"]


def test_a_disagreement_ends_before_anything_is_started(shop: Project) -> None:
    commit(shop)
    git(shop.folder, "checkout", "--quiet", "-b", "release/0.2.0")
    outcome = shop.run("build", "--gitflow")
    assert outcome.code == 2
    assert "release/0.2.0 is for 0.2.0, and version.txt says 0.1.0" in outcome.stderr
