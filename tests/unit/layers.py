"""Layers for tests: made of short lines, and what an engine makes of them, as the image specification says it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.image_archive import MANIFEST, add_file, compact

TYPES = {"/": tarfile.DIRTYPE, "=": tarfile.LNKTYPE, ">": tarfile.SYMTYPE}
CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"}
Files = dict[str, tuple[str, str]]
"""Paths with what they are: "dir", "file", "symlink", and content or target; hard links of one file share both."""


@dataclass(frozen=True)
class Line:
    """An entry: "etc/", "etc/passwd:content", "a=b" (hard link to b), "a>b" (symbolic link to b)."""

    text: str
    mode: int = 0o644
    mtime: float = 1_800_000_000
    uname: str = ""
    pax: tuple[tuple[str, str], ...] = ()

    def entry(self) -> tuple[tarfile.TarInfo, bytes]:
        """Head and content."""
        text, content = self.text, b""
        kind, target = tarfile.REGTYPE, ""
        if ":" in text:
            text, _, written = text.partition(":")
            content = written.encode("latin-1")
        elif text.endswith("/"):
            kind = tarfile.DIRTYPE
        else:
            sign = next((sign for sign in "=>" if sign in text), "")
            if sign:
                text, _, target = text.partition(sign)
                kind = TYPES[sign]
        head = tarfile.TarInfo(text.rstrip("/") or ".")
        head.type, head.linkname, head.size = kind, target, len(content)
        head.mode, head.mtime, head.uname = self.mode, self.mtime, self.uname
        head.pax_headers = dict(self.pax)
        return head, content


def layer(*lines: str | Line) -> tarfile.TarFile:
    """An archive of these entries, in this order, open for reading."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for line in lines:
            head, content = (line if isinstance(line, Line) else Line(line)).entry()
            archive.addfile(head, io.BytesIO(content))
    target.seek(0)
    return tarfile.open(fileobj=target, mode="r:")


def lines_of(archive: tarfile.TarFile) -> list[str]:
    """The entries as lines, in the archive's order."""
    return [_line(archive, head) for head in archive]


def _line(archive: tarfile.TarFile, head: tarfile.TarInfo) -> str:
    if head.isdir():
        return f"{head.name}/"
    if head.islnk() or head.issym():
        return f"{head.name}{'=' if head.islnk() else '>'}{head.linkname}"
    content = archive.extractfile(head)
    return f"{head.name}:{content.read().decode('latin-1') if content else ''}" if head.size else head.name


def content_of(archive: tarfile.TarFile) -> bytes:
    """The bytes of a layer."""
    assert isinstance(archive.fileobj, io.BytesIO)
    return archive.fileobj.getvalue()


def saved_image(layers: Iterable[bytes], **body: Any) -> bytes:
    """An archive of an image, as an engine saves it; `body` is what its own file says besides its layers' ids."""
    target = io.BytesIO()
    ids, names = [], []
    with tarfile.open(fileobj=target, mode="w") as archive:
        for number, content in enumerate(layers):
            ids.append(f"sha256:{hashlib.sha256(content).hexdigest()}")
            names.append(f"{number}/layer.tar")
            add_file(archive, names[-1], content)
        add_file(archive, "x.json", compact({"rootfs": {"diff_ids": ids}, **body}))
        add_file(archive, MANIFEST, compact([{"Config": "x.json", "Layers": names}]))
    return target.getvalue()


def applied(archives: Iterable[tarfile.TarFile], files: Files | None = None) -> Files:
    """Files with layers laid over them, one entry after the other: whiteouts first, as they mean what is below."""
    result = dict(files or {})
    for archive in archives:
        heads = [(head.name.removeprefix("./").strip("/"), head) for head in archive]
        for path, _ in heads:
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                _remove_below(result, folder)
            elif name.startswith(".wh."):
                gone = f"{folder}/{name.removeprefix('.wh.')}".lstrip("/")
                result.pop(gone, None)
                _remove_below(result, gone)
        for path, head in heads:
            if path.rpartition("/")[2].startswith(".wh."):
                continue
            _make_way(result, path)
            if not head.isdir():
                _remove_below(result, path)
            result[path] = _what(archive, head, result)
    return result


def _what(archive: tarfile.TarFile, head: tarfile.TarInfo, files: Files) -> tuple[str, str]:
    if head.isdir():
        return "dir", ""
    if head.issym():
        return "symlink", head.linkname
    if head.islnk():
        return files[head.linkname]
    content = archive.extractfile(head)
    return "file", content.read().decode("latin-1") if content else ""


def _remove_below(files: Files, folder: str) -> None:
    for path in [path for path in files if path.startswith(f"{folder}/" if folder else "")]:
        del files[path]


def _make_way(files: Files, path: str) -> None:
    """An unpacker makes the folders above an entry where they are not, or are something else."""
    parts = path.split("/")[:-1]
    for number in range(1, len(parts) + 1):
        above = "/".join(parts[:number])
        if files.get(above, ("", ""))[0] != "dir":
            files[above] = ("dir", "")
