"""Build secrets: given on the command line, seen by the roles that name them, and by nothing that comes out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile

import docker
import pytest

from tests.project.engine_view import Watch
from tests.project.harness import JSON, Outcome, Project

TOKEN = "npm_5Rk/2+qTz81w"
PIP = "[global]\nindex-url = https://alice:Zq7-pip-word@example.org/simple\n"
TASKS = """\
- name: Use a token where Ansible runs
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', build_secrets.npm_token) | hash('sha256') }}\\n"
    dest: /etc/token-hash
    mode: "0644"
- name: Use a file of the target
  ansible.builtin.shell: |
    set -e
    sha256sum </root/.config/pip/pip.conf >/etc/pip-hash
    stat -L -c '%a %u' /root/.config/pip/pip.conf >/etc/pip-mode
    mount | grep ' on /dev/shm ' | cut -d' ' -f1 >/etc/pip-place
    readlink /root/.config/pip/pip.conf >>/etc/pip-place
  changed_when: true
"""
NEEDS = ["npm_token", {"id": "pip_conf", "target": "/root/.config/pip/pip.conf"}]


@pytest.fixture
def shop(project: Project, busybox: dict[str, str]) -> Project:
    """A recipe with a role that uses two secrets, a token and a file."""
    project.role("app", TASKS)
    project.write("pip.conf", PIP)
    project.environment["TOKEN"] = TOKEN
    recipe(project, busybox, {"role": "app", "build_secrets": NEEDS})
    return project


GIVEN = ("--secret", "id=npm_token,env=TOKEN", "--secret", "id=pip_conf,src=pip.conf")


def recipe(project: Project, busybox: dict[str, str], *roles: object, **keys: object) -> None:
    project.recipe(base=busybox, verify=False, command=["cat", "/etc/token-hash"], roles=list(roles), **keys)


def files_of(engine: docker.DockerClient, outcome: Outcome) -> dict[str, bytes]:
    """Every file and folder of the upper layers, by path."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(engine.images.get(outcome.image).save()))) as archive:
        image = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name in image[0]["Layers"][1:]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                for entry in layer:
                    content = layer.extractfile(entry) if entry.isreg() else None
                    found[entry.name] = content.read() if content else b""
    return found


@pytest.mark.parametrize("strategy", ["mitogen", "docker"])
def test_a_role_sees_its_secrets_and_nothing_of_them_is_in_its_layer(
    shop: Project, engine: docker.DockerClient, strategy: str
) -> None:
    outcome = shop.build(*GIVEN, "--strategy", strategy).well()
    files = files_of(engine, outcome)
    assert files["etc/token-hash"].decode().strip() == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert files["etc/pip-hash"].decode().split()[0] == hashlib.sha256(PIP.encode()).hexdigest()
    assert files["etc/pip-mode"] == b"400 0\n"
    assert files["etc/pip-place"].startswith(b"shm\n/dev/shm/"), "in memory"
    here = {"etc", *(f"etc/{name}" for name in ("token-hash", "pip-hash", "pip-mode", "pip-place"))}
    assert {name for name in files if not name.startswith(("root", "proc", "sys"))} <= here | {"tmp", "run", "dev"}
    assert {name for name in files if name.startswith("root")} <= {"root"}, "folders that were made are gone"


def test_no_value_is_needed_or_counts_once_the_layer_is_there(shop: Project) -> None:
    shop.build(*GIVEN).well()
    assert shop.build().well().played() == []
    assert shop.build(*GIVEN, TOKEN="another-value").well().played() == []
    assert shop.run("push", "--help").code == 0
    assert shop.run("tag", *JSON).code == 0


def test_a_secret_that_is_not_given_is_an_error_before_anything_begins(shop: Project, watch: Watch) -> None:
    with watch:
        outcome = shop.build(*GIVEN[:2])
    failed = outcome.one("build_failed")
    assert outcome.code == 2
    assert failed["place"].startswith("recipes/default.yml:")
    assert "pip_conf is not given" in failed["message"]
    assert "role app" in failed["message"]
    assert "--secret id=pip_conf,src=FILE" in failed["hint"]
    assert "npm_token" in failed["hint"]
    assert watch.containers(outcome.pid) == {}


def test_a_plan_says_which_secrets_are_needed_and_which_are_given(shop: Project) -> None:
    text = shop.run("plan", *GIVEN[:2])
    assert text.code == 3
    assert "npm_token  given, for role app of web" in text.stdout
    assert "pip_conf  not given, for role app of web" in text.stdout
    shop.build(*GIVEN).well()
    assert "pip_conf" not in shop.run("plan").stdout
    (service,) = json.loads(shop.run("plan", "--json").stdout)["services"]
    assert [(each["id"], each["needed"], each["given"]) for each in service["secrets"]] == [
        ("npm_token", False, False),
        ("pip_conf", False, False),
    ]


