"""A root that was bootstrapped, made the same for the same packages, whenever and wherever that was done."""

from __future__ import annotations

import tarfile
from pathlib import Path

from pipeline.layer_archive import opened, tree_of, write_layer
from pipeline.layer_rules import FIXED_TIME, Rules


def settled(archive: Path, started: float) -> int:
    """Write the archive anew, in order and with no time after its newest package's; that time, in seconds since 1970.

    What is older than the bootstrap, which `started` then, came out of a package; the rest was made by it.
    Raises tarfile.TarError for what is no plain tar file.
    """
    before = archive.with_suffix(".bootstrapped")
    archive.replace(before)
    with before.open("rb") as source, opened(source) as files, archive.open("wb") as target:
        epoch = newest(files, started)
        rules = Rules(epoch, bootstrapped=True)
        write_layer(tree_of([files], rules), [files], rules, target)
    before.unlink()
    return epoch


def newest(files: tarfile.TarFile, started: float) -> int:
    """The newest time before the bootstrap began, of all but folders: theirs may depend on the order of packages."""
    times = (int(head.mtime) for head in files if not head.isdir())
    return max((time for time in times if time < int(started)), default=FIXED_TIME)
