"""Which Compose a machine has, and how it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.compose_tool import find_compose, run_compose
from pipeline.errors import UsageError

pytestmark = pytest.mark.allow("process")


def program(folder: Path, name: str, body: str) -> Path:
    """A program of this name; the folder is the whole PATH."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def test_the_plugin_goes_before_the_program(tmp_path: Path) -> None:
    docker = program(tmp_path, "docker", '[ "$*" = "compose version" ]')
    program(tmp_path, "docker-compose", "exit 0")
    assert find_compose({"PATH": str(tmp_path)}) == (str(docker), "compose")


def test_a_docker_command_without_the_plugin_is_no_compose(tmp_path: Path) -> None:
    program(tmp_path, "docker", "echo 'unknown command' >&2; exit 1")
    with pytest.raises(UsageError, match="neither") as raised:
        find_compose({"PATH": str(tmp_path)})
    assert "docker-compose" in raised.value.hint
    old = program(tmp_path, "docker-compose", "exit 0")
    assert find_compose({"PATH": str(tmp_path)}) == (str(old),)


def test_it_gets_file_name_and_folder_before_the_arguments(tmp_path: Path) -> None:
    said = tmp_path / "said"
    compose = program(tmp_path, "docker-compose", f'echo "$*" >{said}; exit 3')
    code = run_compose((str(compose),), Path("/f.yml"), "shop", Path("/work"), ("up", "-d"), {"PATH": "/bin"})
    assert code == 3
    assert said.read_text() == "-f /f.yml -p shop --project-directory /work up -d\n"
