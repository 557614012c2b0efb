"""Compose 2, as a plugin of docker and as a program, with a generated file: Debian 13's, whatever this machine has."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.compose_tool import find_compose
from tests.project.harness import Project, eventually

OBEDIENT = "trap 'exit 0' TERM; touch /tmp/up; while :; do sleep 0.1; done"
HEALTHY = {"test": ["CMD", "test", "-e", "/tmp/up"], "interval": "1s"}  # noqa: S108 - of the container
APT = """\
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "";
"""


@pytest.fixture(scope="session")
def compose_v2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of Debian 13's package docker-compose; apt of this machine fetches it, and is left as it was."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "cache/archives/partial").mkdir(parents=True)
    keys = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [{keys}] {mirror()} trixie main\n")
    (folder / "apt.conf").write_text(APT.format(folder=folder))
    environ = {"APT_CONFIG": str(folder / "apt.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    for words in (("update", "-q"), ("download", "-q", "docker-compose")):
        subprocess.run(["apt-get", *words], cwd=folder, env=environ, check=True, capture_output=True)
    (package,) = folder.glob("docker-compose_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "files")], check=True, capture_output=True)
    return folder / "files/usr/libexec/docker/cli-plugins/docker-compose"


def mirror() -> str:
    """Where this machine has its packages from: the archive of a suite that is no update of another one."""
    form = ("--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages")
    listed = subprocess.run(["apt-get", "indextargets", *form], check=True, capture_output=True, text=True).stdout
    return next(uri for uri, suite in map(str.split, listed.splitlines()) if "-" not in suite)


@pytest.fixture(params=["plugin", "program"])
def pair(
    request: pytest.FixtureRequest, project: Project, busybox: dict[str, str], compose_v2: Path
) -> Iterator[Project]:
    """Two services, built; one waits until the other is healthy. Compose is what the parameter says."""
    tools, settings = project.folder.parent / "tools", project.folder.parent / "docker"
    tools.mkdir()
    if request.param == "plugin":
        shutil.copytree(compose_v2.parent, settings / "cli-plugins")
        (tools / "docker").symlink_to(str(shutil.which("docker")))
    else:
        (tools / "docker-compose").symlink_to(compose_v2)
    # Nothing else is on PATH, so that no other Compose is found.
    project.environment |= {"PATH": str(tools), "DOCKER_CONFIG": str(settings)}
    lower = {"from": busybox, "command": ["sh", "-c", OBEDIENT], "verify": False, "healthcheck": HEALTHY}
    upper = {**lower, "depends_on": {"database": {"condition": "service_healthy"}}, "volumes": ["data:/data"]}
    services = {"database": lower, "web": upper}
    project.recipe(json.dumps({"version": "2", "services": services, "volumes": {"data": {}}}))
    project.build("-n", project.unique).well()
    yield project
    compose(project, "down", "--", "-v", "-t", "1")


def compose(project: Project, *words: str) -> None:
    project.run("compose", words[0], "-n", project.unique, *words[1:]).well()


def test_compose_2_starts_stops_and_removes_what_a_recipe_names(pair: Project) -> None:
    name, *verb = find_compose(pair.environment)
    assert verb == (["compose"] if name.endswith("/docker") else [])
    compose(pair, "up", "--", "-d")
    filters: dict[str, Any] = {"label": f"com.docker.compose.project={pair.unique}"}

    def states() -> dict[str, dict[str, Any]]:
        found = pair.engine.containers.list(all=True, filters=filters)
        return {str(each.labels["com.docker.compose.service"]): each.attrs["State"] for each in found}

    first = states()
    assert sorted(first, key=lambda service: str(first[service]["StartedAt"])) == ["database", "web"]
    assert eventually(lambda: all(state["Health"]["Status"] == "healthy" for state in states().values()))
    compose(pair, "stop")
    assert {service: state["ExitCode"] for service, state in states().items()} == {"database": 0, "web": 0}
    compose(pair, "down", "--", "-v")
    assert states() == {}
    assert pair.engine.volumes.list(filters=filters) == []
