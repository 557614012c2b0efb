"""Build secrets: read on this machine, lent to a play in the memory of two containers, looked for before a commit.

They travel through the stdin of commands: neither a container's configuration nor a command line holds one.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError, UsageError, VerificationError
from pipeline.image_config import ImageConfig
from pipeline.play_directory import RUNTIME, SECRETS, secret_folder
from pipeline.player import Play
from pipeline.secret_options import SecretSource
from pipeline.secret_values import SecretValues

LARGEST = 500 * 1024
"""Bytes of a secret, as in BuildKit."""
_PYTHON = f"{RUNTIME}/bin/python3"
_SHOWN = 10
"""How many files a message names."""
_INSTEAD = "let the role use it while it is played and leave nothing of it: docs/secrets.md"


def read_secrets(sources: Iterable[SecretSource], environ: Mapping[str, str]) -> SecretValues:
    """The values of all secrets that have one; what is empty counts as not given.

    Raises UsageError for a variable that is not set and a file that cannot be read, without anything of the value.
    """
    values = {source.id: _read(source, environ) for source in sources}
    return SecretValues({secret: value for secret, value in values.items() if value.strip()})


def _read(source: SecretSource, environ: Mapping[str, str]) -> bytes:
    here = f"--secret id={source.id}"
    variable = source.variable or (source.id if not source.file and source.id in environ else "")
    if variable:
        if variable not in environ:
            raise UsageError(f"{here}: the variable {variable} is not set", hint="export it, or name a file with src=")
        return environ[variable].encode(errors="surrogateescape")
    path = Path(source.file or source.id).expanduser()
    try:
        with path.open("rb") as stream:
            value = stream.read(LARGEST + 1)
    except OSError as error:
        hint = "" if source.file else f"no variable is called {source.id} either: add ,src=FILE or ,env=VARIABLE"
        raise UsageError(f"{here}: {path} cannot be read: {error.strerror}", hint=hint) from None
    if len(value) > LARGEST:
        raise UsageError(f"{here}: {path} has more than {LARGEST // 1024} KiB", hint="use a vault file")
    return value


class SecretLender:
    """Lends the secrets of a play to its containers, and sees that none of them stays in the layer."""

    def __init__(self, engine: Engine, values: SecretValues) -> None:
        self._engine, self._values = engine, values
        self._played: dict[ContainerId, Play] = {}

    @contextmanager
    def in_conductor(self, container: ContainerId, play: Play) -> Iterator[None]:
        """Have a file for each secret in the conductor's memory (`play_directory.secret_files`) while the block lasts.

        Raises EngineError when the conductor does not take them.
        """
        if not play.secrets:
            yield
            return
        folder = secret_folder(play)
        try:
            command = f"umask 077 && mkdir -p {folder} && tar -xf - -C {folder} && echo taken"
            if self._tell(container, ("sh", "-c", command), self._archive(play)) != b"taken":
                raise EngineError("the conductor did not take the build secrets")
            yield
        finally:
            with suppress(EngineError):  # a conductor that is gone took them along
                self._engine.run(container, ("rm", "-rf", folder))

    @contextmanager
    def in_target(self, target: ContainerId, play: Play) -> Iterator[None]:
        """Have those that are to be files of the target there while the block lasts: its layer is made after that.

        Raises VerificationError where a file cannot be, such as where the layer below has one.
        """
        if play.secrets:
            self._played[target] = play
        wanted = [
            {
                "name": str(number),
                "content": base64.b64encode(self._values[secret.id]).decode(),
                "mode": f"{secret.mode:o}",
                "target": secret.target,
            }
            for number, secret in enumerate(play.secrets)
            if secret.target
        ]
        if not wanted:
            yield
            return
        try:
            said = self._tell(target, _python("lend_secrets.py", "lend", SECRETS), _line(wanted))
            if said != b"done":
                why = said.decode(errors="replace") or "the target did not take them"
                hint = "choose another target, or let an earlier role make way"
                raise VerificationError(f"role {play.role.name}: a build secret has no place: {why}", hint=hint)
            yield
        finally:
            with suppress(EngineError):
                self._engine.run(target, _python("lend_secrets.py", "take", SECRETS))

    def checked(self, config: ImageConfig, play: Play) -> ImageConfig:
        """What a role says about the image. Raises VerificationError where it holds one of its secrets."""
        found = self._values.within(asdict(config), (secret.id for secret in play.secrets))
        if said := dict.fromkeys(f"{secret} in {path}" for secret, path in found):
            message = f"role {play.role.name} puts build secrets into the image's configuration: {', '.join(said)}"
            raise VerificationError(message, hint=_INSTEAD)
        return config

    def refuse_leaks(self, target: ContainerId) -> None:
        """Raises VerificationError where a file that the role wrote, or its name, holds one of its secrets."""
        play = self._played.pop(target, None)
        forms = self._values.forms(secret.id for secret in play.secrets) if play else {}
        if play is None or not forms:
            return
        asked = {
            "forms": {secret: [base64.b64encode(form).decode() for form in each] for secret, each in forms.items()},
            "paths": [change[2:] for change in self._engine.changes(target) if not change.startswith("D")],
        }
        found = self._answer(target, asked)
        for secret in dict.fromkeys(secret for secret, _ in found):
            paths = [path for each, path in found if each == secret]
            more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            where = ", ".join(paths[:_SHOWN]) + more
            message = f"role {play.role.name} leaves the build secret {secret} in its layer: {where}"
            raise VerificationError(message, hint=_INSTEAD)

    def _answer(self, target: ContainerId, asked: dict[str, Any]) -> list[list[str]]:
        said = self._tell(target, _python("search_secrets.py"), _line(asked))
        try:
            found: list[list[str]] = json.loads(said)
        except ValueError:
            raise EngineError("the layer could not be searched for build secrets") from None
        return found

    def _archive(self, play: Play) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            for secret in play.secrets:
                entry = tarfile.TarInfo(secret.id)
                entry.size, entry.mode = len(self._values[secret.id]), 0o600
                archive.addfile(entry, io.BytesIO(self._values[secret.id]))
        return made.getvalue()

    def _tell(self, container: ContainerId, command: tuple[str, ...], text: bytes) -> bytes:
        """What a command says that is told something; what it says on stderr may be anything, and is not shown."""
        channel = self._engine.open(container, command)
        try:
            with suppress(BrokenPipeError, ConnectionError):  # it has ended, and said why
                channel.stdin.write(text)
                channel.stdin.close()
            return channel.stdout.read().strip()
        finally:
            channel.close()


def _line(data: Any) -> bytes:
    """JSON that tells by itself when it is over: not every connection passes the end of stdin on."""
    return json.dumps(data).encode() + b"\n"


def _python(script: str, *arguments: str) -> tuple[str, ...]:
    """One of our scripts, run by the Python that targets borrow."""
    return (_PYTHON, "-c", files("pipeline").joinpath("scripts", script).read_text(encoding="utf-8"), *arguments)
