"""Names and pushes: what the images are called, and that the registry has them when the command says so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import docker
import pytest
import requests

from tests.faultproxy import fault_proxy
from tests.project.conftest import Registry, docker_settings
from tests.project.engine_view import Watch, config_of, images_of
from tests.project.harness import Project, matches

HELPER = """\
#!/bin/sh
read -r server
[ "$1" = get ] && [ "$server" = "@address@" ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL": "@address@", "Username": "alice", "Secret": "s3cret"}'
"""


@pytest.fixture
def small(project: Project, busybox: dict[str, str]) -> Project:
    """A project whose image is made in a second."""
    project.recipe(base=busybox, command="sh")
    return project


def names(project: Project) -> set[str]:
    """What the engine calls this project's images."""
    return {tag for tags in images_of(project.engine).values() for tag in tags if project.unique in tag}


def test_an_image_is_named_after_repository_project_service_and_version(small: Project) -> None:
    built = small.build().well()
    assert names(small) == {f"{small.repository}:proj.web.0.1.0", f"{small.repository}:proj.web.latest"}
    assert set(built.one("image_built")["tags"]) == names(small)

    small.write("image.txt", f"repository = {small.repository}\nproject = shop\nprefix = x-\n")
    small.build().well()
    assert {f"{small.repository}:x-shop.web.0.1.0", f"{small.repository}:x-shop.web.latest"} < names(small)


def test_templates_in_the_recipe_name_the_image(small: Project, busybox: dict[str, str]) -> None:
    recipe = {
        "version": "2",
        "tags": ["{repository}/{service}:{major}.{minor}", "{repository}/{service}:{version}"],
        "services": {"web": {"from": busybox, "command": "sh"}},
    }
    small.recipe(json.dumps(recipe))
    small.write("version.txt", "release = 1.2.3+build.7\n")
    small.build().well()
    assert names(small) == {f"{small.repository}/web:1.2", f"{small.repository}/web:1.2.3-build.7"}


def test_a_new_version_is_tagged_without_playing_a_role(
    project: Project, busybox: dict[str, str], watch: Watch, engine: docker.DockerClient
) -> None:
    project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    project.recipe(base=busybox, command="sh", roles=[{"role": "mark", "gather_facts": False}])
    unbuilt = project.run("tag")
    assert unbuilt.code == 2
    assert "baseimage build" in unbuilt.stderr
    built = project.build().well()
    project.write("version.txt", "0.2.0\n")
    with watch:
        tagged = project.run("tag", "--log-format", "json").well()
    assert watch.containers(tagged.pid) == {}
    assert engine.images.get(f"{project.repository}:proj.web.0.2.0").id == built.image
    assert engine.images.get(f"{project.repository}:proj.web.latest").id == built.image


def test_a_push_ends_with_the_digest_that_the_registry_has(small: Project, plain_registry: Registry) -> None:
    small.write("image.txt", f"repository = {plain_registry.address}/{small.repository}\n")
    pushed = small.build("--push").well()
    events = pushed.all("pushed")
    assert {event["tag"].rpartition(":")[2] for event in events} == {"proj.web.0.1.0", "proj.web.latest"}
    for event in events:
        assert event["digest"] == plain_registry.digest(event["tag"])

    again = small.run("push", "--log-format", "json").well()
    assert [event["digest"] for event in again.all("pushed")] == [event["digest"] for event in events]


def test_the_digest_is_shown_to_people_too(small: Project, plain_registry: Registry) -> None:
    small.write("image.txt", f"repository = {plain_registry.address}/{small.repository}\n")
    pushed = small.run("build", "--push").well()
    assert plain_registry.digest(f"{plain_registry.address}/{small.repository}:proj.web.0.1.0") in pushed.stdout


def test_what_was_pushed_can_be_a_base(small: Project, plain_registry: Registry, engine: docker.DockerClient) -> None:
    small.write("image.txt", f"repository = {plain_registry.address}/{small.repository}\n")
    parent = small.build("--push").well().one("image_built")["tags"][0]
    layers = engine.images.get(parent).attrs["RootFS"]["Layers"]
    small.remove_all()
    small.recipe(base=parent, labels={"child": "yes"})
    child = small.build().well()
    assert any(matches(event, event="transfer") for event in child.events)
    assert engine.images.get(child.image).attrs["RootFS"]["Layers"] == layers
    assert config_of(engine, child.image)["Labels"] == {"child": "yes"}

    small.recipe(base=f"{plain_registry.address}/{small.repository}:no-such", labels={"child": "no"})
    missing = small.run("build")
    assert missing.code == 1
    assert "no-such" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_credentials_are_those_of_docker_login(small: Project, restricted_registry: Registry, tmp_path: Path) -> None:
    small.write("image.txt", f"repository = {restricted_registry.address}/{small.repository}\n")
    settings = docker_settings(tmp_path / "docker", restricted_registry.settings())
    pushed = small.build("--push", DOCKER_CONFIG=settings).well()
    for event in pushed.all("pushed"):
        assert event["digest"] == restricted_registry.digest(event["tag"])
    assert restricted_registry.password not in pushed.stdout + pushed.stderr


def test_credentials_may_come_from_a_helper(small: Project, restricted_registry: Registry, tmp_path: Path) -> None:
    address = restricted_registry.address
    small.write("image.txt", f"repository = {address}/{small.repository}\n")
    helper = tmp_path / "bin/docker-credential-lab"
    helper.parent.mkdir()
    helper.write_text(HELPER.replace("@address@", address))
    helper.chmod(0o755)
    settings = docker_settings(tmp_path / "docker", {"credHelpers": {address: "lab"}})
    path = os.pathsep.join((str(helper.parent), small.environment["PATH"]))
    pushed = small.build("--push", DOCKER_CONFIG=settings, PATH=path).well()
    (first, *_) = pushed.all("pushed")
    assert first["digest"] == restricted_registry.digest(first["tag"])


@pytest.mark.parametrize("settings", ["none", "wrong"])
def test_a_refused_push_ends_with_its_own_code_and_tells_no_secret(
    settings: str, small: Project, restricted_registry: Registry, tmp_path: Path
) -> None:
    small.write("image.txt", f"repository = {restricted_registry.address}/{small.repository}\n")
    content = restricted_registry.settings(password="correct-horse") if settings == "wrong" else {}
    place = docker_settings(tmp_path / "docker", content)
    outcome = small.run("build", "--push", "--debug", DOCKER_CONFIG=place)
    assert outcome.code == 5
    assert "docker login" in outcome.stderr
    said = outcome.stdout + outcome.stderr
    assert "correct-horse" not in said
    assert not any(str(auth["auth"]) in said for auth in content.get("auths", {}).values())  # type: ignore[attr-defined]
    assert outcome.seconds < 20, "what will not pass is not tried again"


def test_a_registry_that_stumbles_is_asked_again(small: Project, plain_registry: Registry) -> None:
    with fault_proxy(plain_registry.address) as proxy:
        small.write("image.txt", f"repository = {proxy.address}/{small.repository}\n")
        proxy.fail("PUT", "/manifests/", 503)
        pushed = small.build("--push").well()
    assert pushed.all("retrying")
    for event in pushed.all("pushed"):
        name = event["tag"].removeprefix(f"{proxy.address}/")
        assert event["digest"] == plain_registry.digest(name)


def test_a_registry_that_does_not_keep_an_image_fails_the_push(small: Project, plain_registry: Registry) -> None:
    with fault_proxy(plain_registry.address) as proxy:
        small.write("image.txt", f"repository = {proxy.address}/{small.repository}\n")
        proxy.fail("PUT", "/manifests/", 400, times=9, body=b'{"errors": [{"code": "TAG_INVALID", "message": "no"}]}')
        outcome = small.build("--push")
    assert outcome.code == 5
    assert "tag invalid" in outcome.one("build_failed")["message"]
    assert not outcome.all("retrying")


def test_a_build_needs_no_registry(small: Project) -> None:
    small.write("image.txt", f"repository = 127.0.0.1:9/{small.repository}\n")
    assert small.build().well().code == 0


def test_the_registry_image_declares_what_its_recipe_says(engine: docker.DockerClient, registry_image: str) -> None:
    config = config_of(engine, registry_image)
    assert config["User"] == "docker-registry"
    assert config["Entrypoint"] == ["docker-registry", "serve"]
    assert config["Cmd"] == ["/etc/docker/registry/plain.yml"]
    assert list(config["ExposedPorts"]) == ["5000/tcp"]
    assert list(config["Volumes"]) == ["/var/lib/docker-registry"]


def test_the_restricted_registry_lets_only_its_user_in(restricted_registry: Registry) -> None:
    url = f"http://{restricted_registry.address}/v2/"
    assert requests.get(url, timeout=10).status_code == requests.codes.unauthorized
    assert requests.get(url, auth=("alice", "guess"), timeout=10).status_code == requests.codes.unauthorized
    assert requests.get(url, auth=("alice", "s3cret"), timeout=10).status_code == requests.codes.ok
