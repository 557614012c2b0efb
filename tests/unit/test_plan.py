"""A service as ordered steps."""

from __future__ import annotations

import pytest

from pipeline.plan import Outline, Step, describe_base, steps
from pipeline.recipe import Base, BaseImage, Bootstrap, Rootfs
from pipeline.runner import outline
from stages import CATALOGUE
from tests.unit.fakes import a_service


def test_the_catalogue_runs_role_by_role_and_then_finishes_the_image() -> None:
    ids = [step.id for step in steps(a_service("nginx", "app"), outline(CATALOGUE))]
    assert ids == [
        "web/initialize",
        "web/base",
        "web/conductor",
        "web/nginx/target",
        "web/nginx/provision",
        "web/nginx/commit",
        "web/app/target",
        "web/app/provision",
        "web/app/commit",
        "web/commit",
        "web/rewrite",
        "web/verify",
        "web/tag",
        "web/share",
        "web/push",
    ]


def test_a_service_without_roles_has_no_steps_for_roles() -> None:
    ids = [step.id for step in steps(a_service(), outline(CATALOGUE))]
    stages = "initialize base conductor commit rewrite verify tag share push".split()
    assert ids == [f"web/{name}" for name in stages]


def test_every_step_has_an_id_of_its_own_even_when_a_role_is_used_twice() -> None:
    all_steps = steps(a_service("nginx", "roles/nginx", "commit"), outline(CATALOGUE))
    ids = [step.id for step in all_steps]
    assert len(set(ids)) == len(ids)
    assert "web/nginx-2/provision" in ids
    assert [step.index for step in all_steps if step.stage == "provision"] == [0, 1, 2]


def test_steps_of_the_service_have_no_role_and_no_index() -> None:
    first, *_, last = steps(a_service("nginx"), (Outline("base"), Outline("play", per_role=True), Outline("tag")))
    assert first == Step("base", "web", title="image debian:12")
    assert last == Step("tag", "web")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (BaseImage("debian:12"), "image debian:12"),
        (Bootstrap("trixie"), "root from trixie's packages"),
        (Rootfs("https://user:geheim@example.org/roots/a.tar.xz", "0" * 64), "root from a.tar.xz"),
        (Rootfs("a.tar", "0" * 64), "root from a.tar"),
    ],
)
def test_a_base_is_described_in_a_few_words(base: Base, words: str) -> None:
    assert describe_base(base) == words
