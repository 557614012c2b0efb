"""Application sources for a role: sent into the conductor once for each run, as long as they do not change."""

from __future__ import annotations

import tarfile
from contextlib import suppress
from importlib.resources import files

from pipeline.engine import Channel, ContainerId, Engine
from pipeline.errors import PipelineError
from pipeline.fingerprint import FileEntry, digest
from pipeline.layer_rules import FIXED_TIME
from pipeline.player import DEPLOYABLES, Deployable, RoleFiles
from pipeline.sources import deployable_entries


class Deployables:
    """What a conductor has been sent."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}

    def send(self, engine: Engine, container: ContainerId, role: RoleFiles) -> tuple[str, ...]:
        """Make all that the role names be there; says what was sent. Raises PipelineError."""
        said = []
        for deployable in role.deployables:
            entries = deployable_entries(deployable.folder)
            content = digest([(entry.path, entry.mode, entry.digest) for entry in entries])
            if self._sent.get(deployable.name) != content:
                _send(engine, container, deployable, entries)
                self._sent[deployable.name] = content
                said.append(f"{deployable.name}: {len(entries)} files sent to {DEPLOYABLES}/{deployable.name}")
        return tuple(said)

    def forget(self) -> None:
        """The conductor is gone."""
        self._sent.clear()


def _send(engine: Engine, container: ContainerId, deployable: Deployable, entries: tuple[FileEntry, ...]) -> None:
    script = files("pipeline").joinpath("scripts", "receive.py").read_text(encoding="utf-8")
    channel = engine.open(container, ("python3", "-c", script, f"{DEPLOYABLES}/{deployable.name}"))
    try:
        with suppress(BrokenPipeError, ConnectionError):  # it has ended, and says why on stderr
            _write(deployable, entries, channel)
        if channel.stdout.read().strip() != b"received":
            said = channel.stderr().decode(errors="replace")
            raise PipelineError(f"{deployable.folder} could not be sent to the conductor", detail=said)
    finally:
        channel.close()


def _write(deployable: Deployable, entries: tuple[FileEntry, ...], channel: Channel) -> None:
    """The files as a tar stream: the same bytes for the same content. Its end tells by itself that it is over."""
    with tarfile.open(fileobj=channel.stdin, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            path = deployable.folder / entry.path
            member = archive.gettarinfo(path, entry.path)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = FIXED_TIME  # a checkout's times differ from machine to machine
            member.mode = 0o755 if entry.mode == "x" else 0o644
            if member.islnk():  # a second name of a file that is in the archive already
                member.type, member.size = tarfile.REGTYPE, path.stat().st_size
            if member.isreg():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)
