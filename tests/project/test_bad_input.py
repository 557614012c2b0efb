"""Mistakes: all of them at once, each with its place and a hint, and nothing is started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.project.harness import Project
from tests.serving import serving

NO_ENGINE = "tcp://127.0.0.1:1"
"""A mistake has to be found before any engine is asked, so it is found without one."""
GOOD = """\
version: "2"
services:
  web:
    from: debian:12
    roles: [web]
"""


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a project, and what has to be said of it: one pattern for each line on stderr."""

    says: tuple[str, ...]
    recipe: str = GOOD
    files: dict[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


MISTAKES = {
    "an unknown key": Mistake(
        (r"error: recipes/default\.yml:5:5: services\.web\.rols: unknown key", r"hint: .*\broles\b"),
        GOOD.replace("roles:", "rols:"),
    ),
    "a wrong type": Mistake(
        (r"error: recipes/default\.yml:5:5: services\.web\.roles: must be a list", r""),
        GOOD.replace("[web]", "web"),
    ),
    "a key given twice": Mistake(
        (r"error: recipes/default\.yml:6:5: services\.web\.from: .*\bline 4\b", r""),
        GOOD + "    from: debian:13\n",
    ),
    "a missing role": Mistake(
        (r"error: recipes/default\.yml:5:\d+: .*roles.*: there is no role 'wbe'", r"hint: .*there are: web"),
        GOOD.replace("[web]", "[wbe]"),
    ),
    "no version.txt": Mistake(
        (r"error: version\.txt: .*missing", r"hint: .*0\.1\.0"),
        files={"version.txt": None},
    ),
    "a version of two numbers": Mistake(
        (r"error: version\.txt:2:1: release: '1\.2' is not a version", r"hint: write 1\.2\.0"),
        files={"version.txt": "# the version\n1.2\n"},
    ),
    "an image name that no engine takes": Mistake(
        (r"error: image\.txt:1:\d+: repository: the repository 'Acme/Web'.*lower case", r"hint: .*acme/web"),
        files={"image.txt": "repository = Acme/Web\n"},
    ),
    "a base that no engine takes": Mistake(
        (r"error: recipes/default\.yml:4:5: services\.web\.from: .*'Debian'.*lower case", r"hint: .*debian:12"),
        GOOD.replace("debian:12", "Debian:12"),
    ),
    "a base without the sum of its file": Mistake(
        (r"error: recipes/default\.yml:4:5: services\.web\.from\.sha256: .*", r""),
        GOOD.replace("debian:12", "{rootfs: root.tar}"),
    ),
    "a recipe that is no YAML": Mistake(
        (r"error: recipes/default\.yml:6:1: this is not valid YAML: .*", r""),
        GOOD.replace("[web]", "[web"),
    ),
    "a recipe that is not there": Mistake(
        (r"error: .*there is no recipe 'webb'", r"hint: .*default"),
        arguments=("webb",),
    ),
    "a service that is not there": Mistake(
        (r"error: .*no service wbe", r"hint: .*web"),
        arguments=("--service", "wbe"),
    ),
    "two mistakes in one file": Mistake(
        (
            r"error: recipes/default\.yml:5:5: services\.web\.rols: unknown key",
            r"hint: .*\broles\b",
            r"error: recipes/default\.yml:6:5: services\.web\.user: must be a text, is a list",
            r"",
        ),
        GOOD.replace("roles:", "rols:") + "    user: [me]\n",
    ),
    "mistakes in two files and a missing role": Mistake(
        (
            r"error: version\.txt:1:1: release: '1\.2' is not a version",
            r"hint: write 1\.2\.0",
            r"error: image\.txt:1:1: repo: unknown key",
            r"hint: .*repository",
            r"error: recipes/default\.yml:5:\d+: .*there is no role 'wbe'",
        ),
        GOOD.replace("[web]", "[wbe]"),
        files={"version.txt": "1.2\n", "image.txt": "repo = acme/web\n"},
    ),
}


@pytest.fixture
def spoilt(project: Project) -> Project:
    """A project with a recipe and a role, to be spoilt."""
    project.recipe(GOOD)
    project.role("web", "- ansible.builtin.debug: {msg: hello}")
    return project


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place_and_a_hint(spoilt: Project, mistake: Mistake) -> None:
    spoilt.recipe(mistake.recipe)
    for name, text in mistake.files.items():
        if text is None:
            (spoilt.folder / name).unlink()
        else:
            spoilt.write(name, text)
    outcome = spoilt.run("build", *mistake.arguments, DOCKER_HOST=NO_ENGINE)
    assert outcome.code == 2, outcome.stderr
    lines = outcome.stderr.splitlines()
    missing = [says for says in mistake.says if says and not any(re.fullmatch(f"{says}.*", line) for line in lines)]
    assert not missing, outcome.stderr
    assert len([line for line in lines if line.startswith("error:")]) == sum("error" in says for says in mistake.says)
    assert "Traceback" not in outcome.stderr + outcome.stdout
    assert "started" not in outcome.stdout


def test_a_mistake_is_an_event_too(spoilt: Project) -> None:
    spoilt.recipe(GOOD.replace("roles:", "rols:"))
    outcome = spoilt.build(DOCKER_HOST=NO_ENGINE)
    assert (outcome.code, outcome.stderr) == (2, "")
    failed = outcome.one("build_failed")
    assert failed["place"] == "recipes/default.yml:5:5"
    assert failed["message"] == "services.web.rols: unknown key"
    assert [event["event"] for event in outcome.events] == ["build_failed"]


def test_an_engine_that_does_not_answer_is_named(spoilt: Project) -> None:
    outcome = spoilt.run("build", DOCKER_HOST=NO_ENGINE)
    assert outcome.code == 4
    assert re.fullmatch(
        r"error: no engine answers at tcp://127\.0\.0\.1:1: .*\nhint: start the engine.*\n", outcome.stderr
    )


def test_an_engine_that_is_too_old_is_told_so(spoilt: Project) -> None:
    with old_engine() as address:
        outcome = spoilt.run("build", DOCKER_HOST=address)
    assert outcome.code == 4, outcome.stderr
    assert re.fullmatch(r"error: engine too old: .*1\.41.*\nhint: .*20\.10.*\n", outcome.stderr)


@contextmanager
def old_engine() -> Iterator[str]:
    """Something that answers like an engine of the year 2017."""
    with serving(HTTPServer(("127.0.0.1", 0), _Old)) as server:
        yield f"tcp://127.0.0.1:{server.server_port}"


class _Old(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"Version": "17.06.0-ce", "ApiVersion": "1.30", "MinAPIVersion": "1.12", "Os": "linux"})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""
