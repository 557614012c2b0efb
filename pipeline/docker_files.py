"""Files of an image, read out of a container that is never started."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, cast

import docker

from pipeline.docker_client import translated

_CHUNK = 1 << 20


def exported(client: docker.APIClient, container: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The regular files of a container whose paths (no leading slash) are wanted, in one pass over all of them."""
    found: dict[str, bytes] = {}
    with translated("reading files of an image"):
        stream = io.BufferedReader(cast("Any", _Chunks(iter(client.export(container, chunk_size=_CHUNK)))), _CHUNK)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                if member.isreg() and wanted(path) and (content := archive.extractfile(member)):
                    found[path] = content.read()
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
