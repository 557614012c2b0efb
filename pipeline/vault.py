"""The password of encrypted files, lent to the conductor for one play: in memory there, never in a file system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError

PLACE = "/dev/shm/baseimage-vault-password"  # noqa: S108 - memory of the conductor, where nobody else is
Secret = Callable[[], str]
"""Reads the password when it is first needed."""

_TAKE = f'umask 077 && IFS= read -r password && printf "%s\\n" "$password" >{PLACE} && echo taken'


@contextmanager
def lent(engine: Engine, container: ContainerId, secret: Secret | None) -> Iterator[None]:
    """Put the password where Ansible is told to look for it, and take it away again; without one do nothing.

    It goes through the command's stdin: neither the container's configuration nor a command line holds it.
    Raises EngineError when the conductor does not take it.
    """
    if secret is None:
        yield
        return
    channel = engine.open(container, ("sh", "-c", _TAKE))
    try:
        channel.stdin.write(f"{secret()}\n".encode())
        channel.stdin.close()
        if channel.stdout.read().strip() != b"taken":
            raise EngineError("the conductor did not take the vault password")
        yield
    finally:
        channel.close()
        with suppress(EngineError):  # a conductor that is gone took it along, and why it went is the better message
            engine.run(container, ("rm", "-f", PLACE))
