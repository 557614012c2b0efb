"""What is in a layer: what the role put there, and no trace of how it got there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import pytest

from tests.project.engine_view import Entry, Watch, config_of, exported, images_of, layers_of
from tests.project.harness import ROOT, Outcome, Project

SUITES = ["trixie", "bookworm", "bullseye"]
VOLATILE = re.compile(r"/(tmp|var/tmp|run|dev|proc|sys)/.|/root/\.(ansible|cache)|/var/(lib/apt/lists|cache/apt)/.")
LOGS = re.compile(r"/var/log/(apt|dpkg|alternatives)|/var/(lib/dpkg|cache/debconf)/.*-old$|/var/cache/ldconfig/.")
TOOLS = re.compile(r"ansible|baseimage|mitogen", re.IGNORECASE)
PYTHON = re.compile(r"/(lib)?python\d|/(dist|site)-packages|\.pyc$")
"""Python itself; packages of Debian bring a few scripts for a Python that may be there (apport's hooks)."""
NOT_FOR_IMAGES = {"/etc/cron.daily/dpkg", "/etc/cron.daily/apt-compat", "/etc/cron.d/e2scrub_all"}
"""Jobs of the base that the role takes out of cron."""


@dataclass(frozen=True)
class Built:
    """An image, the image it was made from, and how the command ended."""

    image: str
    base: str
    outcome: Outcome
    before: dict[str, Entry]
    after: dict[str, Entry]

    @property
    def added(self) -> dict[str, Entry]:
        """What only the image has."""
        return {path: entry for path, entry in self.after.items() if path not in self.before}

    def like(self, form: re.Pattern[str]) -> list[str]:
        """Paths that only the image has and that look like this."""
        return [path for path in self.added if form.search(path)]


@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.slow) for suite in SUITES])
def bootstrapped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient
) -> Iterator[Built]:
    """The shipped role, with everything on, over a root of each suite."""
    project = Project(tmp_path_factory.mktemp(request.param) / "proj", engine)
    role = {
        "role": "bootstrap",
        "container_init": "tini-init",
        "container_svc": "runit",
        "option_container_cron": True,
        "option_container_sshd": True,
        "option_container_syslog_ng": True,
    }
    project.recipe(base={"bootstrap": request.param}, roles=[role], labels={"suite": request.param})
    outcome = project.build("--roles-path", str(ROOT / "roles")).well()
    base = base_of(engine, outcome.image, f"baseimage/base:{request.param}-")
    yield Built(outcome.image, base, outcome, exported(engine, base), exported(engine, outcome.image))
    project.remove_all()


def base_of(engine: docker.DockerClient, image: str, prefix: str) -> str:
    """The root that an image was made from: the only one with the same lowest layer."""
    lowest = layers_of(engine, image)[0]
    named = [other for other, tags in images_of(engine).items() if any(tag.startswith(prefix) for tag in tags)]
    found = [other for other in named if layers_of(engine, other) == [lowest]]
    (base,) = found
    return base


def test_the_build_leaves_no_trace_in_the_image(bootstrapped: Built) -> None:
    assert bootstrapped.like(VOLATILE) == []
    assert bootstrapped.like(LOGS) == []
    assert bootstrapped.like(TOOLS) == []
    assert "/usr/bin/tini" in bootstrapped.added, "the role has done its work"


def test_no_python_is_in_the_image(bootstrapped: Built) -> None:
    assert bootstrapped.like(PYTHON) == []


def test_nothing_of_the_base_is_missing_or_changed_in_kind(bootstrapped: Built) -> None:
    before, after = bootstrapped.before, bootstrapped.after
    assert {path for path in before if path not in after and not path.endswith("-old")} <= NOT_FOR_IMAGES
    changed = {path for path in before if path in after and before[path].kind != after[path].kind}
    assert changed == set()
    places = ("/tmp", "/var/tmp", "/run", "/dev", "/var/lib/apt/lists", "/var/cache/apt", "/root")  # noqa: S108 - a target's
    assert {place: after[place].mode for place in places} == {place: before[place].mode for place in places}


def test_the_configuration_is_the_bases_and_what_is_declared(bootstrapped: Built, engine: docker.DockerClient) -> None:
    config, base = (config_of(engine, image) for image in (bootstrapped.image, bootstrapped.base))
    assert list(base) == ["Cmd", "Env"]
    declared: dict[str, Any] = {
        "Entrypoint": ["/usr/bin/tini", "-s", "-g", "--", "/docker-entrypoint.sh"],
        "Env": [*base["Env"], "IN_DOCKER=1", "LANG=C.UTF-8"],
        "StopSignal": "SIGTERM",
        "Labels": {
            "container.init": "tini-init",
            "container.svc": "runit",
            "suite": config["Labels"]["suite"],
        },
    }
    health = config.pop("Healthcheck")
    assert health["Test"] == ["CMD", "/usr/local/bin/container-health"]
    assert config == declared


def test_the_image_comes_up_and_stops_in_time(bootstrapped: Built) -> None:
    tried = bootstrapped.outcome.one("step_finished", step="web/verify")
    assert tried["detail"].startswith("up, stopped with")


@pytest.fixture
def role_of(project: Project, busybox: dict[str, str]) -> Any:
    """Make a project whose role runs a shell command."""

    def make(command: str, **service: Any) -> Project:
        project.role("messy", f"- name: Make a mess\n  ansible.builtin.shell: |\n    {command}\n  changed_when: true\n")
        roles = [{"role": "messy", "gather_facts": False}]
        project.recipe(**{"base": busybox, "command": "sh", "roles": roles, **service})
        return project

    return make


def test_a_residue_fails_the_build_is_listed_and_nothing_is_recorded(role_of: Any, watch: Watch) -> None:
    project: Project = role_of("mkdir -p /opt/ansible-tmp-123 && echo x >/opt/ansible-tmp-123/AnsiballZ_copy.py")
    with watch:
        outcome = project.run("build")
    assert outcome.code == 1
    assert "role messy leaves traces of the build" in outcome.stderr
    assert "/opt/ansible-tmp-123/AnsiballZ_copy.py" in outcome.stderr
    assert "verify.allow" in outcome.stderr
    assert watch.left(outcome.pid) == []
    assert not (project.state / "layers").exists()
    assert images_of(project.engine, reference=project.repository) == {}

    again = project.build()
    assert (again.code, again.played()) == (1, ["messy"])


def test_a_residue_may_be_allowed(role_of: Any, engine: docker.DockerClient) -> None:
    project: Project = role_of("mkdir -p /opt/ansible-tmp-123", verify={"allow": ["/opt/ansible-tmp-*"]})
    assert "/opt/ansible-tmp-123" in exported(engine, project.build().well().image)


def test_what_a_role_leaves_running_or_in_volatile_folders_is_not_in_its_layer(
    role_of: Any,
    busybox: dict[str, str],
    engine: docker.DockerClient,
) -> None:
    project: Project = role_of(
        "nohup sleep 1000 >/dev/null 2>&1 & echo $! >/run/sleep.pid; mkdir -p /run/a/b /tmp/c; "
        "echo x >/run/a/b/x; echo x >/tmp/c/x; echo x >/var/tmp/x; echo x >/srv/kept"
    )
    built = project.build().well()
    before = exported(engine, f"baseimage/base:rootfs-{busybox['sha256'][:32]}")
    assert {path for path in exported(engine, built.image) if path not in before} == {"/srv/kept"}
