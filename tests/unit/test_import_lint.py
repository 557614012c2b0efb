"""What `baseimage import` writes is clean by ansible-lint's production profile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.dockerfile_import import import_dockerfile
from pipeline.dockerfile_source import read_dockerfile
from pipeline.imported_project import project_texts

pytestmark = pytest.mark.allow("process")

FILES = frozenset({"a.txt", "b.txt", "rel.tar.gz", "site/index.html", "site/deep/x"})
DOCKERFILE = """\
FROM debian:13
ENV A=1 B="x y"
ENV C one two
LABEL org.example.a=1 "org.example.b"="two words"
ARG VERSION=1
ARG http_port=80
EXPOSE $http_port
WORKDIR /srv/app
COPY a.txt b.txt /srv/x/
COPY --chown=nobody:nogroup --chmod=755 a.txt /srv/a
COPY site /srv/site
COPY <<END /etc/motd
hello
END
ADD https://example.org/LONG.txt /opt/a.txt
ADD rel.tar.gz /opt/rel
ADD a.txt /etc/a.txt
RUN apt-get update && apt-get install -y --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/*
RUN echo plain words
RUN echo 'quoted words'
RUN echo $VERSION
RUN curl -fsSL https://example.org/LONG | tar xz
RUN git clone https://example.org/x
RUN set -o pipefail; cat a | sort
RUN echo {{ x }} && echo "${#x}"
RUN ["ls", "-l"]
RUN ["sed", "-i", "s/a/b/", "file"]
RUN <<END
set -e
cat a | sort
END
SHELL ["/bin/bash", "-c"]
RUN echo in bash
SHELL ["/bin/bash", "-eu", "-c"]
RUN sed -i s/a/b/ file
RUN useradd app
USER app:app
RUN touch "$HOME/x"
VOLUME /data
HEALTHCHECK CMD test -e /x
ONBUILD RUN make
ENTRYPOINT ["/srv/app/run"]
CMD serve --port 80
""".replace("LONG", "long" * 40)


def test_an_imported_role_is_clean_by_the_production_profile(tmp_path: Path) -> None:
    imported = import_dockerfile(read_dockerfile(DOCKERFILE, "Dockerfile"), role="web", files=FILES)
    for path, text in project_texts(imported, "web", "Dockerfile").items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    tools = Path(sys.executable).parent
    environ = {"PATH": f"{tools}:{os.defpath}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    words = ("--offline", "--strict", "--nocolor", "-q", "--profile", "production", "roles", "recipes/default.yml")
    done = subprocess.run(
        [tools / "ansible-lint", *words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stdout + done.stderr
    assert "noqa" in (tmp_path / "roles/web/tasks/main.yml").read_text()
