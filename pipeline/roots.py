"""Bases as images: pulled, bootstrapped from a distribution's packages, or imported from a tar file.

A bootstrapped or imported root is named after a hash of its inputs, so that the same inputs are made once.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.engine import Engine, Image, Mount
from pipeline.errors import EngineError, PipelineError, UsageError
from pipeline.events import Output, Sink, Transfer
from pipeline.fingerprint import RULES, digest
from pipeline.image_config import ImageConfig
from pipeline.layer_rules import FIXED_TIME
from pipeline.mmdebstrap import arguments, sources
from pipeline.processes import Ending, run_tool
from pipeline.recipe import Base, BaseImage, Bootstrap, Rootfs
from pipeline.remembered import Look
from pipeline.root_archive import settled

REPOSITORY = "baseimage/base"
ROOT_CONFIG = ImageConfig(
    command=("/bin/bash",), environment={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
)
ROOTFS_CONFIG = replace(ROOT_CONFIG, command=("/bin/sh",))
"""bash is not in every root that somebody brings."""

CACHE_FOLDERS = ("/var/cache/apt", "/var/lib/apt/lists", "/var/cache/apk", "/var/cache/dnf", "/var/cache/yum")
Lock = Callable[[str], AbstractContextManager[object]]
Elsewhere = Callable[[Bootstrap, Path, str], float]
"""Bootstraps into an archive where this machine has no mmdebstrap; called with the step's id as well.

Returns when that began by the clock over there, in seconds since 1970.
"""
Brought = Callable[[Base, str], Image | None]
"""The root of a shared cache, None where that has none."""

PLENTY = 4 << 30
_CHUNK = 1 << 20


class EngineRoots:
    """The Roots of an engine. `folder` is where a relative path of a rootfs starts from.

    `number` gives each build beside others a number of its own for a name. `fresh` holds what was refreshed in this
    run, also by others; `ending` lets somebody else end a tool of this machine. `look` finds the paths that an image
    has.
    """

    def __init__(
        self,
        engine: Engine,
        emit: Sink,
        *,
        folder: Path,
        labels: dict[str, str],
        environ: Mapping[str, str],
        lock: Lock,
        refresh: bool,
        number: Callable[[str], int] = lambda _: 1,
        elsewhere: Elsewhere | None = None,
        fresh: set[str] | None = None,
        ending: Ending = nullcontext,
        look: Look | None = None,
        brought: Brought = lambda _base, _step: None,
    ) -> None:
        self._engine, self._emit, self._folder = engine, emit, folder
        self._labels, self._environ, self._lock, self._refresh = labels, environ, lock, refresh
        self._number, self._elsewhere = number, elsewhere
        self._fresh = set() if fresh is None else fresh
        self._ending, self._brought = ending, brought
        self._look = look or engine.existing

    def ensure(self, base: Base, step: str) -> Image:
        """The base as an image that the engine has; `refresh` makes each one anew once."""
        reference = name_of(base)
        if image := self._there(base, reference):
            return image
        with self._lock(reference):
            image = self._there(base, reference) or self._new(base, reference, step)
            self._fresh.add(reference)
        return image

    def _there(self, base: Base, reference: str) -> Image | None:
        """The base as it is there, unless a refresh was asked for that has not happened in this run."""
        due = self._refresh and not isinstance(base, Rootfs) and reference not in self._fresh
        return None if due else self._engine.find_image(reference)

    def _new(self, base: Base, reference: str, step: str) -> Image:
        if isinstance(base, BaseImage):
            return self._engine.pull(
                reference, lambda item, status, now, total: self._emit(Transfer(step, item, status, now, total))
            )
        return self._brought(base, step) or self._imported(base, reference, self._engine.find_image(reference), step)

    def find(self, base: Base) -> Image | None:
        """The base where the engine has it."""
        return self._engine.find_image(name_of(base))

    def caches(self, base: Base, image: Image) -> tuple[Mount, ...]:
        """One volume for each cache folder that the root has, shared by all roots of the same origin.

        Package managers do not wait for each other's locks there, so a run beside another one has a set of its own.
        """
        found = self._look(image.id, CACHE_FOLDERS)
        origin = re.sub(r"[^a-z0-9.-]+", "-", _origin(base).lower()).strip("-.")
        number = self._number(f"cache-{origin}") if found else 1
        prefix = f"baseimage-cache-{origin}" if number == 1 else f"baseimage-cache-{origin}-beside-{number}"
        mounts = tuple(Mount(f"{prefix}-{folder.strip('/').replace('/', '-')}", folder) for folder in found)
        for mount in mounts:
            self._engine.create_volume(
                mount.source, {key: value for key, value in self._labels.items() if key.endswith(".owner")}
            )
        return mounts

    def _imported(self, base: Bootstrap | Rootfs, reference: str, before: Image | None, step: str) -> Image:
        with tempfile.TemporaryDirectory(prefix="baseimage-root-", dir=_roomy()) as scratch:
            if isinstance(base, Bootstrap):
                archive, started = self._bootstrap(base, Path(scratch), step)
                self._engine.import_root(archive, reference, ROOT_CONFIG, settled(archive, started))
            else:
                archive = self._fetch(base, Path(scratch), step)
                self._engine.import_root(archive, reference, ROOTFS_CONFIG, FIXED_TIME)
        made = self._engine.find_image(reference)
        if made is None:
            raise EngineError(f"the engine took the root but does not have {reference}")
        if before and before.id != made.id:
            with suppress(EngineError):  # layers on top of it are still there
                self._engine.remove_image(before.id)
        return made

    def _bootstrap(self, base: Bootstrap, scratch: Path, step: str) -> tuple[Path, float]:
        """The root's archive, and when it was begun."""
        program = shutil.which("mmdebstrap", path=self._environ.get("PATH"))
        archive, started = scratch / "root.tar", time.time()
        if program is None and self._elsewhere:
            return archive, self._elsewhere(base, archive, step)
        if program is None:
            raise UsageError(
                f"the root from {base.suite}'s packages needs mmdebstrap, which is not installed",
                hint="apt-get install mmdebstrap, or use an image: from: debian:12-slim",
            )
        command = (*_own_mounts(self._environ), program, *arguments(base), base.suite, str(archive), *sources(base))
        lines: list[str] = []

        def printed(line: str) -> None:
            lines.append(line)
            self._emit(Output(step, line))

        # A root is as old as its packages, not as the commit that it is first made for.
        environ = {name: value for name, value in self._environ.items() if name != "SOURCE_DATE_EPOCH"}
        exit_code = run_tool(command, {**environ, "TMPDIR": str(scratch)}, printed, self._ending)
        if exit_code != 0:
            raise PipelineError(
                f"mmdebstrap could not make a root from {base.suite}'s packages (exit code {exit_code})",
                hint="check the suite's name and that its mirror can be reached",
                detail="\n".join(lines[-20:]),
            )
        return archive, started

    def _fetch(self, base: Rootfs, scratch: Path, step: str) -> Path:
        if not re.match(r"https?://", base.source):
            path = (self._folder / base.source).resolve()
            if not path.is_file():
                raise UsageError(f"the root {base.source} is not there", hint=f"looked for {path}")
        else:
            path = self._download(base.source, scratch / "root.tar", step)
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != base.sha256:
            raise UsageError(
                f"the root {base.source} is not the expected one: its sha256 is {found}",
                hint=f"the recipe says {base.sha256}",
            )
        return path

    def _download(self, url: str, path: Path, step: str) -> Path:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer, path.open("wb") as target:  # noqa: S310 - http(s) only
                total, done = int(answer.headers.get("Content-Length") or 0), 0
                while chunk := answer.read(_CHUNK):
                    target.write(chunk)
                    done += len(chunk)
                    self._emit(Transfer(step, url.rsplit("/", 1)[-1], "downloading", done, total))
        except (OSError, http.client.HTTPException) as error:
            raise PipelineError(
                f"the root {url} could not be fetched: {error}", hint="check the address and the network"
            ) from error
        return path


