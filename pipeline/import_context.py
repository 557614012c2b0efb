"""The files beside a Dockerfile, as the engine's builder would get them."""

from __future__ import annotations

from pathlib import Path

from docker.utils.build import exclude_paths

from pipeline.errors import UsageError
from pipeline.role_tree import IGNORED

_NO_EXCEPTION = "-"
"""The file that is let through whatever .dockerignore says: for a build the Dockerfile, here none."""


def context_files(folder: Path) -> frozenset[str]:
    """Relative paths of the files in a folder that .dockerignore lets through; links count as what they lead to.

    Folders that no role may hold (.git, __pycache__) are left out as well. Raises UsageError when
    .dockerignore cannot be read.
    """
    ignore = folder / ".dockerignore"
    try:
        lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{ignore}: cannot be read: {error}") from None
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = exclude_paths(str(folder), patterns, dockerfile=_NO_EXCEPTION)
    return frozenset(path for path in found if (folder / path).is_file() and not set(Path(path).parts) & set(IGNORED))
