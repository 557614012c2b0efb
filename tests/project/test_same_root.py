"""Roots from packages, made by different versions of the tools."""

from __future__ import annotations

import json

import docker
import pytest

from pipeline.archive_difference import compared
from pipeline.docker_engine import connect
from pipeline.recipe import Bootstrap
from pipeline.recipe_model import DEFAULT_CONDUCTOR_BASE
from pipeline.roots import name_of
from tests.project.engine_view import layers_of
from tests.project.harness import Project, remove_image

pytestmark = pytest.mark.slow
ROLE = "- name: Leave a mark\n  ansible.builtin.copy: {content: '', dest: /etc/mark, mode: '0644'}\n"


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_root_that_this_machine_makes_is_the_one_that_the_conductor_makes(
    project: Project, engine: docker.DockerClient, suite: str
) -> None:
    unique = f"/{project.unique}/*"
    root = name_of(Bootstrap(suite, path_excludes=(unique,)))
    project.role("mark", ROLE)
    service = {
        "from": {"bootstrap": suite, "path_excludes": [unique]},
        "command": "sh",
        "roles": [{"role": "mark", "gather_facts": False}],
    }
    try:
        project.recipe(json.dumps({"version": "2", "services": {"web": service}}))
        here = project.build().well()
        remove_image(engine, root)
        # A base that is an image: the conductor could not make its own root.
        settings = {"conductor": {"base": name_of(DEFAULT_CONDUCTOR_BASE)}}
        project.recipe(json.dumps({"version": "2", "settings": settings, "services": {"web": service}}))
        there = project.build(PATH="/nowhere").well()
    finally:
        remove_image(engine, root)
    assert [event["line"] for event in there.all("output", line=f"mmdebstrap runs in the conductor: {suite}")]
    if layers_of(engine, there.image)[0] != layers_of(engine, here.image)[0]:
        pytest.fail("\n".join(compared(connect(project.environment), here.image, there.image)))
