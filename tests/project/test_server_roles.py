"""Roles that were written for servers are played as they are, on a root without Python, systemd, sudo or gnupg.

The roles are those of tests/roles/servers: written in the manner of well-known ones, old habits included.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest

from tests.project.engine_view import Entry, exported, read
from tests.project.harness import ROOT, Outcome, Project

BASE = {"bootstrap": "trixie"}
ROLES = str(ROOT / "tests/roles/servers")
PASSWORD = "test-password-of-the-vault"
TOKEN = "the-token-that-is-secret"
BOTH = ["users", "webserver", "daemon", "composed", "deploy", "runtime", "secrets"]
"""Played with each strategy: they run as other users, copy trees, answer for services, find the target's own pip."""
ROLES_OF = {
    "docker": BOTH,
    "mitogen": [*BOTH, "cronjobs", "cache", "ssh", "hardening", "repository", "database"],
}
COMPOSED = ["base dependency", "extra included", "other", "part first", "part second"]


@dataclass(frozen=True)
class Server:
    """An image that all these roles were played into."""

    outcome: Outcome
    engine: docker.DockerClient
    files: dict[str, Entry]

    def text(self, path: str) -> str:
        """A file of the image."""
        return read(self.engine, self.outcome.image, path)

    def warnings(self) -> list[str]:
        """What the build warned of."""
        return [str(event["message"]) for event in self.outcome.all("warned")]


