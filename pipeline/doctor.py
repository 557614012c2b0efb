"""Looking at the machine: what a build needs and whether it is there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.conductor_context import ca_bundle, pip_configuration, proxy_arguments
from pipeline.docker_engine import connect
from pipeline.errors import EngineError

ROOM = 4_000_000_000
"""Bytes that a first build needs for scratch files and images, with some to spare."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is good, what was found, what to do otherwise."""

    name: str
    good: bool
    found: str
    hint: str = ""


def examine(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """All checks, in the order in which a build would meet them."""
    return (_engine(environ), _mmdebstrap(environ), _room(), _index(environ))


def _engine(environ: Mapping[str, str]) -> Check:
    try:
        info = connect(environ).info()
    except EngineError as error:
        return Check("engine", good=False, found=error.message, hint=error.hint)
    return Check("engine", good=True, found=f"{info.version}, API {info.api_version}, {info.platform}, {info.storage}")


def _mmdebstrap(environ: Mapping[str, str]) -> Check:
    path = shutil.which("mmdebstrap", path=environ.get("PATH"))
    return Check(
        "mmdebstrap", bool(path), path or "not installed", "apt-get install mmdebstrap, or use only images as bases"
    )


def _room() -> Check:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return Check(
        "disk", free > ROOM, f"{free / 1e9:.1f} GB free", "baseimage gc --all gives back what was kept for later builds"
    )


def _index(environ: Mapping[str, str]) -> Check:
    settings = [line for line in pip_configuration(environ).splitlines()[1:] if line.strip()]
    proxies = proxy_arguments(environ)
    found = f"{len(settings)} pip settings, {len(proxies)} proxy settings, CA bundle of {len(ca_bundle(environ))} bytes"
    return Check("package index", good=True, found=found)
