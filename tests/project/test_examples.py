"""Every recipe that ships, as a user has it: built, brought up with Compose, asked for a page, and taken down.

A recipe that publishes no port makes a base: recipes/from-image.yml puts its application on it, which is asked instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml

from tests.project.composing import FREE_PORTS, Composed, first_page
from tests.project.harness import ROOT, Outcome, Project

ON_A_BASE = "from-image"
RECIPES = sorted({path.resolve().stem for path in (ROOT / "recipes").glob("*.yml")} - {ON_A_BASE})
ROLES = ("--roles-path", str(ROOT / "roles"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Project]:
    """A project without recipes. Layers stay in the engine's cache, where other tests have put most of them."""
    made = Project(tmp_path_factory.mktemp("examples") / "proj", engine)
    yield made
    made.remove_all()


def build(project: Project, recipe: str, *variables: str) -> Outcome:
    words = (*ROLES, "-n", name_of(project, recipe), *variables)
    return project.build(path_of(recipe), *words, BASEIMAGE_STATE=str(project.folder / "state")).well()


def check_is_on(project: Project, image: str, base: str) -> None:
    """The base starts what the application's image starts, and its layers are the first of it."""
    made, below = (project.engine.images.get(name).attrs for name in (image, base))
    assert made["Config"]["Entrypoint"] == below["Config"]["Entrypoint"]
    assert made["RootFS"]["Layers"][: len(below["RootFS"]["Layers"])] == below["RootFS"]["Layers"]


def path_of(recipe: str) -> str:
    return str(ROOT / f"recipes/{recipe}.yml")


def name_of(project: Project, recipe: str) -> str:
    return f"{recipe}-{project.unique}"


def publishing(recipe: str) -> list[str]:
    """The services that a browser can ask."""
    services = yaml.safe_load(Path(path_of(recipe)).read_text(encoding="utf-8"))["services"]
    return [name for name, keys in services.items() if "ports" in keys]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_shipped_recipe_is_built_brought_up_asked_for_its_page_and_taken_down(
    recipe: str, project: Project, docker_compose_command: str, tmp_path: Path
) -> None:
    made, asked = build(project, recipe), recipe
    variables: tuple[str, ...] = ()
    if not publishing(recipe):
        image = str(made.one("image_built")["tags"][0])
        svc = project.engine.images.get(image).labels["container.svc"]
        asked, variables = ON_A_BASE, ("-e", f"image={image}", "-e", f"svc={svc}")
        check_is_on(project, build(project, asked, *variables).image, image)
    example = Composed(project, path_of(asked), name_of(project, asked), (*variables, *FREE_PORTS))
    try:
        example.compose("up", "-d")
        for name in publishing(asked):
            assert first_page(example.containers()[name])[1].startswith("OK")
        example.compose("down", "-v")
        assert example.remains() == []
    finally:
        example.remove(docker_compose_command, tmp_path / "docker-compose.yml")
