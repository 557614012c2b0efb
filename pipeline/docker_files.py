"""Files of a container, running or not, as the engine hands them out: one by one, or all in one pass."""

from __future__ import annotations

import io
import tarfile
import tempfile
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


def read(client: docker.APIClient, container: str, paths: tuple[str, ...]) -> dict[str, bytes]:
    """What these files hold; those that are not there are left out."""
    found = {path: _content(client, container, path) for path in paths}
    return {path: content for path, content in found.items() if content is not None}


def _content(client: docker.APIClient, container: str, path: str) -> bytes | None:
    with translated(f"reading {path}"), tempfile.TemporaryFile() as file:
        try:
            stream, _ = client.get_archive(container, path)
        except NotFound:
            return None
        for chunk in stream:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            entry = next((each for each in archive if each.isfile()), None)
            content = archive.extractfile(entry) if entry else None
            return content.read() if content else None


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
