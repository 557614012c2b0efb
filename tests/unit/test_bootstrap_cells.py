"""The bootstrap role's choices as data: every cell, every family, without a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.recipe import Bootstrap, parse_recipe

ROOT = Path(__file__).parents[2]
VARS = ROOT / "roles/bootstrap/vars/main"
FILES = ROOT / "roles/bootstrap/files"
FAMILIES = ("debian", "alpine", "redhat")
OPTIONS = {"cron", "sshd", "syslog-ng", "syslog-busybox", "syslog-socklog", "syslog-rsyslog"}


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


MATRIX = load(VARS / "matrix.yml")
INITS: dict[str, dict[str, Any]] = MATRIX["container_inits"]
SVCS: dict[str, dict[str, Any]] = MATRIX["container_svcs"]
FAMILY: dict[str, dict[str, Any]] = {name: load(VARS / f"{name}.yml")[f"container_family_{name}"] for name in FAMILIES}


def features(cells: dict[str, dict[str, Any]]) -> set[str]:
    """What the cells have to be given by a family."""
    return {cell["feature"] for cell in cells.values() if "feature" in cell}


OLD_NAMES = """
    container_init container_svc container_init_directory container_environment_directory option_container_cron
    option_container_sshd option_container_sshd_enabled option_container_syslog_ng container_ssh_private_key
    container_ssh_public_key container_ssh_port
"""


def test_the_variables_that_older_recipes_set_are_its_own() -> None:
    specs = load(ROOT / "roles/bootstrap/meta/argument_specs.yml")["argument_specs"]["main"]
    assert set(OLD_NAMES.split()) <= specs["options"].keys()


def test_the_inits_and_layers_are_those_of_the_issue() -> None:
    assert set(INITS) == {
        "tini-init",
        "dumb-init",
        "catatonit-init",
        "phusion-init",
        "runit-init",
        "s6-init",
        "s6-overlay",
        "none",
    }
    assert set(SVCS) == {"runit", "supervisord", "s6", "none"}


@pytest.mark.parametrize("old", ["tini", "dumb", "my_init", "phusion", "supervisor"])
def test_short_names_lead_to_a_cell(old: str) -> None:
    assert MATRIX["container_aliases"][old] in {**INITS, **SVCS}


@pytest.mark.parametrize("name", INITS)
def test_an_init_says_how_it_starts_and_with_which_layers(name: str) -> None:
    init = INITS[name]
    assert ("entrypoint" in init) != ("program" in init)
    assert set(init.get("svcs", SVCS)) <= set(SVCS)
    if "entrypoint" in init:
        assert init["entrypoint"][0].startswith("/")
    else:
        assert all(init["program"] in family["paths"] for family in FAMILY.values())


def test_inits_that_signal_one_process_only_are_told_to_signal_the_group() -> None:
    assert "-g" in INITS["tini-init"]["flags"]
    assert "-g" in INITS["catatonit-init"]["flags"]


@pytest.mark.parametrize("name", SVCS)
def test_a_layer_brings_its_functions(name: str) -> None:
    text = (FILES / f"svc/{name}/usr/local/lib/container/svc-{name}.sh").read_text(encoding="utf-8")
    head = (FILES / "base/usr/local/lib/container/services.sh").read_text(encoding="utf-8")
    wanted = [line.split()[1].rstrip(",") for line in head.splitlines() if line.startswith("#   layer_")]
    assert len(wanted) >= 8
    assert all(f"{function}() {{" in text for function in wanted)


def test_debian_has_everything() -> None:
    assert features(INITS) | features(SVCS) | OPTIONS == set(FAMILY["debian"]["features"])


def test_alpine_lacks_socklog_only() -> None:
    wanted = features(INITS) | features(SVCS) | OPTIONS
    assert wanted - set(FAMILY["alpine"]["features"]) == {"syslog-socklog"}


def test_the_rhel_family_lacks_runit_s6_and_the_smallest_syslogs() -> None:
    wanted = features(INITS) | features(SVCS) | OPTIONS
    assert wanted - set(FAMILY["redhat"]["features"]) == {"runit", "s6", "syslog-socklog", "syslog-busybox"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_says_for_each_feature_what_to_install_or_unpack(family: str) -> None:
    for feature, how in FAMILY[family]["features"].items():
        assert set(how) <= {"packages", "programs"}, feature
        assert how, feature


def test_alpine_gets_the_tools_that_busybox_lacks() -> None:
    assert {"coreutils", "setpriv"} <= set(FAMILY["alpine"]["base"])
    assert FAMILY["alpine"]["paths"]["tini"] == "/sbin/tini"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_tasks_that_install(family: str) -> None:
    tasks = load(ROOT / f"roles/bootstrap/tasks/packages/{family}.yml")
    assert tasks[0]["name"]


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_an_option_brings_its_service_and_its_tasks(option: str) -> None:
    service = FILES / f"option/{option}/etc/service/{option}"
    assert (service / "run").stat().st_mode & 0o111
    assert (service / "stage").read_text(encoding="utf-8").strip() in {"base", "log"}
    assert load(ROOT / f"roles/bootstrap/tasks/option/{option}.yml")


def test_the_recipe_of_all_cells_has_them_all() -> None:
    text = (ROOT / "tests/recipes/cells.yml").read_text(encoding="utf-8")
    services = parse_recipe(text, "cells.yml").recipe.services
    built = {
        (service.base.suite, service.variables["container_init"], service.variables["container_svc"])
        for service in services
        if isinstance(service.base, Bootstrap)
    }
    assert "trixie-tini-runit" in {service.name for service in services}
    for base in ("trixie", "bookworm"):
        for name, init in INITS.items():
            for svc in init.get("svcs", SVCS):
                assert (base, name, svc) in built or name == "s6-overlay"
    assert ("bullseye", "phusion-init", "runit") in built


def test_the_known_insecure_keys_are_listed_by_their_sums() -> None:
    assert all(len(bytes.fromhex(value)) == 32 for value in MATRIX["container_ssh_known_keys"])
