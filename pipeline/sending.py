"""A folder of this machine sent into a running container, as a tar stream."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import IO, Literal

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError
from pipeline.layer_rules import FIXED_TIME

SMALL = 4 << 20
"""Bytes of files that are packed in memory."""


def packed(folder: Path) -> bytes:
    """A folder's content as `send_folder` sends it, and the folder is gone; b"" where it is not small, and stays."""
    if sum(path.lstat().st_size for path in folder.rglob("*")) > SMALL:
        return b""
    archive = io.BytesIO()
    _pack(folder, archive, "w")
    shutil.rmtree(folder)
    return archive.getvalue()


def send_folder(engine: Engine, container: ContainerId, folder: Path, target: str) -> None:
    """Move a folder's content to `target`, in place of what is there; everything belongs to root, and is of no time.

    ansible-runner encodes what it transmits in Python: 200 MB take half a minute that way, and a second this way.
    Raises EngineError when the container cannot take it.
    """
    command = f"rm -rf {target} && mkdir -p {target} && tar -xf - -C {target} && echo sent"
    channel = engine.open(container, ("sh", "-c", command))
    try:
        _pack(folder, channel.stdin, "w|")
        channel.stdin.close()
        if channel.stdout.read().strip() != b"sent":
            detail = channel.stderr().decode(errors="replace").strip()
            raise EngineError("the conductor did not take the roles", detail=detail)
    finally:
        channel.close()
    shutil.rmtree(folder)


def _pack(folder: Path, target: IO[bytes], mode: Literal["w", "w|"]) -> None:
    with tarfile.open(fileobj=target, mode=mode, bufsize=1 << 20) as archive:
        archive.add(folder, arcname=".", filter=_of_root)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this checkout: whose it is, its umask, when it was made. A file is executable or not."""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o111 else 0o644
    entry.mtime = FIXED_TIME
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
