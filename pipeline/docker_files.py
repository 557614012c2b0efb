"""Files of a container, running or not, as the engine hands them out."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, cast

import docker
from docker.errors import NotFound

from pipeline.docker_client import translated

_CHUNK = 1 << 20


def has(client: docker.APIClient, container: str, path: str) -> bool:
    """Whether there is such a path."""
    with translated(f"looking for {path}"):
        try:
            stream, _ = client.get_archive(container, path)
        except NotFound:
            return False
        stream.close()
    return True


def read(
    client: docker.APIClient, container: str, wanted: Callable[[str], bool], within: tuple[str, ...]
) -> dict[str, bytes]:
    """The regular files whose paths (no leading slash) are wanted, of those at or below the paths in `within`."""
    found: dict[str, bytes] = {}
    for path in within:
        found |= _below(client, container, wanted, path)
    return found


def _below(client: docker.APIClient, container: str, wanted: Callable[[str], bool], path: str) -> dict[str, bytes]:
    """The wanted files of one pass; the engine's archive names them from the last part of its path on."""
    found: dict[str, bytes] = {}
    parent = path.rstrip("/").rpartition("/")[0]
    with translated(f"reading {path}"):
        try:
            chunks, _ = client.get_archive(container, path, chunk_size=_CHUNK)
        except NotFound:
            return {}
        stream = io.BufferedReader(cast("Any", _Chunks(chunks)), _CHUNK)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = posixpath.normpath(f"{parent}/{member.name}").lstrip("/")
                if member.isreg() and wanted(name) and (content := archive.extractfile(member)):
                    found[name] = content.read()
    return found


class _Chunks(io.RawIOBase):
    """A stream of chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill a buffer with what comes next."""
        self._rest = self._rest or next(self._chunks, b"")
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
