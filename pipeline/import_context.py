"""The files beside a Dockerfile, as the engine's builder would get them."""

from __future__ import annotations

from pathlib import Path

from pipeline.dockerignore import let_through
from pipeline.role_tree import IGNORED


def context_files(folder: Path) -> frozenset[str]:
    """Relative paths of the files in a folder that .dockerignore lets through; links count as what they lead to.

    Folders that no role may hold (.git, __pycache__) are left out as well. Raises UsageError when
    .dockerignore cannot be read.
    """
    found = let_through(folder)
    return frozenset(path for path in found if (folder / path).is_file() and not set(Path(path).parts) & set(IGNORED))
