"""What a .dockerignore lets through, by the rules of the engine's own builder."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import UsageError

FILE = ".dockerignore"
_NO_EXCEPTION = "-"
"""The file that is let through whatever .dockerignore says: for a build the Dockerfile, here none."""


def let_through(folder: Path) -> frozenset[str]:
    """Relative paths of the files and folders that are not ignored; all of them where there is no .dockerignore.

    Raises UsageError when it cannot be read.
    """
    from docker.utils.build import exclude_paths  # noqa: PLC0415 - most folders have none, and docker takes its time

    ignore = folder / FILE
    try:
        lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{ignore}: cannot be read: {error}") from None
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return frozenset(exclude_paths(str(folder), patterns, dockerfile=_NO_EXCEPTION))