@pytest.fixture(scope="module", params=["mitogen", "docker"])
def strategy(request: pytest.FixtureRequest) -> str:
    """How the conductor reaches the target."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(strategy: str, tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Server]:
    """All roles on one base, in one conductor, a layer each."""
    project = Project(tmp_path_factory.mktemp(strategy) / "proj", engine)
    project.recipe(base=BASE, command="sleep infinity", verify=False, roles=ROLES_OF[strategy])
    given = vault_password(project)
    outcome = project.build("--roles-path", ROLES, "--strategy", strategy, "--vault-password-file", given)
    if outcome.code:
        project.remove_all()
        pytest.fail(f"a role failed\n{outcome.stdout[-3000:]}{outcome.stderr[-2000:]}", pytrace=False)
    yield Server(outcome, engine, exported(engine, outcome.image))
    project.remove_all()


def vault_password(project: Project) -> str:
    """A program that prints the password, as Ansible allows."""
    return str(project.write("../vault-password", f"#!/bin/sh\necho {PASSWORD}\n", mode=0o700))


@pytest.mark.slow
def test_every_role_becomes_a_layer_and_nothing_of_the_build_stays(server: Server, strategy: str) -> None:
    assert server.outcome.played() == ROLES_OF[strategy]
    traces = ("/dev/baseimage", "/root/.ansible", "/tmp/", "/var/tmp/", "/run/nginx.pid", "/run/lingering.pid")  # noqa: S108 - of the image
    assert [path for path in server.files if path.startswith(traces)] == []
    assert not any("ansible" in path.lower() for path in server.files)


@pytest.mark.slow
def test_tasks_are_done_as_the_user_that_they_ask_for(server: Server) -> None:
    assert server.text("/home/deployer/whoami") == "deployer\ndeploy\n"
    assert server.files["/home/deployer/.profile_extra"].mode == 0o640
    assert server.files["/home/deployer/.ssh/authorized_keys"].mode == 0o600
    assert server.files["/srv/audit"].mode == 0o2750
    assert server.files["/etc/deploy.sudoers"].mode == 0o440


@pytest.mark.slow
def test_services_are_enabled_answered_for_and_not_left_running(server: Server) -> None:
    wants = "/etc/systemd/system/multi-user.target.wants"
    assert {f"{wants}/nginx.service", f"{wants}/beacon.service"} <= set(server.files)
    assert server.files["/etc/systemd/system/lighthouse.service"].link == "/etc/systemd/system/beacon.service"
    assert server.files["/etc/systemd/system/ctrl-alt-del.target"].link == "/dev/null"
    said = server.warnings()
    assert "webserver: the role asked systemd to start nginx: an image has no systemd" in said
    assert "daemon: the role asked systemd to start and enable beacon: an image has no systemd" in said
    assert any("stumbling: /etc/init.d/stumbling start ended with 1: cannot open /dev/watchdog" in one for one in said)
    assert any("systemd-journald, but there is neither a unit nor an init script" in one for one in said)
    assert not any("avahi" in one for one in said)


@pytest.mark.slow
def test_the_policy_for_services_is_the_same_with_the_base_s_own_python(
    project: Project, strategy: str, engine: docker.DockerClient
) -> None:
    install = {"name": "python3", "install_recommends": False}
    no_facts = {"gather_facts": False}
    own = {"python": "base", "roles": [{"role": "daemon", **no_facts}], "verify": False, "command": "sh"}
    folder = {"path": "/etc/init.d", "state": "directory", "mode": "0755"}
    tasks = [
        {"name": "Install a Python", "ansible.builtin.apt": install},
        {"name": "Make a folder of init scripts", "ansible.builtin.file": folder},
    ]
    below = [{"tasks": tasks, **no_facts}]
    services = {"below": {"from": BASE, "roles": below, "verify": False}, "web": {"from": "below", **own}}
    project.recipe(json.dumps({"version": "2", "services": services}))
    outcome = project.build("--roles-path", ROLES, "--strategy", strategy, "-s", "web").well()
    server = Server(outcome, engine, exported(engine, outcome.all("image_built", service="web")[0]["image"]))
    assert "/etc/systemd/system/multi-user.target.wants/beacon.service" in server.files
    assert server.files["/etc/systemd/system/ctrl-alt-del.target"].link == "/dev/null"
    said = server.warnings()
    assert "daemon: the role asked systemd to start and enable beacon: an image has no systemd" in said
    assert any("/etc/init.d/stumbling start ended with 1: cannot open /dev/watchdog" in one for one in said)
    assert "/run/lingering.pid" not in server.files


@pytest.mark.slow
def test_included_imported_and_depended_on_roles_are_played(server: Server) -> None:
    assert sorted(server.text("/etc/composed").splitlines()) == COMPOSED
    assert server.text("/etc/composed.family") == "debian\n"


@pytest.mark.slow
def test_trees_arrive_whichever_way_they_are_sent(server: Server) -> None:
    for place in ("copied", "unpacked", "synchronized"):
        assert server.text(f"/srv/{place}/a.txt") == "a\n", place
        assert server.files[f"/srv/{place}/bin/run"].mode == 0o755, place
    assert server.files["/srv/synchronized/link"].link == "a.txt"
    assert server.text("/srv/looked-up") == "a"


@pytest.mark.slow
def test_pip_installs_with_the_targets_python(server: Server) -> None:
    assert server.text("/opt/greeting/bin/greeting").splitlines()[0] == "#!/opt/greeting/bin/python3"
    assert [
        path for path in server.files if re.fullmatch(r"/opt/greeting/lib/python3\.\d+/site-packages/greeting.py", path)
    ]
    assert [
        path for path in server.files if re.fullmatch(r"/usr/local/lib/python3\.\d+/dist-packages/greeting.py", path)
    ]
    assert server.text("/usr/local/bin/greeting").splitlines()[0] == "#!/usr/bin/python3"


@pytest.mark.slow
def test_encrypted_variables_are_read(server: Server) -> None:
    assert server.text("/etc/token.sha256") == f"{hashlib.sha256(TOKEN.encode()).hexdigest()}\n"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mitogen"], scope="module", indirect=True)
def test_what_else_servers_have_is_there(server: Server) -> None:
    assert "*/5 * * * * root /usr/local/bin/rotate" in server.text("/etc/cron.d/rotate")
    assert "@daily /bin/true" in server.text("/var/spool/cron/crontabs/www-data")
    assert "maxmemory-policy allkeys-lru" in server.text("/etc/redis/redis.conf")
    assert "PermitRootLogin no" in server.text("/etc/ssh/sshd_config")
    assert "kernel.randomize_va_space=2" in server.text("/etc/sysctl.d/99-hardening.conf")
    assert "Signed-By: /etc/apt/keyrings/example.asc" in server.text("/etc/apt/sources.list.d/example.sources")
    assert server.files["/etc/apt/keyrings/example.gpg"].size == len(b"not a key")
    assert any(path.startswith("/var/lib/postgresql/") and path.endswith("/PG_VERSION") for path in server.files)
    assert not any(path.endswith("/postmaster.pid") for path in server.files), "the database was ended in order"


@pytest.mark.parametrize(
    ("how", "line", "said", "hint"),
    [
        ("command", 2, "non-zero return code", "a command of the role failed"),
        ("key", 2, "apt-key", "deb822_repository"),
        ("bare", 3, "'ansible.builtin.include' action plugin has been removed", "newer version of the role"),
        ("module", 3, "has been removed", "newer version of the role"),
        ("collection", 2, "couldn't resolve module/action 'acme.widgets.widget'", "or its collection"),
        ("mount", 2, "permission denied", "no container may do this"),
        ("sysctl", 2, "non-zero return code", "no container may do this"),
        ("far", 2, "Connection refused", "out of reach"),
        ("host", 2, "db.invalid", "out of reach"),
        ("role", 2, "the role 'nowhere' was not found", "not sent along"),
        ("undefined", 2, "'nobody_has_set_this' is undefined", "has no value"),
    ],
)
def test_a_roles_failure_says_where_it_is_and_what_kind(
    project: Project, how: str, line: int, said: str, hint: str
) -> None:
    project.recipe(base=BASE, verify=False, vars={"broken_how": how}, roles=[{"role": "broken", "gather_facts": False}])
    outcome = project.build("--roles-path", ROLES)
    assert outcome.code == 1
    failed = outcome.one("build_failed")
    file = "main" if how in ("bare", "module") else how
    assert str(failed["place"]).endswith(f"tests/roles/servers/broken/tasks/{file}.yml:{line}")
    assert "role broken" in str(failed["message"])
    assert said in str(failed["message"])
    assert hint in str(failed["hint"])


def test_a_missing_vault_password_says_how_to_give_it(project: Project, busybox: dict[str, str]) -> None:
    project.recipe(base=busybox, verify=False, roles=[{"role": "secrets", "gather_facts": False}])
    outcome = project.build("--roles-path", ROLES)
    assert outcome.code == 1
    assert "--vault-password-file" in outcome.one("build_failed")["hint"]


def test_a_vault_of_the_recipe_reaches_its_roles_and_nothing_else(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    vault_password(project)
    project.write("recipes/vault.yml", (ROOT / "tests/roles/servers/secrets/vars/secrets.yml").read_text())
    copy = {"content": "{{ secrets_token | hash('sha256') }}\n", "dest": "/token.sha256", "mode": "0600"}
    tasks = [{"name": "Write what it is for", "no_log": True, "ansible.builtin.copy": copy}]
    settings = {"vault_files": ["vault.yml"], "vault_password_file": "../../vault-password"}
    service = {"from": busybox, "command": "sh", "verify": False, "roles": [{"tasks": tasks, "gather_facts": False}]}
    project.write(
        "recipes/default.yml", json.dumps({"version": "2", "settings": settings, "services": {"web": service}})
    )
    outcome = project.build().well()
    assert exported(engine, outcome.image)["/token.sha256"].mode == 0o600
    saved = io.BytesIO(b"".join(engine.images.get(outcome.image).save())).getvalue()
    assert hashlib.sha256(TOKEN.encode()).hexdigest().encode() in saved
    assert TOKEN.encode() not in saved + b"".join(
        path.read_bytes() for path in project.state.rglob("*") if path.is_file()
    )


def test_the_vault_password_is_in_no_layer_configuration_history_event_or_record(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    project.recipe(base=busybox, command="sh", verify=False, roles=[{"role": "secrets", "gather_facts": False}])
    given = vault_password(project)
    outcome = project.build("--roles-path", ROLES, ANSIBLE_VAULT_PASSWORD_FILE=given).well()
    image = engine.images.get(outcome.image)
    saved = io.BytesIO(b"".join(image.save())).getvalue()
    assert b"token.sha256" in saved, "layers can be searched"
    records = b"".join(path.read_bytes() for path in project.state.rglob("*") if path.is_file())
    assert b"secrets/vars/secrets.yml" in records
    for secret in (PASSWORD, TOKEN):
        assert secret.encode() not in saved
        assert secret.encode() not in records
        assert secret not in str((image.attrs, image.history()))
        assert secret not in outcome.stdout + outcome.stderr
    again = project.build("--roles-path", ROLES).well()
    assert again.cached() == ["secrets"], "the password is no input"
