"""What older recipes take for granted: roles by their old names, and a conductor like its targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.inherited import stand_in, unfit_conductor, with_its_defaults
from pipeline.recipe import BaseImage, Bootstrap, RoleUse, Service
from pipeline.role_finder import RoleFinder
from pipeline.role_sources import described
from pipeline.shipped import shipped_roles

OLD = "softasap.sa-container-bootstrap"


def finder(project: Path) -> RoleFinder:
    return RoleFinder(project / "container.yml", project, shipped=shipped_roles())


@pytest.mark.parametrize(
    "image",
    [
        "ubuntu:16.04",
        "ubuntu:xenial-20210804",
        "debian:stretch-slim",
        "debian:11",
        "mirror.example/library/ubuntu:18.04",
    ],
)
def test_a_release_with_an_old_python_holds_no_conductor(image: str) -> None:
    assert unfit_conductor(BaseImage(image)) == "has no Python 3.11, which Ansible needs"


@pytest.mark.parametrize("image", ["centos:7", "alpine", "fedora:27", "amazonlinux:2", "opensuse/leap:15"])
def test_a_distribution_of_other_packages_holds_no_conductor(image: str) -> None:
    assert unfit_conductor(BaseImage(image)) == "has no apt"


@pytest.mark.parametrize("image", ["debian:12-slim", "debian", "ubuntu:24.04", "ubuntu:noble", "mine/conductor:1"])
def test_whatever_else_is_named_is_tried(image: str) -> None:
    assert unfit_conductor(BaseImage(image)) == ""
    assert unfit_conductor(Bootstrap("bullseye")) == ""


def test_the_bootstrap_role_is_found_under_its_old_name_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "roles").mkdir()
    role = RoleUse(OLD, line=7)
    assert stand_in(OLD) == "bootstrap"
    assert finder(tmp_path).find(role).name == "bootstrap"
    (warning,) = finder(tmp_path).warnings(role)
    assert (warning.line, warning.message) == (
        7,
        f"the project has no {OLD}: the shipped role bootstrap is played for it",
    )


def test_a_role_of_the_old_name_in_the_project_goes_before_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "roles" / OLD / "tasks").mkdir(parents=True)
    role = RoleUse(OLD)
    assert finder(tmp_path).find(role).name == OLD
    assert finder(tmp_path).warnings(role) == ()
    assert described(Service("web", BaseImage("debian:12"), (role,)), finder(tmp_path)).roles == (role,)


def test_it_keeps_its_init_and_leaves_the_usual_user_id_free_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    service = Service("web", BaseImage("debian:12"), (RoleUse(OLD),))
    ids = {"container_uid": 8378, "container_gid": 8378}
    assert described(service, finder(tmp_path)).roles[0].parameters == {"container_init": "phusion-init", **ids}
    assert with_its_defaults(RoleUse(OLD), {"container_init": "tini-init"}).parameters == ids
    given = RoleUse(OLD, {"container_init": "dumb-init", "container_uid": 1000, "container_gid": 1000})
    assert with_its_defaults(given, {}) == given
