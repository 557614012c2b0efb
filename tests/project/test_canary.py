"""Secrets reach a play and nothing else: marked values go in on every path, and all that comes out is searched."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
import requests

from tests.project.conftest import MANIFESTS, Registry, docker_settings
from tests.project.engine_view import Watch
from tests.project.harness import ROOT, Outcome, Project
from tests.project.test_modules import git, repository
from tests.project.test_server_roles import PASSWORD, TOKEN, vault_password
from tests.serving import serving

BY_PATH = {
    "AC_ variable": "canary-of-AC-7f31",
    "option -e": "canary-of-option-7f32",
    "vars file": "canary-of-vars-file-7f33",
    "vars of the recipe": "canary-of-recipe-7f34",
    "parameter of a role": "canary-of-parameter-7f35",
    "environment of the conductor": "canary-of-conductor-7f36",
    "environment of the command": "canary-of-command-7f37",
    "URL of a module": "canary-of-module-7f38",
    "URL of the remote": "canary-of-remote-7f39",
    "ssh agent": "canary-of-agent-7f40",
    "registry": "s3cret",
    "vault's password": PASSWORD,
    "vault": TOKEN,
    "build secret of a variable": "canary-of-secret-7f41",
    "build secret of a file": "canary-of-secret-file-7f42",
    "build secret in the target": "canary-of-target-7f43",
}
SECRETS = {
    "variable_canary": "build secret of a variable",
    "file_canary": "build secret of a file",
    "target_canary": "build secret in the target",
}
SEEN = "public-of-recipe-7f50"
"""Where it is looked for, what is no secret is found."""
OUT = "out"
"""A folder of the project for all files that a command is asked to write; each of them is searched."""
TASKS = """\
---
- name: Use all of them
  ansible.builtin.copy:
    content: "{{ [ac_secret, option_secret, file_secret, recipe_secret, parameter_secret, secrets_token,
      lookup('env', 'CONDUCTOR_SECRET'), lookup('file', build_secrets.variable_canary),
      lookup('file', build_secrets.file_canary)] | map('hash', 'sha256') | join('\\n') }}\n"
    dest: /etc/hashes
    mode: "0600"
  no_log: true

- name: Use them in a loop
  ansible.builtin.command: "true {{ item }}"
  loop: ["{{ ac_secret }}", "{{ parameter_secret }}"]
  changed_when: false
  no_log: true

- name: Use a file of the target
  ansible.builtin.shell: sha256sum </root/.config/app/token >/etc/target-hash
  changed_when: true

- name: "Say build secrets such as {{ lookup('file', build_secrets.variable_canary) }}"
  ansible.builtin.shell: "echo {{ said }} {{ said | b64encode }} $(cat /root/.config/app/token); echo {{ said }} >&2"
  vars: {said: "{{ lookup('file', build_secrets.file_canary) }}"}
  changed_when: false
  failed_when: talks | default(false) | bool

- name: Say @PUBLIC@
  ansible.builtin.copy: {content: "{{ public }}\\n", dest: /etc/public, mode: "0644"}

- name: Fail with a secret
  ansible.builtin.command: "false {{ ac_secret }}"
  no_log: true
  changed_when: false
  when: fails | default(false) | bool
