"""Paths as a CI service knows them: relative to the top of the repository that it has checked out."""

from __future__ import annotations

import os
from pathlib import Path


def in_repository(path: str, workspace: str) -> str:
    """A path from the working directory as one from the repository's top; "" for what is no file of the repository.

    `workspace` is the folder that the service checks out into (GITHUB_WORKSPACE), "" where it does not say. The
    repository's top is that folder or one in it, so it is not the nearest: a role that was fetched has a .git too.
    """
    file = Path(os.path.normpath(Path.cwd() / path))
    if not file.is_file():
        return ""
    outermost = Path(workspace).resolve() if workspace else Path(file.anchor)
    if not file.is_relative_to(outermost):
        return ""
    above = [folder for folder in file.parents if folder.is_relative_to(outermost)]
    tops = [folder for folder in above if (folder / ".git").exists()]
    top = tops[-1] if tops else outermost if workspace else Path.cwd()
    return file.relative_to(top).as_posix() if file.is_relative_to(top) else ""
