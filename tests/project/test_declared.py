"""What an image declares is what the same words in a Dockerfile would have given it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import pytest

from tests.project.engine_view import config_of
from tests.project.harness import PREFIX, Project, remove_image

DECLARED: dict[str, Any] = {
    "entrypoint": ["sh", "-c", 'exec "$@"', "--"],
    "command": ["echo", "up"],
    "environment": {"GREETING": "hello world", "PRICE": '5 $ and "more"'},
    "expose": ["80", "53/udp", "9000-9002"],
    "ports": ["8443:443"],
    "volumes": ["/srv/data"],
    "user": "nobody",
    "working_dir": "/srv",
    "labels": {"org.example.colour": "red and blue"},
    "healthcheck": {"test": ["CMD", "true"], "interval": "10s", "timeout": "3s", "start_period": "1m", "retries": 4},
    "stop_signal": "SIGINT",
    "shell": ["/bin/sh", "-euc"],
    "onbuild": ["RUN touch /child", "ENV CHILD=1"],
}
DOCKERFILE = """
ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "--"]
CMD ["echo", "up"]
ENV GREETING="hello world" PRICE="5 \\$ and \\"more\\""
EXPOSE 80 53/udp 443 9000-9002
VOLUME /srv/data
USER nobody
WORKDIR /srv
LABEL org.example.colour="red and blue"
HEALTHCHECK --interval=10s --timeout=3s --start-period=1m --retries=4 CMD ["true"]
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-euc"]
ONBUILD RUN touch /child
ONBUILD ENV CHILD=1
"""
PARENT = """
ENV ORIGIN=parent
LABEL parent=yes
ENTRYPOINT ["env", "--"]
CMD ["true"]
WORKDIR /srv
EXPOSE 22
"""


@contextmanager
def dockerfile(engine: docker.DockerClient, base: str, text: str, name: str) -> Iterator[str]:
    """An image built from a Dockerfile by the engine itself."""
    engine.images.build(fileobj=io.BytesIO(f"FROM {base}\n{text}".encode()), tag=name, rm=True)
    try:
        yield name
    finally:
        remove_image(engine, name)


@pytest.fixture
def root(project: Project, busybox: dict[str, str]) -> str:
    """The small root as an image that has a name."""
    project.recipe(base=busybox, command="sh")
    project.build().well()
    return f"baseimage/base:rootfs-{busybox['sha256'][:32]}"


@pytest.mark.parametrize(
    "roles", [[], [{"role": "mark", "gather_facts": False}]], ids=["without a role", "over a role"]
)
def test_a_recipe_declares_what_a_dockerfile_would(
    roles: list[dict[str, object]], project: Project, busybox: dict[str, str], root: str, engine: docker.DockerClient
) -> None:
    project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    project.recipe(base=busybox, roles=roles, **DECLARED)
    built = project.build().well()
    with dockerfile(engine, root, DOCKERFILE, f"{PREFIX}/{project.unique}-hand:1") as by_hand:
        assert config_of(engine, built.image) == config_of(engine, by_hand)


def test_what_the_recipe_is_silent_about_stays_the_bases(
    project: Project, root: str, engine: docker.DockerClient
) -> None:
    project.role("mark", "- ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}")
    with dockerfile(engine, root, PARENT, f"{PREFIX}/{project.unique}-parent:1") as parent:
        project.recipe(base=parent, roles=[{"role": "mark", "gather_facts": False}])
        assert config_of(engine, project.build().well().image) == config_of(engine, parent)

        project.recipe(base=parent, labels={"child": "yes"}, expose=["80"], environment={"MORE": "1"})
        child = config_of(engine, project.build().well().image)
    assert child == {
        **config_of(engine, root),
        "Entrypoint": ["env", "--"],
        "Cmd": ["true"],
        "WorkingDir": "/srv",
        "Labels": {"parent": "yes", "child": "yes"},
        "ExposedPorts": {"22/tcp": {}, "80/tcp": {}},
        "Env": [*config_of(engine, root)["Env"], "ORIGIN=parent", "MORE=1"],
    }


def test_an_image_from_one_of_ours_is_built_on_and_not_taken_for_it(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    project.role("mark", "- ansible.builtin.shell: {cmd: echo x >>/etc/mark}\n  changed_when: true")
    roles = [{"role": "mark", "gather_facts": False}]
    project.recipe(base=busybox, command="sh", roles=roles)
    first = project.build().well()
    name = first.one("image_built")["tags"][0]
    project.recipe(base=name, roles=roles)
    second = project.build().well()
    assert second.played() == ["mark"]
    lower, upper = (engine.images.get(image).attrs["RootFS"]["Layers"] for image in (first.image, second.image))
    assert upper[: len(lower)] == lower
    assert len(upper) == len(lower) + 1


def test_what_a_role_asks_for_is_declared_and_the_recipe_has_the_last_word(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    project.role(
        "server",
        """
        - ansible.builtin.set_stats:
            data:
              image_config:
                entrypoint: [sh, -c]
                command: [exit 0]
                ports: [80]
                environment: {SERVER: "1", MODE: role}
                volumes: [/srv]
        """,
    )
    project.recipe(base=busybox, environment={"MODE": "recipe"}, roles=[{"role": "server", "gather_facts": False}])
    config = config_of(engine, project.build().well().image)
    assert (config["Entrypoint"], config["Cmd"]) == (["sh", "-c"], ["exit 0"])
    assert (config["ExposedPorts"], config["Volumes"]) == ({"80/tcp": {}}, {"/srv": {}})
    assert {"SERVER=1", "MODE=recipe"} < set(config["Env"])
