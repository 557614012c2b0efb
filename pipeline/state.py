"""Where a user's records are kept from one run to the next: layers, and the history of builds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

from pipeline.errors import UsageError
from pipeline.events import Sink
from pipeline.history import Keep, Recorder
from pipeline.layer_records import LayerRecords

HISTORY_SETTINGS = {"BASEIMAGE_HISTORY_BUILDS": 50, "BASEIMAGE_HISTORY_DAYS": 30}
"""Variables of the environment that bound the history of builds, and what they are without being set."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where records of layers are kept: BASEIMAGE_STATE, else the user's cache folder."""
    return Path(environ["BASEIMAGE_STATE"]) if environ.get("BASEIMAGE_STATE") else user_cache_path("baseimage-pipeline")


def layer_records(environ: Mapping[str, str]) -> LayerRecords:
    """The records of layers in the state folder."""
    return LayerRecords(state_folder(environ) / "layers")


def recorded(emit: Sink, environ: Mapping[str, str]) -> Sink:
    """A sink that also keeps what happens in the history of builds. Raises UsageError for settings that are none."""
    builds, days = (_whole_number(environ, name, kept) for name, kept in HISTORY_SETTINGS.items())
    return Recorder(emit, history_folder(environ), Keep(builds, days)) if builds else emit


def history_folder(environ: Mapping[str, str]) -> Path:
    """Where the history of builds is."""
    return state_folder(environ) / "builds"


def _whole_number(environ: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environ.get(name) or str(otherwise)
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"{name} must be a whole number, is {text!r}", hint="0 builds keep no history")
    return int(text)
