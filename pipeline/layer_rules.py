"""What makes a layer the same whenever it is built: no time after a moment, nothing that only tells of the build. Pure.

A rule never makes up content: it changes a time that a file holds, empties it, or leaves it out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from tarfile import REGTYPE, TarInfo

FIXED_TIME = 315_532_800
"""1980-01-01T00:00:00Z, in seconds since 1970: the time of what has none of its own. Zip files know nothing older."""
LARGEST = 16 << 20
"""Bytes; a file beyond this is none of those that have a rule for their content."""

DROPPED = (
    "var/cache/ldconfig/aux-cache",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/*-old",
    "var/cache/debconf/*-old",
    "var/log/alternatives.log",
    "var/log/apt/*.log",
    "var/log/apt/eipp.log.xz",
    "var/log/bootstrap.log",
    "var/log/dpkg.log",
    "etc/hostname",
    "etc/resolv.conf",
)
"""Files of the machine or the moment. Links of these names are somebody's intention and stay."""
EMPTIED = ("etc/machine-id",)
APTS_OWN = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial")
SHADOWS = ("etc/shadow", "etc/shadow-")
_DAY = 24 * 3600
_MODE_BITS = 0o7777
_LAST_CHANGE = re.compile(rb"(?m)^([^:\n]*:[^:\n]*:)(\d+)(?=:)")
_TIMED_PYC = b"\0\0\0\0"
_PYC_HEADER = 16
_DERIVED = frozenset("path linkpath size uid gid uname gname mtime atime ctime hdrcharset comment".split())
"""Extended headers that the writer makes itself where they are needed, and those that only tell of the moment."""

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Rules:
    """How entries are written: as they are (`epoch` None), or the same whenever they are made.

    What was made in one of the `spans` (first and last second of each layer's making) gets the time `epoch`, in seconds
    since 1970: a layer may have been made before the commit that it is used for. Everything else is older than the
    build, out of a package as a rule, and keeps its time unless that is later than `epoch`.

    In a `bootstrapped` root, all folders get the epoch: one that several packages have is as old as in the package that
    came last, and which that was is up to the apt of the machine that made the root. So is the owner of apt's own
    folders, a user of that machine or none: they are root's.
    """

    epoch: int | None = None
    spans: tuple[tuple[int, int], ...] = ()
    bootstrapped: bool = False

    def time(self, seconds: float) -> int:
        """What becomes of a time."""
        if self.epoch is None:
            return int(seconds)
        if any(first <= seconds <= last for first, last in self.spans):
            return self.epoch
        return int(min(seconds, self.epoch))

    def day(self, days: int) -> int:
        """What becomes of a date, in days since 1970."""
        spans = tuple((first // _DAY, last // _DAY) for first, last in self.spans)
        return Rules(None if self.epoch is None else self.epoch // _DAY, spans).time(days)

    def dropped(self, path: str, head: TarInfo) -> bool:
        """Whether an entry is left out."""
        return self.epoch is not None and head.isreg() and any(fnmatchcase(path, each) for each in DROPPED)

    def head(self, path: str, head: TarInfo) -> TarInfo:
        """An entry's head as it is written; its size is that of the content before `change`."""
        made = copy.copy(head)
        made.name, made.uname, made.gname = path or ".", "", ""
        made.type = REGTYPE if head.isreg() else head.type
        made.mode = head.mode & _MODE_BITS  # some engines add the file's type
        made.mtime = self.time(head.mtime)
        if self.bootstrapped and head.isdir():
            made.mtime = made.mtime if self.epoch is None else self.epoch
            made.uid = 0 if path in APTS_OWN else made.uid
        made.pax_headers = {
            key: value
            for key, value in sorted(head.pax_headers.items())
            if key not in _DERIVED and not key.startswith("GNU.sparse.")
        }
        return made

    def change(self, path: str, head: TarInfo) -> Change | None:
        """What becomes of a file's content, None when it stays as it is."""
        if self.epoch is None or not head.isreg() or head.size > LARGEST:
            return None
        if path in EMPTIED:
            return _emptied
        if path in SHADOWS:
            return lambda data: _shadow(data, self)
        if path.endswith(".pyc"):
            return lambda data: _pyc(data, self)
        return None


AS_IT_IS = Rules()


def _emptied(_data: bytes) -> bytes:
    return b""


def _shadow(data: bytes, rules: Rules) -> bytes:
    """Days of the last change of a password."""
    return _LAST_CHANGE.sub(lambda found: found[1] + str(rules.day(int(found[2]))).encode(), data)


def _pyc(data: bytes, rules: Rules) -> bytes:
    """Compiled Python names its source's time, which changes as well; one that names a hash stays."""
    if len(data) < _PYC_HEADER or data[4:8] != _TIMED_PYC:
        return data
    time = rules.time(int.from_bytes(data[8:12], "little"))
    return data[:8] + time.to_bytes(4, "little") + data[12:]
