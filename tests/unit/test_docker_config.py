"""ImageConfig to and from the API's JSON, and the archives that carry a configuration to an engine."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.docker_client import open_client
from pipeline.docker_config import from_api, image_from_api, insecure_from_api, to_api
from pipeline.docker_configure import bare_archive, change_archive, description
from pipeline.docker_images import split
from pipeline.errors import EngineUnreachableError
from pipeline.image_config import Healthcheck, ImageConfig

WORDS = st.lists(st.text(max_size=8), max_size=3).map(tuple)
NAMES = st.text("ABCxyz_", min_size=1, max_size=5)
CONFIGS = st.builds(
    ImageConfig,
    entrypoint=st.none() | WORDS,
    command=st.none() | WORDS,
    environment=st.dictionaries(NAMES, st.text(max_size=9), max_size=3),
    exposed=st.lists(st.sampled_from(["22/tcp", "53/udp", "80/tcp"]), unique=True).map(tuple),
    volumes=st.lists(st.sampled_from(["/a", "/b c"]), unique=True).map(tuple),
    labels=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    user=st.none() | st.just("nobody:nogroup"),
    working_dir=st.none() | st.just("/srv"),
    healthcheck=st.none()
    | st.builds(
        Healthcheck,
        st.sampled_from([("NONE",), ("CMD", "true"), ("CMD-SHELL", "a && b")]),
        st.sampled_from([0, 0.5, 30]),
        st.sampled_from([0, 1.25]),
        st.sampled_from([0, 2]),
        st.integers(0, 5),
    ),
    stop_signal=st.none() | st.just("SIGINT"),
    shell=st.none() | st.just(("/bin/bash", "-c")),
    onbuild=WORDS,
)


@given(CONFIGS)
def test_a_configuration_comes_back_from_the_api_as_it_was(config: ImageConfig) -> None:
    assert from_api(json.loads(json.dumps(to_api(config)))) == config


def test_what_a_configuration_does_not_say_is_not_sent() -> None:
    assert to_api(ImageConfig()) == {}
    assert to_api(ImageConfig(entrypoint=())) == {"Entrypoint": []}


@pytest.mark.parametrize("body", [None, {}, {"Env": None, "Cmd": None, "User": "", "WorkingDir": "", "Volumes": None}])
def test_absent_null_and_empty_all_say_nothing(body: dict[str, Any] | None) -> None:
    assert from_api(body) == ImageConfig()


def test_a_port_without_a_protocol_is_tcp() -> None:
    assert to_api(ImageConfig(exposed=("22", "53/udp"))) == {"ExposedPorts": {"22/tcp": {}, "53/udp": {}}}


def test_a_value_may_have_equals_signs_and_a_name_may_have_no_value() -> None:
    assert from_api({"Env": ["A=b=c", "B=", "C"]}).environment == {"A": "b=c", "B": "", "C": ""}


def test_times_of_a_health_check_are_nanoseconds_there() -> None:
    body = to_api(ImageConfig(healthcheck=Healthcheck(("CMD", "true"), 1.5, 0, 0, 3)))
    assert body == {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_500_000_000, "Retries": 3}}


def test_an_image_is_read_from_its_inspection() -> None:
    image = image_from_api(
        {"Id": "sha256:1", "RepoTags": None, "RepoDigests": ["a@b", "a@b"], "Os": "linux", "Architecture": "arm64",
         "Variant": "v8", "RootFS": {"Type": "layers", "Layers": ["l"]}, "Config": {"Cmd": ["x"]}}
    )  # fmt: skip
    assert (image.id, image.tags, image.digests, image.platform) == ("sha256:1", (), ("a@b",), "linux/arm64/v8")
    assert (image.layers, image.config.command, image.parent, image.size) == (("l",), ("x",), "", 0)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("web", ("web", "latest")),
        ("web:1", ("web", "1")),
        ("r.example:5000/a/web", ("r.example:5000/a/web", "latest")),
        ("r.example:5000/a/web:1.2-x", ("r.example:5000/a/web", "1.2-x")),
        ("localhost/web:1", ("localhost/web", "1")),
    ],
)
def test_a_port_is_not_a_tag(reference: str, parts: tuple[str, str]) -> None:
    assert split(reference) == parts


FOUND = {
    "Architecture": "amd64",
    "Os": "linux",
    "Created": "2026-01-02T03:04:05.6Z",
    "RootFS": {"Layers": ["a", "b"]},
}


def test_an_image_file_says_all_but_the_layers_themselves() -> None:
    data = description(FOUND, [{"created_by": "x"}], ImageConfig(environment={"A": "ü", "B": "1"}, entrypoint=()))
    assert json.loads(data) == {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05.6Z",
        "config": {"Env": ["A=ü", "B=1"]},
        "rootfs": {"type": "layers", "diff_ids": ["a", "b"]},
        "history": [{"created_by": "x"}],
    }


def test_a_bare_archive_names_layers_that_it_does_not_hold() -> None:
    lower, upper = (description(FOUND, [], ImageConfig(user=user)) for user in ("lower", "upper"))
    archive = members(bare_archive([(lower, ""), (upper, "sha256:parent")]))
    manifest = json.loads(archive["manifest.json"])
    assert [archive[entry["Config"]] for entry in manifest] == [lower, upper]
    names = [f"{hashlib.sha256(data).hexdigest()}.json" for data in (lower, upper)]
    assert [entry["Config"] for entry in manifest] == names
    assert [entry["Layers"] for entry in manifest] == [["0/layer.tar", "1/layer.tar"]] * 2
    assert [entry.get("Parent") for entry in manifest] == [None, "sha256:parent"]
    assert len(archive) == 3


def test_a_saved_archive_gets_another_configuration_and_keeps_its_layers() -> None:
    body = {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"]}, "container": "gone",
            "rootfs": {"type": "layers", "diff_ids": ["a"]}, "history": [{"created_by": "x"}]}  # fmt: skip
    manifest = [{"Config": "blobs/c", "RepoTags": ["x:1"], "Layers": ["blobs/l"]}]
    saved = archive_of({"blobs/l": b"layer", "blobs/c": json.dumps(body).encode(), "oci-layout": b"{}",
                        "manifest.json": json.dumps(manifest).encode()})  # fmt: skip
    changed = io.BytesIO()
    change_archive(io.BytesIO(saved), changed, ImageConfig(command=("x",)))
    found = members(changed.getvalue())
    entry = json.loads(found["manifest.json"])[0]
    assert entry["RepoTags"] is None
    assert found[entry["Layers"][0]] == b"layer"
    del body["container"]
    assert json.loads(found[entry["Config"]]) == {**body, "config": {"Cmd": ["x"]}}
    assert "oci-layout" not in found


def archive_of(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr] # files


def refusal(host: str) -> tuple[str, str]:
    """Message and hint."""
    try:
        open_client({"DOCKER_HOST": host})
    except EngineUnreachableError as error:
        return error.message, error.hint
    finally:
        gc.collect()  # the SDK leaves a socket that cannot connect to the garbage collector, which warns
    return pytest.fail("an engine answers there")


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.allow("docker", "network")
def test_an_engine_that_does_not_answer_is_named_with_a_next_step() -> None:
    message, hint = refusal("unix:///no/such.sock")
    gc.collect()
    assert message == "no engine answers at unix:///no/such.sock: No such file or directory"
    assert "DOCKER_HOST" in hint


@pytest.mark.parametrize("host", ["fd://3", "tcp://", "quatsch://x", "tcp://user:secret@host:1"])
@pytest.mark.allow("docker", "network")
def test_an_address_that_cannot_be_used_is_an_error_without_its_secrets(host: str) -> None:
    message, _ = refusal(host)
    assert "secret" not in message


def test_a_context_that_does_not_exist_is_named() -> None:
    with pytest.raises(EngineUnreachableError, match="no docker context named no-such-context"):
        open_client({"DOCKER_CONTEXT": "no-such-context"})


def test_insecure_registries_are_those_that_the_engine_names_but_its_own_machine() -> None:
    config = {
        "IndexConfigs": {"docker.io": {"Secure": True}, "registry.example:5000": {"Secure": False}, "odd": {}},
        "InsecureRegistryCIDRs": ["10.0.0.0/8", "127.0.0.0/8", "::1/128"],
    }
    assert insecure_from_api({"RegistryConfig": config}) == ("registry.example:5000", "10.0.0.0/8")
    assert insecure_from_api({}) == insecure_from_api({"RegistryConfig": None}) == ()
