"""Errors as what a user is told: one event, or one line, for each."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from pipeline import errors
from pipeline.events import BuildFailed

_FULL = "make room, for example with: baseimage gc --all"
SYSTEM_ERRORS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: "set BASEIMAGE_STATE and TMPDIR to folders that you may write to",
    errno.EROFS: "set BASEIMAGE_STATE and TMPDIR to folders that can be written to",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
}
"""What a system call may fail with through no fault of this program, and what to do about it."""


@contextlib.contextmanager
def system_errors() -> Iterator[None]:
    """A full disk and its like are no defects of this program: said with the file and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in SYSTEM_ERRORS:
            raise
        where = f": {error.filename}" if error.filename else ""
        raise errors.PipelineError(f"{error.strerror}{where}", hint=SYSTEM_ERRORS[error.errno]) from error


def failures(error: errors.PipelineError, *, keep: bool) -> tuple[BuildFailed, ...]:
    """One event for an error, or for each mistake that it holds; `keep` says whether the target was kept."""
    if isinstance(error, errors.SeveralServicesError):
        return tuple(failed for each in error.errors for failed in failures(each, keep=keep))
    if isinstance(error, errors.InputError):
        return tuple(
            BuildFailed(": ".join(part for part in (each.path, each.message) if part), each.hint, each.place, step="")
            for each in error.problems
        )
    hint = error.hint
    if isinstance(error, errors.PlayFailedError):
        look = (
            f"look inside with: {error.look_inside}; remove it with: baseimage gc"
            if keep
            else "run again with --keep to look inside the target"
        )
        hint = f"{hint}; {look}" if hint else look
    return (BuildFailed(error.message, hint, error.place, error.detail, error.step),)
