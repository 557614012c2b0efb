"""The Compose of this machine: the plugin `docker compose`, or the program docker-compose that came before it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.processes import run_in_terminal, run_tool

HINT = (
    "install Docker's compose plugin (Debian: docker-compose), or use the file: baseimage compose -o docker-compose.yml"
)


def find_compose(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command that Compose is on this machine; the plugin first. Raises UsageError when there is none."""
    path = environ.get("PATH")
    docker = shutil.which("docker", path=path)
    if docker and run_tool((docker, "compose", "version"), environ, lambda _: None) == 0:
        return (docker, "compose")
    if program := shutil.which("docker-compose", path=path):
        return (program,)
    raise UsageError("there is neither `docker compose` nor docker-compose on this machine", hint=HINT)


def run_compose(
    compose: tuple[str, ...],
    file: Path,
    name: str,
    folder: Path,
    arguments: tuple[str, ...],
    environ: Mapping[str, str],
) -> int:
    """Run Compose in the terminal, with this file, project name and folder for relative paths; its exit code."""
    where = ("-f", str(file), "-p", name, "--project-directory", str(folder))
    return run_in_terminal((*compose, *where, *arguments), environ)
