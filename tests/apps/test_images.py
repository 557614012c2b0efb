"""What holds for every image with nginx in it."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from typing import Any

import pytest

from tests.apps.conftest import SIZES
from tests.apps.site import Sites
from tests.project.harness import Outcome

BUDGET = {"static": 92, "spa": 92, "python": 145, "supervisord": 150, "s6": 165, "none": 92}
"""Every image with its megabytes, unpacked."""
IMAGES = list(BUDGET)
TMPFS = {"/run": "", "/tmp": ""}  # noqa: S108 - the container's own
CONFINED: dict[str, dict[str, Any]] = {
    "arbitrary user": {"user": "12345:0"},
    "read-only root": {"read_only": True, "tmpfs": TMPFS},
    "both": {"user": "12345:0", "read_only": True, "tmpfs": {"/tmp": ""}},  # noqa: S108 - the container's own
    "no new privileges": {"security_opt": ["no-new-privileges"]},
}
KEY = re.compile(rb"^-----BEGIN .*PRIVATE KEY", re.MULTILINE)
COMPLAINT = re.compile(r"\[(warn|error|crit|alert|emerg)\]|denied|Read-only|Traceback")


@pytest.mark.parametrize("name", IMAGES)
def test_the_page_is_there_within_five_seconds(sites: Sites, name: str) -> None:
    site = sites.start(name)
    assert site.until_it_answers(5) < 5
    assert site.answers(tls=True)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("options", CONFINED.values(), ids=CONFINED.keys())
def test_it_serves_confined_as_it_does_free(sites: Sites, name: str, options: dict[str, Any]) -> None:
    site = sites.start(name, **options)
    site.until_all_is_up()
    assert site.answers(tls=True)
    assert site.box.run("container-health").code == 0
    seconds, outcome = site.box.stop()
    assert outcome.code == 0
    assert seconds < 3
    assert not COMPLAINT.search(outcome.output), outcome.output


@pytest.mark.parametrize("name", IMAGES)
def test_no_layer_holds_a_private_key(sites: Sites, name: str) -> None:
    image = sites.client.images.get(sites.cells[name].image)
    with tempfile.TemporaryFile() as spool:
        for chunk in image.save():
            spool.write(chunk)
        spool.seek(0)
        with tarfile.open(fileobj=spool) as saved:
            found = [found for layer in layers_of(saved) for found in private_keys(saved, layer)]
    assert found == []


def layers_of(saved: tarfile.TarFile) -> list[str]:
    """The names of the layers in what docker save gives."""
    manifest = saved.extractfile("manifest.json")
    assert manifest is not None
    layers: list[str] = json.load(manifest)[0]["Layers"]
    return layers


def private_keys(saved: tarfile.TarFile, layer: str) -> list[str]:
    """The files of a layer that hold one; what only knows the words is longer than a key."""
    with tarfile.open(fileobj=saved.extractfile(layer)) as tar:
        small = [member for member in tar if member.isfile() and member.size < 20_000]
        contents = ((member.name, tar.extractfile(member)) for member in small)
        return [name for name, file in contents if file and KEY.search(file.read())]


@pytest.mark.parametrize("name", IMAGES)
def test_the_configuration_names_the_ports_and_no_secret(sites: Sites, name: str) -> None:
    config = sites.client.images.get(sites.cells[name].image).attrs["Config"]
    assert {"8000/tcp", "8443/tcp"} <= set(config["ExposedPorts"])
    assert not [entry for entry in config["Env"] if re.search("KEY|PASS|SECRET|TOKEN", entry.split("=")[0])]


@pytest.mark.parametrize("name", IMAGES)
def test_the_image_keeps_to_its_budget(sites: Sites, name: str) -> None:
    SIZES[name] = sites.client.images.get(sites.cells[name].image).attrs["Size"]
    assert SIZES[name] <= BUDGET[name] * 1e6


def test_roles_played_again_change_nothing(built: Outcome) -> None:
    """The service `twice` plays each role a second time, in every build."""
    again = {f"twice/{role}-2/provision" for role in ("nginx", "uwsgi", "redis", "app_nginx_stub")}
    played = {event["step"] for event in built.all("step_started", service="twice", stage="provision")}
    assert again <= played
    assert [event for event in built.all("task_finished", status="changed") if event["step"] in again] == []
