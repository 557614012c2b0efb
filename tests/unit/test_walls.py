"""The import contracts of pyproject.toml hold, and a violation is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = [
    ("stages/tag.py", "import docker", "docker belongs to the engine's adapter"),
    ("stages/tag.py", "import os", "touch nothing outside"),
    ("stages/push.py", "from pipeline import docker_engine", "The engine's adapter is known to itself"),
    ("pipeline/plan.py", "import time", "touch nothing outside"),
    ("pipeline/errors.py", "from pipeline import plan", "floors"),
    ("pipeline/docker_engine.py", "import tenacity", "tenacity belongs to retrying"),
    ("pipeline/docker_engine.py", "from pipeline import wording", "The displays are known to themselves"),
    ("pipeline/records.py", "import rich", "rich belongs to the console"),
    ("pipeline/doctor.py", "import stages", "Only the command line knows the stages"),
    ("pipeline/sources.py", "import dockerfile", "dockerfile belongs to the import"),
    ("pipeline/newcomer.py", "", "floors"),
]

pytestmark = [
    pytest.mark.allow("process"),
    pytest.mark.skipif(find_spec("importlinter") is None, reason="import-linter comes with the extra `lint`"),
]


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    return subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for package in ("pipeline", "stages"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "index"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_walls_stand(project: Path) -> None:
    done = lint(project)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_a_planted_violation_is_seen(project: Path, file: str, line: str, contract: str) -> None:
    with (project / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    done = lint(project)
    assert done.returncode == 1, done.stdout
    broken = done.stdout.split("Broken contracts", 1)[1]
    assert contract in " ".join(broken.split())
