"""The recipes of the article and of its demo project: each loads, and what has no meaning for an image is named."""

from __future__ import annotations

import pytest

from pipeline.image_config import ImageConfig
from pipeline.recipe import DEFAULT_CONDUCTOR_BASE, BaseImage, ParsedRecipe, parse_recipe
from tests.article import ARTICLE, DEMO, article, demo


def parse(text: str) -> ParsedRecipe:
    return parse_recipe(text, "recipe.yml")


@pytest.mark.parametrize("folder", DEMO)
def test_a_recipe_of_the_demo_project_loads_with_the_same_four_warnings(folder: str) -> None:
    service, text = demo(folder)
    parsed = parse(text)
    assert [role.parameters for role in parsed.recipe.services[0].roles] == [DEMO[folder]] * 3
    assert [warning.path for warning in parsed.warnings] == [
        "settings.conductor_base",
        "settings.volumes",
        f"services.{service}.container_name",
        "volumes",
    ]
    assert parsed.recipe.services[0].runtime == {"volumes": ["temp-space:/tmp"]}
    assert parsed.recipe.runtime == {"volumes": {"temp-space": {"docker": {}}}}


@pytest.mark.parametrize("name", ARTICLE)
def test_a_recipe_of_the_article_loads(name: str) -> None:
    roles, parameters = ARTICLE[name]
    recipe = parse(article(name, roles)).recipe
    (built,) = recipe.services
    assert (recipe.conductor.base, built.name, built.base) == (
        DEFAULT_CONDUCTOR_BASE,
        name,
        BaseImage("ubuntu:16.04"),
    )
    assert [role.parameters for role in built.roles] == parameters
    assert built.role_labels == (
        "softasap.sa-container-bootstrap",
        "softasap.sa-nginx-container",
        "app-nginx-stub-deploy",
    )
    assert built.config == ImageConfig(
        exposed=("8000/tcp", "22/tcp"),
        volumes=("/tmp",),  # noqa: S108 - a path in the image
        environment={"IN_DOCKER": "1"},
    )


def test_a_recipe_of_the_article_loads_with_named_warnings() -> None:
    warnings = parse(article("dumb-runit", ARTICLE["dumb-runit"][0])).warnings
    assert [(warning.line, warning.path, warning.message) for warning in warnings] == [
        (
            4,
            "settings.conductor_base",
            "is ignored: the image has no Python 3.11, which Ansible needs; the conductor is made on its usual base",
        ),
        (6, "settings.volumes", "is ignored: it has no meaning; what travels between roles goes through their files"),
        (
            13,
            "services.dumb-runit.container_name",
            "is ignored: it names a container; an image is named after its service",
        ),
        (36, "volumes", "only means something at run time; `baseimage compose` passes it on"),
    ]
