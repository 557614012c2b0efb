"""A Dockerfile that is imported and built declares and holds what `docker build` makes of it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.project.engine_view import config_of, exported
from tests.project.harness import PREFIX, Project, remove_image

DOCKERFILE = """\
ARG BASE
FROM $BASE AS lower
ENV LOWER=1 PATH=/opt/bin:$PATH
CMD ["never", "run"]

FROM lower
ARG VERSION=1.2
ENV APP_VERSION="v$VERSION" QUOTED='five $ and "more"'
LABEL org.example.colour="red and blue" org.example.version=$VERSION
WORKDIR /srv/app
WORKDIR data
COPY site/ .
COPY one.txt *.conf /etc/app/
ADD files.tar /srv/unpacked
COPY <<EOF /etc/motd
hello $APP_VERSION
EOF
RUN echo "$APP_VERSION ${#VERSION} {{ x }}" >said && \\
    echo "in $PWD" >>said
RUN ["sh", "-c", "echo exec >>said"]
RUN chown nobody /srv/app
USER nobody
RUN id -un >/srv/app/who
EXPOSE 80 53/udp
VOLUME ["/srv/volume"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=1m --retries=4 CMD test -e said
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-e", "-c"]
ONBUILD RUN echo $PATH
ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "--"]
CMD echo up
"""
DOCUMENT = "COPY <<EOF /etc/motd\nhello $APP_VERSION\nEOF\n"
SAME_FOR_THE_CLASSIC_BUILDER = "RUN echo hello $APP_VERSION >/etc/motd\n"
SHELL_FORMS = """\
ARG BASE
FROM $BASE
SHELL ["/bin/sh", "-eu", "-c"]
RUN false || echo "$-" >/srv/options
ARG VERSION
ENV EMPTY= OLD="a  b"
ENV LEGACY one  two
MAINTAINER nobody
EXPOSE 8000-8002
HEALTHCHECK NONE
CMD echo "$LEGACY"
ENTRYPOINT exec true
ONBUILD COPY . /app
ONBUILD RUN make
"""
HELD = ("/etc/app", "/etc/motd", "/srv")


@pytest.fixture
def base(project: Project, busybox: dict[str, str], engine: docker.DockerClient) -> Iterator[str]:
    """The small root under a name that a Dockerfile can say."""
    project.recipe(base=busybox, command="sh")
    project.build().well()
    (project.folder / "recipes/default.yml").unlink()
    name = f"{PREFIX}/{project.unique}-base:1"
    engine.images.get(f"baseimage/base:rootfs-{busybox['sha256'][:32]}").tag(name)
    yield name
    remove_image(engine, name)


@pytest.fixture
def source(project: Project) -> Path:
    """The Dockerfile's folder."""
    for path, text in {
        "site/index.html": "page",
        "site/deep/more.txt": "more",
        "one.txt": "1",
        "two.conf": "2",
    }.items():
        project.write(f"source/{path}", text)
    project.write("source/tool", "#!/bin/sh\n", 0o755).rename(project.folder / "source/site/tool")
    _tar(project.folder / "source/files.tar", project.folder / "source/two.conf")
    return project.folder / "source"


@pytest.mark.parametrize("text", [DOCKERFILE, SHELL_FORMS], ids=["stages and files", "shell forms"])
def test_an_imported_dockerfile_makes_the_image_that_docker_build_makes(
    text: str, project: Project, base: str, source: Path, engine: docker.DockerClient
) -> None:
    arguments = {"BASE": base, "VERSION": project.unique}
    by_hand = f"{PREFIX}/{project.unique}-hand:1"
    plain = project.write("source/Dockerfile", text.replace(DOCUMENT, SAME_FOR_THE_CLASSIC_BUILDER))
    engine.images.build(path=str(source), tag=by_hand, buildargs=arguments, rm=True)
    plain.write_text(text)
    try:
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        done = project.run("import", "source", "-o", ".", "-n", "web", *given).well()
        assert "recipes/default.yml" in done.stdout
        built = project.build().well()
        assert config_of(engine, built.image) == config_of(engine, by_hand)
        ours, theirs = (
            {path: entry for path, entry in exported(engine, image).items() if path.startswith(HELD)}
            for image in (built.image, by_hand)
        )
        assert ours == theirs
    finally:
        remove_image(engine, by_hand)


def _tar(target: Path, content: Path) -> None:
    with tarfile.open(target, "w") as archive:
        archive.add(content, "unpacked.conf")
