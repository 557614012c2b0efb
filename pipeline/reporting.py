"""Tells the job that started a run what came of it: the metadata file, and what GitHub's runner passes on."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from pipeline.build_metadata import Account
from pipeline.ci_report import github_outputs, markdown
from pipeline.errors import PipelineError, UsageError
from pipeline.events import Event, Sink
from pipeline.jsonlog import rfc3339

GITHUB_FILES = {"GITHUB_STEP_SUMMARY": markdown, "GITHUB_OUTPUT": github_outputs}


class Reporter:
    """A sink that hands every event on and keeps account of it. Any thread may call it."""

    def __init__(self, emit: Sink) -> None:
        self._emit = emit
        self._lock = Lock()
        self.account = Account(lambda: rfc3339(time.time()))

    def __call__(self, event: Event) -> None:
        """Show it, then note it."""
        self._emit(event)
        with self._lock:
            self.account.add(event)


@contextmanager
def reported(emit: Sink, metadata_file: Path | None, environ: Mapping[str, str]) -> Iterator[Reporter]:
    """Write the account when the run is over, however it ends. Raises UsageError where the file could not be."""
    if metadata_file:
        _check(metadata_file)
    reporter = Reporter(emit)
    try:
        yield reporter
    finally:
        _write(reporter.account, metadata_file, environ)


def _check(file: Path) -> None:
    if file.is_dir() or not file.parent.is_dir():
        why = "it is a folder" if file.is_dir() else f"there is no folder {file.parent}"
        raise UsageError(
            f"{file}: the metadata cannot be written there: {why}", hint="name a file in a folder that is there"
        )


def _write(account: Account, metadata_file: Path | None, environ: Mapping[str, str]) -> None:
    data = account.data()
    try:
        if metadata_file:
            _replace(metadata_file, json.dumps(data, indent=1) + "\n")
        if environ.get("GITHUB_ACTIONS") == "true":
            for name, text in GITHUB_FILES.items():
                if environ.get(name):
                    with Path(environ[name]).open("a", encoding="utf-8") as stream:
                        stream.write(text(data))
    except OSError as error:
        raise PipelineError(f"{error.filename}: what came of the run cannot be written: {error.strerror}") from error


def _replace(file: Path, text: str) -> None:
    """As a whole: who reads it meanwhile finds the old one."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as partial:
        partial.write(text)
    try:
        Path(partial.name).chmod(0o644)
        Path(partial.name).replace(file)
    except OSError:
        Path(partial.name).unlink(missing_ok=True)
        raise
