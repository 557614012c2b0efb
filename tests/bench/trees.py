"""A folder of many small files, made once for all builders."""

from __future__ import annotations

import tarfile
from pathlib import Path

IN_A_FOLDER = 250


def make(folder: Path, count: int) -> Path:
    """A folder with `count` files of about 200 bytes below `folder`, and TREE.tar beside it; made where not there."""
    tree = folder / f"tree{count}"
    archive = tree.with_suffix(".tar")
    if archive.exists():
        return tree
    for number in range(count):
        file = tree / f"{number // IN_A_FOLDER:04}" / f"{number % IN_A_FOLDER:03}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file {number}\n" * 16, encoding="utf-8")
    with tarfile.open(archive, "w") as packed:
        packed.add(tree, ".")
    return tree
