"""The time that nothing in a reproducible image is younger than."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.layer_rules import FIXED_TIME
from pipeline.repository import Repository, is_in_repository

VARIABLE = "SOURCE_DATE_EPOCH"


def source_date(folder: Path, environ: Mapping[str, str]) -> int:
    """Seconds since 1970: what SOURCE_DATE_EPOCH says, else the time of the commit, else 1980-01-01.

    Raises UsageError for a variable that is no such number, GitError when git does not answer.
    """
    if given := environ.get(VARIABLE, ""):
        if not (given.isascii() and given.isdecimal()):
            raise UsageError(f"{VARIABLE} is {given!r}", hint="it is a number of seconds since 1970")
        return int(given)
    return Repository(folder, environ).commit_time() if is_in_repository(folder) else FIXED_TIME
