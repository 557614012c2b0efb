"""Small root file systems for tests, made from Debian packages alone: no registry is needed."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

APPLETS = (
    "cat chmod chown cp cut date dd df du echo env expr false find grep head hostname id kill ln ls mkdir mknod mktemp "
    "mv nohup printf ps pwd readlink rm rmdir sed seq setsid sh sha256sum sleep sort stat stty sync tail tar "
    "tee test touch tr true uname wc wget whoami xargs"
).split()
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "srv", "sys", "tmp", "usr", "usr/bin", "var", "var/tmp")


def busybox_root(tmp: Path) -> Path:
    """A tar file of 2 MB: a static busybox, its commands, two users. The same bytes for the same package."""
    target = tmp / "busybox-root.tar"
    if not target.exists():
        busybox = _busybox(tmp / "busybox").read_bytes()
        with tarfile.open(target, "w") as archive:
            _fill(archive, busybox)
    return target


def _busybox(tmp: Path) -> Path:
    tmp.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", "busybox-static"], cwd=tmp, check=True, capture_output=True)
    package = next(tmp.glob("busybox-static_*.deb"))
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp / "files")], check=True, capture_output=True)
    return next(path for path in (tmp / "files/bin/busybox", tmp / "files/usr/bin/busybox") if path.exists())


def _fill(archive: tarfile.TarFile, busybox: bytes) -> None:
    for folder in FOLDERS:
        entry = tarfile.TarInfo(folder)
        entry.type = tarfile.DIRTYPE
        entry.mode = 0o1777 if folder.endswith("tmp") else 0o755
        archive.addfile(entry)
    _add(archive, "bin/busybox", busybox, 0o755)
    for applet in APPLETS:
        link = tarfile.TarInfo(f"bin/{applet}")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(link)
    for name, text in FILES.items():
        _add(archive, name, text.encode(), 0o644)


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))
