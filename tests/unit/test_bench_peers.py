"""What the bench writes for its builders, and what it removes after them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from docker.errors import APIError

from tests.bench import trees
from tests.bench.measuring import BuildError, run
from tests.bench.peers import CATALOGUE
from tests.bench.peers.ours import Ours
from tests.bench.peers.packer import Packer
from tests.bench.peers.peer import EngineImages, Job, Place, remove_containers
from tests.bench.tools import MissingError, Tools
from tests.bench.work import SERVER, Role, cell, tree

ONE = Job("one", ((SERVER,),))
TWO = Job("two", ((SERVER, cell(1)), (SERVER, cell(2))))


class FakeEngine:
    """Images by name, and the ids of those that somebody else has a name for."""

    def __init__(self, *names: str, kept: tuple[str, ...] = ()) -> None:
        self.names, self.kept = list(names), kept
        self.removed: list[tuple[str, bool]] = []
        self.containers_there: list[dict[str, str]] = []
        self.images = SimpleNamespace(remove=self._remove, list=self._list)
        self.api = SimpleNamespace(
            images=lambda repository: [{"RepoTags": self.names}, {"RepoTags": None}] if repository else [],
            containers=lambda **_: self.containers_there,
            remove_container=lambda name, **_: self.removed.append((name, True)),
        )
        self.containers = SimpleNamespace(run=lambda *_, **__: b"said")
        self.volumes = SimpleNamespace(list=lambda **_: [])

    def _list(self, name: str) -> list[Any]:
        return [SimpleNamespace(id=f"sha256:{name}")] if name in self.names else []

    def _remove(self, reference: str, *, force: bool) -> None:
        if reference in self.kept:
            raise APIError("conflict", requests.Response())
        self.removed.append((reference, force))


def place(folder: Path, engine: FakeEngine) -> Place:
    return Place(folder, "baseimage-bench/base:u", "u", cast("Any", engine))


@pytest.fixture
def ours(tmp_path: Path) -> Ours:
    return Ours(place(tmp_path, FakeEngine()), Tools(tmp_path, install=False))


def recipe(folder: Path, job: Job) -> dict[str, Any]:
    return dict(json.loads((folder / f"ours/{job.name}/recipes/default.yml").read_text()))


def test_one_image_is_one_service(ours: Ours, tmp_path: Path) -> None:
    ours.ready(ONE)
    service = recipe(tmp_path, ONE)["services"]["image-0"]
    assert (service["from"], service["roles"]) == ("baseimage-bench/base:u", ["server"])
    assert (tmp_path / "ours/one/roles/server/tasks/main.yml").exists()


def test_what_images_share_is_a_service_of_its_own(ours: Ours, tmp_path: Path) -> None:
    ours.ready(TWO)
    services = recipe(tmp_path, TWO)["services"]
    assert services["floor"]["roles"] == ["server"]
    assert (services["image-1"]["from"], services["image-1"]["roles"]) == ("floor", ["cell_1"])
    assert "2\\n" in (tmp_path / "ours/two/roles/cell_1/tasks/main.yml").read_text()


def test_no_layer_is_that_of_another_run(ours: Ours, tmp_path: Path) -> None:
    ours.ready(TWO)
    assert all(service["vars"] == {"ansible_bench_run": "u"} for service in recipe(tmp_path, TWO)["services"].values())


def test_our_images_have_the_names_that_are_looked_for(ours: Ours, tmp_path: Path) -> None:
    ours.ready(TWO)
    (name,) = recipe(tmp_path, TWO)["tags"]
    images = EngineImages(place(tmp_path, FakeEngine()), "ours")
    assert name.format(repository="baseimage-bench/ours", service="image-1") == images.name(TWO, 1)


def test_many_files_are_files_of_the_role(ours: Ours, tmp_path: Path) -> None:
    job = Job("files", ((tree(300),),))
    ours.ready(job)
    ours.ready(job)
    found = tmp_path / "ours/files/roles/tree/files/tree300"
    assert sum(path.is_file() for path in found.rglob("*")) == 300


def test_a_tree_is_made_once(tmp_path: Path) -> None:
    made = trees.make(tmp_path, 3)
    before = made.with_suffix(".tar").stat().st_mtime_ns
    assert trees.make(tmp_path, 3) == made
    assert made.with_suffix(".tar").stat().st_mtime_ns == before


def test_packer_reaches_its_container_by_the_name_that_it_gave(tmp_path: Path) -> None:
    packer = object.__new__(Packer)
    packer._place, packer._images = place(tmp_path, FakeEngine()), EngineImages(place(tmp_path, FakeEngine()), "packer")
    packer.ready(TWO)
    template = json.loads((tmp_path / "packer/two-1/packer.json").read_text())
    name = template["builders"][0]["run_command"][4]
    assert f"ansible_host={name} " in template["provisioners"][0]["extra_arguments"][1]
    assert template["post-processors"][0] == {
        "type": "docker-tag", "repository": "baseimage-bench/packer", "tag": "u-two-image-1",
    }  # fmt: skip


def test_a_job_forgets_its_own_images_only(tmp_path: Path) -> None:
    names = ("baseimage-bench/x:u-one-image-0", "baseimage-bench/x:u-two-image-0", "baseimage-bench/x:v-one-image-0")
    engine = FakeEngine(*names)
    images = EngineImages(place(tmp_path, engine), "x")
    images.forget(ONE)
    assert engine.removed == [(names[0], True)]


def test_at_last_images_go_whose_name_another_took_unless_somebody_named_them(tmp_path: Path) -> None:
    name = "baseimage-bench/x:u-one-image-0"
    engine = FakeEngine(name)
    images = EngineImages(place(tmp_path, engine), "x")
    assert images.look(ONE, 0, "true") == "said"
    images.forget()
    assert engine.removed == [(name, True), (f"sha256:{name}", False)]
    kept = FakeEngine(name, kept=(f"sha256:{name}",))
    images = EngineImages(place(tmp_path, kept), "x")
    images.look(ONE, 0, "true")
    images.forget()
    assert kept.removed == [(name, True)]


def test_an_image_that_is_not_there_is_a_failed_build(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="there is no image"):
        EngineImages(place(tmp_path, FakeEngine()), "x").look(ONE, 0, "true")


def test_only_containers_of_the_base_are_removed() -> None:
    engine = FakeEngine()
    engine.containers_there = [{"Id": "a", "Image": "baseimage-bench/base:u"}, {"Id": "b", "Image": "debian:12"}]
    remove_containers(cast("Any", engine), "baseimage-bench/base:u")
    assert engine.removed == [("a", True)]


def test_a_program_that_may_not_be_installed_is_missing_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"no nosuchbuilder on this machine \(package nosuch\)"):
        Tools(tmp_path, install=False).program("nosuchbuilder", "nosuch")


@pytest.mark.allow("process")
def test_a_failed_command_is_told_with_the_end_of_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"sh ended with 3:\nbroken"):
        run(("sh", "-c", "echo broken >&2; exit 3"), tmp_path, os.environ)  # noqa: TID251 - a command's own edge


@pytest.mark.allow("process")
def test_a_commands_output_and_memory_are_known(tmp_path: Path) -> None:
    done = run(("sh", "-c", "echo fine"), tmp_path, os.environ)  # noqa: TID251 - as above
    assert done.output == "fine\n"
    assert done.peak > 100_000


@pytest.mark.allow("process")
def test_python_may_keep_its_compiled_modules(tmp_path: Path) -> None:
    variables = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    assert run(("sh", "-c", "echo ${PYTHONDONTWRITEBYTECODE:-unset}"), tmp_path, variables).output == "unset\n"


def test_every_builder_says_what_it_is_and_keeps() -> None:
    assert [peer.title for peer in CATALOGUE.values()] == list(dict.fromkeys(peer.title for peer in CATALOGUE.values()))
    assert all(peer.keeps <= {"layers", "packages"} for peer in CATALOGUE.values())
    assert isinstance(SERVER, Role)