"""


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[str]:
    """A git server that asks nobody who he is: the address of a role's repository, with a password in it."""
    repository(tmp_path / "app", "tasks/main.yml", TASKS.replace("@PUBLIC@", SEEN))
    shutil.copytree(tmp_path / "app/.git", tmp_path / "served/app.git")
    git(tmp_path / "served/app.git", "update-server-info")
    handler = partial(_Silent, directory=str(tmp_path / "served"))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://alice:{BY_PATH['URL of a module']}@127.0.0.1:{server.server_port}/app.git"


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def shop(project: Project, busybox: dict[str, str], modules: str, restricted_registry: Registry) -> Project:
    """A project that gets a secret on every path, on main of a repository of its own."""
    project.write(".gitignore", "out/\nroles/\nprojmodules.lock\n")
    project.write(".projmodules", f'[submodule "app"]\n    path = roles/app\n    url = {modules}\n')
    project.write("image.txt", f"repository = {restricted_registry.address}/{project.repository}\ngitflow = true\n")
    project.write("recipes/vault.yml", (ROOT / "tests/roles/servers/secrets/vars/secrets.yml").read_text())
    for name in ("file_canary", "target_canary"):
        (project.scratch / name).write_text(BY_PATH[SECRETS[name]] + "\n")
    project.write("secret-vars.yml", f"file_word: {BY_PATH['vars file']}\n")
    vault_password(project)
    given = {"ac_secret": "ac_word", "option_secret": "option_word", "file_secret": "file_word"}
    project.write(
        "recipes/default.yml",
        json.dumps(
            {
                "version": "2",
                "settings": {
                    "vault_files": ["vault.yml"],
                    "vault_password_file": "../../vault-password",
                    "conductor": {"environment": {"CONDUCTOR_SECRET": BY_PATH["environment of the conductor"]}},
                },
                "services": {
                    "web": {
                        "from": busybox,
                        "verify": False,
                        "command": ["cat", "/etc/public"],
                        "labels": {"public": SEEN},
                        "vars": {name: f"{{{{ {word} }}}}" for name, word in given.items()}
                        | {"recipe_secret": BY_PATH["vars of the recipe"], "public": SEEN}
                        | {"fails": "{{ failing }}", "talks": "{{ talking }}"},
                        "build_secrets": ["variable_canary"],
                        "roles": [
                            {
                                "role": "app",
                                "gather_facts": False,
                                "parameter_secret": BY_PATH["parameter of a role"],
                                "unique": project.unique,
                                "build_secrets": [
                                    "file_canary",
                                    {"id": "target_canary", "target": "/root/.config/app/token"},
                                ],
                            }
                        ],
                    }
                },
                "defaults": {"failing": False, "talking": False},
            }
        ),
    )
    git(project.folder, "init", "--quiet", "--initial-branch", "main")
    git(project.folder, "remote", "add", "origin", f"https://bob:{BY_PATH['URL of the remote']}@example.org/shop.git")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--quiet", "-m", "first")
    (project.folder / OUT).mkdir()
    project.environment |= {
        "AC_AC_WORD": BY_PATH["AC_ variable"],
        "SHOP_TOKEN": BY_PATH["environment of the command"],
        "variable_canary": BY_PATH[SECRETS["variable_canary"]],
        "SSH_AUTH_SOCK": str(project.scratch / BY_PATH["ssh agent"]),
        "DOCKER_CONFIG": docker_settings(project.folder.parent / "docker", restricted_registry.settings()),
    }
    return project


