"""Several registries in one call: which got what is told on every display, in the metadata file and on GitHub."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faultproxy import FaultProxy, fault_proxy
from tests.project.conftest import Registry
from tests.project.harness import Project

DENIED = b'{"errors": [{"code": "TAG_INVALID", "message": "no"}]}'


@pytest.fixture
def shop(project: Project, busybox: dict[str, str]) -> Project:
    """A project of two services, each made in a second."""
    project.write("version.txt", "1.2.0\n")
    project.recipe(
        json.dumps(
            {
                "version": "2",
                "services": {
                    name: {"from": busybox, "labels": {"is": name}, "verify": False} for name in ("one", "two")
                },
            }
        )
    )
    return project


def tags_of(project: Project, *registries: str) -> None:
    """The names of every service, in each registry."""
    recipe = json.loads((project.folder / "recipes/default.yml").read_text())
    recipe["tags"] = [f"{registry}/{project.repository}/{{service}}:{{version}}" for registry in registries]
    project.recipe(json.dumps(recipe))


def states(data: dict[str, Any]) -> dict[str, str]:
    """What became of each name, without what they begin with."""
    names = [name for service in data["services"].values() for name in service["names"]]
    return {name["name"]: name["state"] for name in names}


def test_a_registry_that_fails_is_told_apart_from_those_that_got_everything(
    shop: Project, plain_registry: Registry
) -> None:
    with fault_proxy(plain_registry.address) as good, fault_proxy(plain_registry.address) as bad:
        tags_of(shop, bad.address, good.address)
        out = shop.folder / "out.json"

        bad.fail("PUT", "/manifests/", 400, times=99, body=DENIED)
        failed = shop.build("--push", "--metadata-file", "out.json")
        assert failed.code == 5
        first = json.loads(out.read_text())
        assert first["result"] == "failed"
        assert states(first) == {
            f"{bad.address}/{shop.repository}/one:1.2.0": "failed",
            f"{good.address}/{shop.repository}/one:1.2.0": "pushed",
            f"{bad.address}/{shop.repository}/two:1.2.0": "not tried",
            f"{good.address}/{shop.repository}/two:1.2.0": "not tried",
        }
        one = first["services"]["one"]
        assert one["digest"] == plain_registry.digest(f"{shop.repository}/one:1.2.0")
        assert [event["tried"] for event in failed.all("not_pushed")] == [True, False, False]

        for display in ("plain", "quiet"):
            told = shop.run("push", "--log-format", display)
            assert told.code == 5
            assert f"not pushed: {bad.address}/{shop.repository}/one:1.2.0" in told.stdout + told.stderr
            assert f"not tried: {bad.address}/{shop.repository}/two:1.2.0" in told.stdout + told.stderr

        heal(bad)
        shop.run("push", "--metadata-file", "out.json").well()
        healed = json.loads(out.read_text())
    assert set(states(healed).values()) == {"pushed"}
    assert healed["services"]["two"]["digest"] == plain_registry.digest(f"{shop.repository}/two:1.2.0")


def heal(proxy: FaultProxy) -> None:
    """No more faults."""
    for fault in proxy.faults:
        fault.times = 0


def test_github_gets_groups_annotations_a_summary_and_outputs(shop: Project) -> None:
    files = {name: str(shop.write(name, "")) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    built = shop.run("build", GITHUB_ACTIONS="true", **files).well()
    assert "::group::" in built.stdout
    assert built.stdout.count("::group::") == built.stdout.count("::endgroup::")
    assert f"{shop.repository}:proj.one.1.2.0" in (shop.folder / "GITHUB_OUTPUT").read_text()
    assert f"| `{shop.repository}:proj.one.1.2.0` | built |" in (shop.folder / "GITHUB_STEP_SUMMARY").read_text()

    shop.write("recipes/bad.yml", 'version: "2"\nservices:\n  web:\n    fron: x\n')
    bad = shop.run("build", "bad", "--metadata-file", "out.json", GITHUB_ACTIONS="true", **files)
    assert bad.code == 2
    assert "::error file=recipes/bad.yml,line=4,col=5::" in bad.stdout
    outer = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(shop.folder.parent), **files}
    assert f"::error file={shop.folder.name}/recipes/bad.yml,line=4,col=5::" in shop.run("build", "bad", **outer).stdout
    (error,) = [each for each in json.loads((shop.folder / "out.json").read_text())["errors"] if "fron" in str(each)]
    assert error["place"] == "recipes/bad.yml:4:5"
