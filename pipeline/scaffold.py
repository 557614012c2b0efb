"""Putting new files into a folder: everything is looked at before the first one is written, nothing is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a file holds, and whether it is a program."""

    content: bytes
    executable: bool = False


def check_empty(folder: Path) -> None:
    """Raise UsageError, naming what is there, when the folder holds anything."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder that is new or empty")
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if found:
        names = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
        raise UsageError(
            f"{folder} is not empty: it has {names}", hint="name another folder, or add what is missing with --force"
        )


def check_free(folder: Path, names: Iterable[str]) -> None:
    """Raise UsageError when one of the files or folders is there already."""
    if there := [name for name in names if os.path.lexists(folder / name)]:
        shown = ", ".join(str(folder / name) for name in there[:_SHOWN])
        raise UsageError(
            f"nothing is overwritten, and there is {shown} already", hint="write to another folder with -o"
        )


def write(folder: Path, files: Mapping[str, NewFile]) -> tuple[str, ...]:
    """Write those files that are not there yet; their names. Raises UsageError when a folder cannot be made."""
    missing = {name: file for name, file in files.items() if not os.path.lexists(folder / name)}
    for name in missing:
        for above in _above(folder, name):
            if os.path.lexists(above) and not above.is_dir():
                raise UsageError(f"{above} has to be a folder and is a file", hint="move it away")
    try:
        for name, file in missing.items():
            _write(folder / name, file)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from error
    return tuple(missing)


def read_tree(folder: Path) -> dict[str, NewFile]:
    """The files of a folder by relative path, without .git; links are read through, but may not lead outside.

    Raises UsageError.
    """
    root = folder.resolve()
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in (".git", "__pycache__"))
        linked = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted((*names, *linked)):
            path = Path(place, name)
            if name == ".git":  # a worktree's or submodule's
                continue
            if not path.resolve().is_relative_to(root) or not path.is_file():
                raise UsageError(f"{path} is neither a file of the folder nor a link to one", hint="take it away")
            found[path.relative_to(folder).as_posix()] = NewFile(path.read_bytes(), os.access(path, os.X_OK))
    return found


def _above(folder: Path, name: str) -> Iterator[Path]:
    yield folder
    for parent in Path(name).parents:
        yield folder / parent


def _write(path: Path, file: NewFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(file.content)
    if file.executable:
        path.chmod(path.stat().st_mode | 0o111)