def test_no_secret_is_in_anything_that_comes_out(
    shop: Project, engine: docker.DockerClient, restricted_registry: Registry, watch: Watch
) -> None:
    words = ("--vars-file", "secret-vars.yml", "-e", f"option_word={BY_PATH['option -e']}")
    files = (f"id={name},src={shop.scratch / name}" for name in ("file_canary", "target_canary"))
    secrets = tuple(word for source in ("id=variable_canary", *files) for word in ("--secret", source))
    attached = ("--push", "--sbom", "--provenance")
    with watch:
        built = shop.build(*words, *secrets, *attached, "--metadata-file", f"{OUT}/metadata.json").well()
    assert built.played() == ["app"], "the secrets were needed"
    github = {name: str(shop.folder / OUT / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    runs = {
        "events": built,
        "plain log": shop.run("push", *words, "--log-format", "plain", GITHUB_ACTIONS="true", **github),
        "failure": shop.run(
            "build", *words, *secrets, "-e", "failing=true", "--debug", "--metadata-file", f"{OUT}/failed.json"
        ),
        "talk": shop.run("build", *words, *secrets, "-e", "talking=true", "--debug", "--log-format", "plain"),
        "without them": shop.run("build", *words, *secrets[:2], "-e", "failing=true", "--log-format", "json"),
        "plan": shop.run("plan", *words, "--json", "-e", "failing=true"),
        "past builds": shop.run("inspect", "--json"),
        "past log": shop.run("logs"),
    }
    name = built.one("image_built")["tags"][0]
    assert [outcome.code for outcome in runs.values()] == [0, 0, 1, 1, 2, 3, 0, 0], runs
    assert "***" in runs["talk"].stdout + runs["talk"].stderr, "what a task says is masked"
    everything = _said(runs) | _kept(shop) | _in_engine(engine, name)
    everything |= _in_registry(restricted_registry, name) | {"engine's events": watch.text().encode()}
    for place in ("file metadata.json", "file failed.json", "file GITHUB_OUTPUT", "file projmodules.lock"):
        assert any(text for name, text in everything.items() if name.startswith(place)), place
    for place in ("events", "layers", "configuration", "registry's blobs", "state"):
        assert any(SEEN.encode() in text for name, text in everything.items() if name.startswith(place)), place
    for secret in (TOKEN, BY_PATH[SECRETS["file_canary"]], BY_PATH[SECRETS["target_canary"]] + "\n"):
        assert hashlib.sha256(secret.encode()).hexdigest().encode() in everything["layers"], "a play had them"
    assert all(name.encode() in everything["attached"] for name in SECRETS), "provenance names ids"
    assert b"exec_create: " in everything["engine's events"]
    found = {
        (path, place)
        for path, secret in BY_PATH.items()
        for place, text in everything.items()
        for form in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="))
        if form in text
    }
    assert found == set()


def _said(runs: dict[str, Outcome]) -> dict[str, bytes]:
    return {name: (outcome.stdout + outcome.stderr).encode() for name, outcome in runs.items()}


def _kept(project: Project) -> dict[str, bytes]:
    """Records of layers and of builds, whatever else is in the state folder, the lock file, what was asked for."""
    files = [*project.state.rglob("*"), *(project.folder / OUT).rglob("*"), project.folder / "projmodules.lock"]
    texts = {path: path.read_bytes() for path in files if path.is_file()}
    kinds = {path: "state" if path.is_relative_to(project.state) else "file" for path in texts}
    return {f"{kinds[path]} {path.name} {number}": text for number, (path, text) in enumerate(texts.items())}


def _in_engine(engine: docker.DockerClient, image: str) -> dict[str, bytes]:
    found = engine.images.get(image)
    with tarfile.open(fileobj=io.BytesIO(b"".join(found.save()))) as archive:
        files = [archive.extractfile(entry) for entry in archive if entry.isfile()]
        layers = b"".join(_unpacked(file.read()) for file in files if file)
    return {"layers": layers, "configuration": str(found.attrs).encode(), "history": str(found.history()).encode()}


def _in_registry(registry: Registry, name: str) -> dict[str, bytes]:
    repository_, _, tag = name.removeprefix(f"{registry.address}/").rpartition(":")
    base, auth = f"http://{registry.address}/v2/{repository_}", (registry.user, registry.password)
    manifest = requests.get(f"{base}/manifests/{tag}", headers={"Accept": MANIFESTS}, auth=auth, timeout=10)
    digests = [manifest.json()["config"]["digest"], *(layer["digest"] for layer in manifest.json()["layers"])]
    blobs = [requests.get(f"{base}/blobs/{digest}", auth=auth, timeout=10).content for digest in digests]
    return {
        "registry's manifest": manifest.content,
        "registry's blobs": b"".join(map(_unpacked, blobs)),
        "attached": b"".join(_attached(base, auth)),
    }


def _attached(base: str, auth: tuple[str, str]) -> Iterator[bytes]:
    """Manifests and blobs of all that the repository has: bills of materials, provenance."""
    for tag in requests.get(f"{base}/tags/list", auth=auth, timeout=10).json()["tags"]:
        left = [tag]
        while left:
            headers = {"Accept": f"{MANIFESTS}, application/vnd.oci.image.index.v1+json"}
            found = requests.get(f"{base}/manifests/{left.pop()}", headers=headers, auth=auth, timeout=10)
            yield found.content
            left += [each["digest"] for each in found.json().get("manifests", ())]
            for blob in found.json().get("layers", ()):
                yield _unpacked(requests.get(f"{base}/blobs/{blob['digest']}", auth=auth, timeout=10).content)


def _unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