def name_of(base: Base) -> str:
    """What the engine calls a base: its reference, or this program's name for a root with these inputs."""
    match base:
        case BaseImage(reference=reference):
            return reference
        case Bootstrap(suite=suite):
            return f"{REPOSITORY}:{suite}-{digest(_inputs(base))[:16]}"
        case Rootfs(sha256=sha256):
            return f"{REPOSITORY}:rootfs-{sha256[:32]}"


def _inputs(base: Bootstrap) -> dict[str, object]:
    return {"arguments": arguments(base), "suite": base.suite, "sources": sources(base), "rules": RULES}


def _origin(base: Base) -> str:
    match base:
        case BaseImage(reference=reference):
            return reference
        case Bootstrap(suite=suite, architecture=architecture):
            return f"{suite}-{architecture}" if architecture else suite
        case Rootfs(sha256=sha256):
            return sha256[:16]


def _roomy() -> str | None:
    """Where roots are unpacked: memory where there is plenty of it (a third faster), else the usual place."""
    memory = Path("/dev/shm")  # noqa: S108 - a tmpfs, checked for room
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        return None
    # In a container it is often small, and mounted noexec: the new root's own programs could not run.
    runs_programs = not os.statvfs(memory).f_flag & os.ST_NOEXEC
    return str(memory) if runs_programs and shutil.disk_usage(memory).free > PLENTY else None


def _own_mounts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """For root: a mount namespace, so that an interrupted mmdebstrap leaves nothing mounted. Others get one anyway."""
    unshare = shutil.which("unshare", path=environ.get("PATH"))
    return (unshare, "--mount") if unshare and os.geteuid() == 0 else ()
