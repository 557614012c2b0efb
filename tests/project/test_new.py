"""A new project builds at once, and its image says hello."""

from __future__ import annotations

import docker
import pytest

from tests.project.harness import PREFIX, Project, eventually, remove_container


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--init", "dumb-init", "--svc", "none")], ids=["runit", "no layer"])
def test_the_first_build_of_a_new_project_works(
    words: tuple[str, ...], project: Project, engine: docker.DockerClient
) -> None:
    name = f"{PREFIX}-{project.unique}"
    project.run("new", name, *words).well()
    own = project.folder / name / "roles/hello/defaults/main.yml"
    own.write_text(own.read_text() + f"hello_unique: {project.unique}\n")  # no layer of another run is its own
    image = project.build("--project", name).well().image
    container = engine.containers.run(image, detach=True, name=f"{name}-hello")
    try:
        assert eventually(lambda: f"Hello from {name}".encode() in container.logs())
        container.stop(timeout=9)
        assert container.wait()["StatusCode"] != 137
    finally:
        remove_container(engine, f"{name}-hello")
