"""What is attached to pushed images, in real registries, and what `verify` says of it when somebody has been at it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.fake_sigstore import ASKING, fake_sigstore
from tests.faultproxy import fault_proxy
from tests.project.conftest import Registry, docker_settings
from tests.project.harness import Outcome, Project
from tests.sigstore_parts import IDENTITY, ISSUER

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
NO_ENGINE = {"DOCKER_HOST": "unix:///no/such.sock"}
KINDS = ("signature", "SBOM (CycloneDX)", "SBOM (SPDX)", "provenance (SLSA)")
SECRET = "canary-81c2"
PASSWORD = "s3cret-of-the-key"
COMMIT = (("add", "-A"), ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "x"))


@dataclass
class Released:
    """A project on main in a git repository, with a key, whose pushes are releases of a small image."""

    project: Project
    address: str
    environment: dict[str, str]

    @property
    def repository(self) -> str:
        return f"{self.address}/{self.project.repository}"

    @property
    def name(self) -> str:
        return f"{self.repository}:proj.web.0.1.0"

    def release(self, *arguments: str) -> Outcome:
        key = {"BASEIMAGE_SIGNING_KEY": str(self.project.folder.parent / "k.key")}
        return self.project.build("--push", *arguments, **self.environment, **key)

    def verify(self, *arguments: str, key: str = "k.pub", **environment: str) -> Outcome:
        words = ("verify", self.name, "--key", str(self.project.folder.parent / key), *arguments)
        return self.project.run(*words, **{**self.environment, **NO_ENGINE, **environment})

    def failed(self) -> dict[str, str]:
        """The checks that fail, and why."""
        outcome = self.verify("--json")
        assert outcome.code == 1, outcome
        return {each["name"]: each["found"] for each in json.loads(outcome.stdout)["checks"] if not each["passed"]}


def released(project: Project, base: dict[str, str], address: str, environment: dict[str, str]) -> Released:
    project.write("image.txt", f"repository = {address}/{project.repository}\ngitflow = true\n")
    project.write(".gitignore", "state\n")
    task = "- ansible.builtin.copy: {content: '{{ word | length }}', dest: /etc/mark, mode: '0644'}"
    project.role("mark", task)
    role = {"role": "mark", "gather_facts": False, "word": SECRET}
    project.recipe(base=base, command="sh", roles=[role], vars={"token": SECRET})
    for words in (("init", "-q", "-b", "main"), *COMMIT):
        subprocess.run(["git", *words], cwd=project.folder, check=True)
    for name in ("k", "other"):
        made = project.run("keys", str(project.folder.parent / name), BASEIMAGE_SIGNING_PASSWORD=PASSWORD)
        assert made.code == 0, made
    return Released(project, address, {**environment, "BASEIMAGE_SIGNING_PASSWORD": PASSWORD})


class Api:
    """The registry by plain HTTP."""

    def __init__(self, repository: str) -> None:
        address, _, name = repository.partition("/")
        self.url = f"http://{address}/v2/{name}"

    def digest(self, tag: str) -> str:
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        answer = requests.get(f"{self.url}/manifests/{tag}", headers={"Accept": kind}, timeout=10)
        return str(answer.headers["Docker-Content-Digest"])

    def get(self, reference: str, kind: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/manifests/{reference}", headers={"Accept": kind}, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())

    def put(self, reference: str, kind: str, body: dict[str, Any]) -> tuple[str, int]:
        data = json.dumps(body).encode()
        headers = {"Content-Type": kind}
        answer = requests.put(f"{self.url}/manifests/{reference}", data=data, headers=headers, timeout=10)
        answer.raise_for_status()
        return str(answer.headers["Docker-Content-Digest"]), len(data)

    def put_by_digest(self, body: dict[str, Any]) -> tuple[str, int]:
        digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        return self.put(f"sha256:{digest}", MANIFEST, body)

    def upload(self, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        place = requests.post(f"{self.url}/blobs/uploads/", timeout=10).headers["Location"]
        requests.put(f"{place}&digest={digest}", data=data, timeout=10).raise_for_status()
        return digest

    def blob(self, digest: str) -> bytes:
        return requests.get(f"{self.url}/blobs/{digest}", timeout=10).content


@pytest.fixture
def plain(project: Project, busybox: dict[str, str], plain_registry: Registry) -> Released:
    return released(project, busybox, plain_registry.address, {})


def test_a_release_is_signed_and_described_and_everything_can_be_verified(
    plain: Released, plain_registry: Registry
) -> None:
    done = plain.release().well()
    (attested,) = done.all("step_finished", step="web/attest")
    assert attested["detail"].startswith("attached: ")
    verified = plain.verify()
    assert verified.code == 0, verified
    assert [line.split()[0] for line in verified.stdout.splitlines()[1:]] == ["ok"] * 6
    assert plain_registry.digest(plain.name) in verified.stdout

    api = Api(plain.repository)
    index = api.get(plain_registry.digest(plain.name).replace(":", "-"), INDEX)
    everything = json.dumps(index)
    for each in index["manifests"]:
        manifest = api.get(each["digest"], MANIFEST)
        assert manifest["subject"]["digest"] == plain_registry.digest(plain.name)
        everything += json.dumps(manifest) + api.blob(manifest["layers"][0]["digest"]).decode()
    told = plain.project.run("sbom", plain.name, **NO_ENGINE).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told) is None
    assert "mark" in {part["name"] for part in json.loads(told)["components"]}
    said = done.stdout + done.stderr + everything + told
    assert SECRET not in said
    assert PASSWORD not in said

    before = index
    again = plain.release().well()
    assert again.one("step_finished", step="web/attest")["detail"].startswith("nothing to attach")
    assert api.get(plain_registry.digest(plain.name).replace(":", "-"), INDEX) == before
    tampered(plain, api)


def test_a_release_is_signed_by_the_identity_that_its_ci_service_offers(plain: Released, tmp_path: Path) -> None:
    with fake_sigstore() as sigstore:
        trust = tmp_path / "trust.json"
        trust.write_text(sigstore.trust_config())
        job = {**plain.environment, **sigstore.github(), "BASEIMAGE_TRUST_CONFIG": str(trust)}

        nobody = plain.project.build("--push", "--sign", "keyless", **plain.environment)
        assert nobody.code == 2
        assert "id-token: write" in nobody.one("build_failed")["hint"]
        unsigned = plain.project.build("--push", "--sign", "auto", **plain.environment).well()
        assert any(event["message"].startswith("not signed: ") for event in unsigned.all("warned"))
        assert "signature" not in unsigned.one("step_finished", step="web/attest")["detail"]

        sigstore.answers = [("/api/v1/log/entries", 503, b""), ("/api/v2/signingCert", 502, b"")]
        done = plain.project.build("--push", "--sign", "auto", **job).well()
        told = done.one("step_finished", step="web/attest")["detail"]
        assert told.endswith(f"signature; signed by {IDENTITY}, issuer {ISSUER}")
        assert len(done.all("retrying")) == 2
        entries = sigstore.asked.count("/api/v1/log/entries")
        again = plain.project.build("--push", "--sign", "keyless", **job).well()
        assert again.one("step_finished", step="web/attest")["detail"].startswith("nothing to attach")
        assert sigstore.asked.count("/api/v1/log/entries") == entries
        assert ASKING not in done.stdout + done.stderr

    words = ("verify", plain.name, "--trust-config", str(trust), "--issuer", ISSUER, "--identity")
    verified = plain.project.run(*words, IDENTITY, **NO_ENGINE)
    assert verified.code == 0, verified
    assert [line.split()[0] for line in verified.stdout.splitlines()[1:]] == ["ok"] * 6
    other = plain.project.run(*words, "https://git.example/other", **NO_ENGINE)
    assert other.code == 1
    assert other.stdout.count("not signed by this identity") == len(KINDS)
    seen_by_cosign(plain, tmp_path, json.loads(trust.read_text())["trustedRoot"])


def seen_by_cosign(plain: Released, folder: Path, root: dict[str, Any]) -> None:
    """The same, asked of cosign 3 where this machine has it."""
    cosign = shutil.which("cosign")
    if not cosign:
        return
    (folder / "root.json").write_text(json.dumps(root))
    who = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
    words = (cosign, "verify", "--trusted-root", str(folder / "root.json"), *who, "--allow-http-registry", plain.name)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tampered(plain: Released, api: Api) -> None:
    """Every way in which somebody who may write to the registry may have been at it."""
    tag = api.digest("proj.web.0.1.0").replace(":", "-")
    index = api.get(tag, INDEX)
    by_kind = {each["annotations"]["dev.sigstore.bundle.predicateType"]: each for each in index["manifests"]}
    cyclonedx = by_kind["https://cyclonedx.org/bom"]

    def rest(but: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in index["manifests"] if each != but]

    # another key
    other = plain.verify(key="other.pub")
    assert other.code == 1
    assert other.stdout.count("not signed with this key") == len(KINDS)

    # one of them taken away
    signature = by_kind["https://sigstore.dev/cosign/sign/v1"]
    api.put(tag, INDEX, {**index, "manifests": rest(signature)})
    assert plain.failed() == {"signature": "missing"}

    # a bill of materials that was changed, and put in the place of the signed one
    manifest = api.get(cyclonedx["digest"], MANIFEST)
    body = json.loads(api.blob(manifest["layers"][0]["digest"]))
    payload = body["dsseEnvelope"]["payload"]
    body["dsseEnvelope"]["payload"] = payload[:-8] + "AAAA" + payload[-4:]
    data = json.dumps(body).encode()
    layer = {**manifest["layers"][0], "digest": api.upload(data), "size": len(data)}
    digest, size = api.put_by_digest({**manifest, "layers": [layer]})
    changed = {**cyclonedx, "digest": digest, "size": size}
    api.put(tag, INDEX, {**index, "manifests": [*rest(cyclonedx), changed]})
    assert set(plain.failed()) == {"SBOM (CycloneDX)"}

    # all that is signed for this image, put beside another one
    config = api.upload(b'{"config": {}}')
    image = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
    kind = "application/vnd.oci.image.config.v1+json"
    image["config"] = {"mediaType": kind, "digest": config, "size": 14}
    forged, length = api.put("proj.web.0.1.0", MANIFEST, image)
    subject = {"mediaType": MANIFEST, "digest": forged, "size": length}
    moved = []
    for each in index["manifests"]:
        digest, size = api.put_by_digest({**api.get(each["digest"], MANIFEST), "subject": subject})
        moved.append({**each, "digest": digest, "size": size})
    api.put(forged.replace(":", "-"), INDEX, {**index, "manifests": moved})
    found = plain.failed()
    assert all("about another image" in found[name] for name in KINDS)

    # the image replaced
    api.put(forged.replace(":", "-"), INDEX, {**index, "manifests": []})
    assert {name: found for name, found in plain.failed().items() if name in KINDS} == dict.fromkeys(KINDS, "missing")


def test_credentials_and_a_registry_that_stumbles_or_refuses(
    project: Project, busybox: dict[str, str], restricted_registry: Registry, tmp_path: Path
) -> None:
    with fault_proxy(restricted_registry.address) as proxy:
        mine = Registry(proxy.address, restricted_registry.user, restricted_registry.password)
        settings = docker_settings(tmp_path / "docker", mine.settings())
        release = released(project, busybox, proxy.address, {"DOCKER_CONFIG": settings})
        proxy.fail("PUT", "/manifests/sha256", 403, times=1, body=b'{"errors": [{"code": "DENIED", "message": "no"}]}')
        refused = release.release()
        assert refused.code == 5
        assert "403 no" in refused.one("build_failed")["message"]
        assert release.verify().code == 1

        proxy.fail("PUT", "/manifests/sha256", 503)
        release.release().well()
        proxy.fail("GET", "/manifests/", 502)
        assert release.verify().code == 0
        empty = docker_settings(tmp_path / "nobody", {})
        stranger = release.verify(DOCKER_CONFIG=empty)
        assert stranger.code == 5
        assert "docker login" in stranger.stderr
        assert restricted_registry.password not in stranger.stderr + refused.stdout
