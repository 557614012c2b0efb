"""Files of a container, running or not, as the engine hands them out: each in a tar file of its own."""

from __future__ import annotations

import tarfile
import tempfile

import docker
from docker.errors import NotFound

from pipeline.docker_client import translated


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
