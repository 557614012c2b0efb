"""The recipes of the article and of its demo project, unchanged, built on a small root that bears their base's name.

The bootstrap role is the shipped one, found under its old name. The other two are those of tests/roles/inherited,
written in the manner of the first ones: old syntax, a user of their own, a meta/container.yml.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import docker
import pytest
from docker.errors import ImageNotFound

from tests.article import ARTICLE, DEMO, article, demo
from tests.contract.harness import eventually
from tests.project.engine_view import config_of, read
from tests.project.harness import ROOT, Project

BASE = "ubuntu:16.04"
STAND_INS = ROOT / "tests/roles/inherited"
DEMOS = {f"{folder}/container.yml": demo(folder) for folder in DEMO}
RECIPES = {f"{name}.yml": (name, article(name, roles)) for name, (roles, _) in ARTICLE.items()} | DEMOS
"""The service and the text of every recipe, by its place in the project."""
PROGRAMS = {"tini": "/usr/bin/tini", "dumb": "/usr/bin/dumb-init", "phusion": "/usr/sbin/my_init"}
ALL_UP = ["container-svc", "status", "cron", "syslog-ng", "nginx"]
TOLD = {
    "tini-supervisord.yml": "tini-init supervisord",
    "xenial_tini_supervisord/container.yml": "tini-init supervisord",
    "xenial_tini_runit/container.yml": "tini-init -",
    "dumb-runit.yml": "dumb-init -",
    "xenial_dumb_runit/container.yml": "dumb-init -",
    "phusion-runit.yml": "phusion-init -",
    "xenial_phusion_runit/container.yml": "standalone-dumb-init -",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Project]:
    """A project with all recipes, on a machine that has their base. Layers stay in the engine's cache."""
    made = Project(tmp_path_factory.mktemp("article") / "proj", engine)
    made.environment["BASEIMAGE_STATE"] = str(made.folder / "state")
    shutil.copytree(STAND_INS, made.folder, dirs_exist_ok=True)
    for place, (_, text) in RECIPES.items():
        made.write(place, text)
    made.recipe('version: "2"\nservices: {root: {from: {bootstrap: trixie}, verify: false}}\n')
    try:
        before = engine.images.get(BASE).id
    except ImageNotFound:
        before = ""
    engine.images.get(made.build().well().image).tag(BASE)
    yield made
    if before:
        engine.images.get(before).tag(BASE)
    else:
        engine.images.remove(BASE)
    made.remove_all()


@pytest.mark.slow
@pytest.mark.parametrize("place", RECIPES)
def test_an_inherited_recipe_is_built_and_its_image_is_what_recipe_and_roles_say(place: str, project: Project) -> None:
    service, _ = RECIPES[place]
    init, svc = service.split("-")
    image = project.build(place, "-n", f"{service}-{project.unique}").well().image
    config = config_of(project.engine, image)
    assert config["Entrypoint"][0] == PROGRAMS[init]
    assert "Cmd" not in config  # bootstrap, when played, says so; nginx is a service, and would else run twice
    assert config["User"] == "nginx"
    assert config["ExposedPorts"] == {"22/tcp": {}, "8000/tcp": {}}
    assert config["Volumes"] == {"/tmp": {}}  # noqa: S108 - a path in the image
    assert "IN_DOCKER=1" in config["Env"]
    assert (config["Labels"]["container.init"], config["Labels"]["container.svc"]) == (f"{init}-init", svc)
    assert read(project.engine, image, "/etc/nginx/told") == TOLD[place]
    assert read(project.engine, image, "/www/index.html") == "OK\n"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["tini-supervisord.yml", "dumb-runit.yml"])
def test_each_service_of_the_roles_runs_once(place: str, project: Project) -> None:
    image = project.build(place, "-n", f"{RECIPES[place][0]}-{project.unique}").well().one("image_built")["tags"][0]
    container = project.engine.containers.run(image, [], user="root", detach=True)
    try:
        assert eventually(lambda: container.exec_run(ALL_UP).exit_code == 0, 20), container.logs()
        processes = [row[-1] for row in container.top(ps_args="-eo pid,args")["Processes"]]
        assert processes.count("sleep infinity") == 1, processes
    finally:
        container.remove(force=True, v=True)
