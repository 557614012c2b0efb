"""The recipes of the article and of its demo project: each loads, and what has no meaning for an image is named."""

from __future__ import annotations

import json

import pytest

from pipeline.image_config import ImageConfig
from pipeline.recipe import BaseImage, ParsedRecipe, parse_recipe


def parse(text: str) -> ParsedRecipe:
    return parse_recipe(text, "recipe.yml")


def article(name: str, roles: str) -> str:
    return f"""version: "2"
settings:

  conductor_base: ubuntu:16.04

  volumes:
    - temp-space:/tmp   # static content travels between containers

services:

  {name}:
    from: ubuntu:16.04
    container_name: api
    roles:
{roles}
    expose:
      - '8000'
      - '22'
    volumes:
      - temp-space:/tmp
    environment:
      IN_DOCKER: "1"

volumes:
  temp-space:
    docker: {{}}
"""


ARTICLE = {
    "tini-supervisord": (
        """      - {
          role: "softasap.sa-container-bootstrap",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
""",
        [{"container_init": "tini-init", "container_svc": "supervisord"}] * 3,
    ),
    "dumb-runit": (
        """      - {
          role: "softasap.sa-container-bootstrap",
          container_init: "dumb-init"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "dumb-init"   # may use runit
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy",
          container_init: "dumb-init"
        }
""",
        [{"container_init": "dumb-init"}] * 3,
    ),
    "phusion-runit": (
        """      - {
          role: "softasap.sa-container-bootstrap"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "phusion-init"
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy"
        }
""",
        [{}, {"container_init": "phusion-init"}, {}],
    ),
}


BOTH = {"container_init": "tini-init", "container_svc": "runit"}
DEMO = {
    "xenial_tini_runit": BOTH,
    "xenial_tini_supervisord": {**BOTH, "container_svc": "supervisord"},
    "xenial_dumb_runit": {"container_init": "dumb-init"},
    "xenial_phusion_runit": {},
}
"""The demo project has a folder for each cell; every role is told the cell anew."""


@pytest.mark.parametrize("folder", DEMO)
def test_a_recipe_of_the_demo_project_loads_with_the_same_three_warnings(folder: str) -> None:
    names = ("softasap.sa-container-bootstrap", "softasap.sa-nginx-container", "../custom-roles/app-nginx-stub-deploy")
    roles = "".join(f"      - {json.dumps({'role': name, **DEMO[folder]})}\n" for name in names)
    service = folder.removeprefix("xenial_").replace("_", "-")
    parsed = parse(article(service, roles))
    assert [role.parameters for role in parsed.recipe.services[0].roles] == [DEMO[folder]] * 3
    assert [warning.path for warning in parsed.warnings] == [
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
        BaseImage("ubuntu:16.04"),
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
        (6, "settings.volumes", "is ignored: it has no meaning; what travels between roles goes through their files"),
        (
            13,
            "services.dumb-runit.container_name",
            "is ignored: it names a container; an image is named after its service",
        ),
        (36, "volumes", "only means something at run time; `baseimage compose` passes it on"),
    ]
