"""A recipe through `baseimage compose`: its containers, their ports, and the pages that they serve."""

from __future__ import annotations

import http.client
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from tests.contract.harness import eventually
from tests.project.harness import ROOT, Outcome, Project

PATIENCE = 5
"""Seconds that a page has from `compose up` on."""
FREE_PORTS = ("-e", "http_port=0", "-e", "https_port=0")
HTTP, HTTPS = "8000/tcp", "8443/tcp"


@dataclass
class Composed:
    """A recipe whose images are built, and the Compose projects that tests make of it."""

    project: Project
    recipe: str
    name: str
    variables: tuple[str, ...] = FREE_PORTS
    projects: set[str] = field(default_factory=set)

    def compose(self, verb: str = "", *passed: str, output: Path | None = None) -> Outcome:
        """`baseimage compose` for the recipe: print or write its file, or hand a verb and its words to Compose."""
        self.projects |= {self.name}
        words = [*([verb] if verb else []), self.recipe, "--roles-path", str(ROOT / "roles"), "-n", self.name]
        words += [*self.variables, *(["-o", str(output)] if output else []), *(["--", *passed] if passed else [])]
        return self.project.run("compose", *words).well()

    def containers(self, name: str = "") -> dict[str, Container]:
        """The containers of a Compose project (default: the recipe's own), by service."""
        label = f"com.docker.compose.project={name or self.name}"
        found = self.project.engine.containers.list(all=True, filters={"label": label})
        return {str(each.labels["com.docker.compose.service"]): each for each in found}

    def remains(self) -> list[str]:
        """The names of everything that belongs to the Compose projects."""
        engine, found = self.project.engine, []
        for name in self.projects:
            filters: dict[str, Any] = {"label": f"com.docker.compose.project={name}"}
            found += [str(each.name) for each in engine.containers.list(all=True, filters=filters)]
            found += [str(each.name) for each in engine.networks.list(filters=filters)]
            found += [str(each.name) for each in engine.volumes.list(filters=filters)]
        return found

    def remove(self, command: str, file: Path) -> None:
        """Take down whatever is still there, without this program but for the file."""
        if self.remains():
            self.compose(output=file)
        for name in self.projects if file.exists() else ():
            run_compose(command, name, file, "down", "-v", "-t", "1")


def run_compose(command: str, name: str, file: Path, *words: str) -> None:
    """Compose itself, without this program."""
    done = subprocess.run(
        [*command.split(), "-p", name, "-f", str(file), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def port(container: Container, inside: str) -> int:
    """The port of the engine's machine that leads to one of the container."""
    container.reload()
    published: Any = container.ports[inside]
    return int(published[0]["HostPort"])


def page(container: Container) -> str:
    """The page at http, "" while there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port(container, HTTP), timeout=5)
    try:
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == http.HTTPStatus.OK else ""
        return ""
    finally:
        connection.close()


def first_page(container: Container) -> tuple[float, str]:
    """How many seconds the first page takes from now on, and the page."""
    begun, pages = time.monotonic(), [""]

    def answers() -> bool:
        pages.append(page(container))
        return bool(pages[-1])

    assert eventually(answers, PATIENCE), container.logs().decode()
    return time.monotonic() - begun, pages[-1]
