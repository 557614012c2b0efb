"""Putting a folder in its place when it is whole: a failure or an interruption leaves what was there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def put_in_place(folder: Path, make: Callable[[Path], Made], place: Callable[[Made], Path]) -> Made:
    """Make a folder beside `folder` and move it to the place that what was made asks for; what was there is replaced.

    `make` gets the path of a folder that does not exist yet.
    """
    beside = folder.with_name(f".{folder.name}.baseimage-partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(beside, ignore_errors=True)
    try:
        made = make(beside)
        _swap(beside, place(made))
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def _swap(beside: Path, folder: Path) -> None:
    before = folder.with_name(f".{folder.name}.baseimage-before")
    shutil.rmtree(before, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir() and any(folder.iterdir()):
        folder.rename(before)
    try:
        beside.rename(folder)
    except OSError:
        if before.exists():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
