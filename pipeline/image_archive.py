"""Archives of images as `docker save` writes them and `docker load` takes them: files by name, and a list of images."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, cast

from pipeline.errors import EngineError

Json = dict[str, Any]
MANIFEST = "manifest.json"
STEP = "configuration"
"""What the history says of an entry for configuration alone, without a layer."""
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


class SavedImage:
    """The only image of an archive: its own file (`body`), and its layers' files."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        """Raise EngineError when the archive has no image."""
        self._archive = archive
        self.entry: Json = json.loads(read_file(archive, MANIFEST))[0]
        self.body: Json = json.loads(read_file(archive, self.entry["Config"]))
        self.layers: list[str] = list(self.entry["Layers"] or ())

    def copy(self, layer: str, target: tarfile.TarFile) -> None:
        """Copy a layer's file under its name, also where the archive has a link to the same layer of another entry."""
        content = self._stored(layer)
        entry = tarfile.TarInfo(layer)
        entry.size = content.seek(0, io.SEEK_END)
        content.seek(0)
        target.addfile(entry, content)

    @contextmanager
    def layer(self, name: str) -> Iterator[IO[bytes]]:
        """A layer's content, unpacked where it is compressed; it can be read in any order."""
        content = self._stored(name)
        packed = content.read(len(_GZIP)) == _GZIP
        content.seek(0)
        if not packed:
            yield content
            return
        with tempfile.TemporaryFile() as unpacked, gzip.open(content) as stream:
            shutil.copyfileobj(stream, unpacked, _PIECE)
            unpacked.seek(0)
            yield cast("IO[bytes]", unpacked)

    def _stored(self, layer: str) -> IO[bytes]:
        content = self._archive.extractfile(layer)
        if content is None:
            raise EngineError(f"the engine's archive of an image has no {layer}")
        return content


def read_file(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of a small file; nothing where it is no file."""
    content = archive.extractfile(name)
    return content.read() if content else b""


def add_file(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a small file."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def image_id(data: bytes) -> str:
    """The id of the image that has this file, where images are stored by layer."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config_name(data: bytes) -> str:
    """What an image's own file is called in an archive."""
    return f"{hashlib.sha256(data).hexdigest()}.json"


def written_time(seconds: int) -> str:
    """A time, in seconds since 1970, as an image's file has it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> int:
    """Such a time, to the second, in seconds since 1970; 0 for none."""
    return int(datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()) if text else 0


def compact(value: object) -> bytes:
    """JSON, the same bytes for the same value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