def test_a_value_that_a_task_says_is_masked_in_events_errors_and_what_is_kept(
    project: Project, busybox: dict[str, str]
) -> None:
    project.role(
        "app",
        """\
        - name: "Say {{ lookup('ansible.builtin.file', build_secrets.npm_token) }}"
          ansible.builtin.shell: >-
            echo {{ said }}; echo {{ said | b64encode }} {{ ('bob:' ~ said) | b64encode }} >&2; false
          vars: {said: "{{ lookup('ansible.builtin.file', build_secrets.npm_token) }}"}
        """,
    )
    recipe(project, busybox, {"role": "app", "build_secrets": ["npm_token"]})
    outcome = project.build("--secret", "id=npm_token,env=TOKEN", "--debug", TOKEN=TOKEN)
    failed = outcome.one("build_failed")
    assert outcome.code == 1
    assert "***" in failed["message"] + failed["detail"]
    kept = b"".join(path.read_bytes() for path in project.state.rglob("*") if path.is_file())
    alone, behind_bob = (base64.b64encode(word + TOKEN.encode()).decode() for word in (b"", b"bob:"))
    for form in (TOKEN, alone[:16], behind_bob[6:16]):
        assert form not in outcome.stdout + outcome.stderr
        assert form.encode() not in kept


@pytest.mark.parametrize(
    "written",
    [
        "{{ said }}",
        "//registry.example.org/:_authToken={{ said }}",
        "{{ ('bob:' ~ said) | b64encode }}",
        "https://bob:{{ said | urlencode | replace('/', '%2F') }}@example.org/",
    ],
)
def test_a_layer_that_holds_a_value_is_refused_with_the_file(
    project: Project, busybox: dict[str, str], written: str
) -> None:
    project.role(
        "app",
        f"""\
        - name: Leave it there
          ansible.builtin.copy:
            content: "{written}\\n"
            dest: /etc/.npmrc
            mode: "0600"
          vars: {{said: "{{{{ lookup('ansible.builtin.file', build_secrets.npm_token) }}}}"}}
        """,
    )
    recipe(project, busybox, {"role": "app", "build_secrets": ["npm_token"]})
    outcome = project.build("--secret", "id=npm_token,env=TOKEN", TOKEN=TOKEN)
    assert outcome.code == 1
    failed = outcome.one("build_failed")
    assert "npm_token" in failed["message"]
    assert "/etc/.npmrc" in failed["message"]
    assert project.run("plan").code == 3, "nothing of it is in the cache"


def test_a_configuration_that_holds_a_value_is_refused(project: Project, busybox: dict[str, str]) -> None:
    project.role(
        "app",
        """\
        - name: Set the image's configuration
          ansible.builtin.set_stats:
            data:
              image_config:
                environment: {TOKEN: "{{ lookup('ansible.builtin.file', build_secrets.npm_token) }}"}
            aggregate: false
        """,
    )
    recipe(project, busybox, {"role": "app"}, build_secrets=["npm_token"])
    outcome = project.build("--secret", "id=npm_token,env=TOKEN", TOKEN=TOKEN)
    failed = outcome.one("build_failed")
    assert outcome.code == 1
    assert "npm_token in environment.TOKEN" in failed["message"]
    assert TOKEN not in outcome.stdout + outcome.stderr


def test_a_file_of_the_layer_below_is_not_replaced(project: Project, busybox: dict[str, str]) -> None:
    project.role("app", "- {name: Say nothing, ansible.builtin.command: 'true', changed_when: false}\n")
    recipe(project, busybox, {"role": "app", "build_secrets": [{"id": "npm_token", "target": "/etc/passwd"}]})
    outcome = project.build("--secret", "id=npm_token,env=TOKEN", TOKEN=TOKEN)
    assert outcome.code == 1
    assert "/etc/passwd is there already" in outcome.one("build_failed")["message"]


def test_a_later_service_without_its_secret_stops_the_build_before_the_first_one(
    project: Project, busybox: dict[str, str], watch: Watch
) -> None:
    project.role("app", "- {name: Say nothing, ansible.builtin.command: 'true', changed_when: false}\n")
    services = {
        "low": {"from": busybox, "roles": ["app"], "vars": {"ansible_unique": project.unique}, "verify": False},
        "high": {
            "from": "low",
            "roles": [{"role": "app", "build_secrets": ["npm_token"]}],
            "verify": False,
        },
    }
    project.recipe(json.dumps({"version": "2", "services": services}))
    project.build("-s", "low").well()
    project.role("app", "- {name: Say more, ansible.builtin.command: 'true', changed_when: false}\n")
    with watch:
        outcome = project.build()
    assert outcome.code == 2
    assert "npm_token" in outcome.one("build_failed")["message"]
    assert watch.containers(outcome.pid) == {}


def test_each_of_two_roles_in_a_row_sees_its_own_secrets_only(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    for name in ("first", "second"):
        project.role(
            name,
            f"""\
            - name: Tell what there is
              ansible.builtin.copy:
                content: "{{{{ build_secrets | sort | join(' ') }}}} {{{{ here | int }}}}"
                dest: /etc/{name}
                mode: "0644"
              vars: {{here: "{{{{ build_secrets.values() | reject('file') | list == [] }}}}"}}
            """,
        )
    roles = [{"role": "first", "build_secrets": ["a", "b"]}, {"role": "second", "build_secrets": ["b", "c"]}]
    recipe(project, busybox, *roles)
    given = [word for name in "abc" for word in ("--secret", f"id={name},env=TOKEN")]
    files = files_of(engine, project.build(*given, TOKEN=TOKEN).well())
    assert (files["etc/first"], files["etc/second"]) == (b"a b 1", b"b c 1")
