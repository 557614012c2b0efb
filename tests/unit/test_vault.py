"""How the vault's password gets to the conductor and away again."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest

from pipeline.engine import Completed, ContainerId, Engine
from pipeline.errors import EngineError
from pipeline.vault import PLACE, lent
from tests.unit.kept import Kept

PASSWORD = "s3cret"
CONDUCTOR = ContainerId("c1")


class Conductor:
    """The two verbs of an engine that are used, and the one channel."""

    def __init__(self, answer: bytes = b"taken\n") -> None:
        self.commands: list[tuple[str, ...]] = []
        self.stdin, self.stdout = Kept(), io.BytesIO(answer)

    def open(self, _: str, command: tuple[str, ...], **settings: Any) -> Conductor:
        assert not settings, "an environment would stand in the engine's notes on the command"
        self.commands.append(command)
        return self

    def run(self, _: str, command: tuple[str, ...]) -> Completed:
        self.commands.append(command)
        return Completed(0, b"", b"")

    def close(self) -> None:
        self.stdin.close()


def engine(conductor: Conductor) -> Engine:
    return cast("Engine", conductor)


def test_the_password_goes_through_stdin_and_is_taken_away() -> None:
    conductor = Conductor()
    with lent(engine(conductor), CONDUCTOR, lambda: PASSWORD):
        assert conductor.stdin.written == b"s3cret\n"
        assert ("rm", "-f", PLACE) not in conductor.commands
    assert conductor.commands[-1] == ("rm", "-f", PLACE)
    assert PASSWORD not in str(conductor.commands)
    assert PLACE.startswith("/dev/shm/"), "in memory"  # noqa: S108 - of the conductor


def test_it_is_taken_away_when_the_play_fails() -> None:
    conductor = Conductor()
    with pytest.raises(ZeroDivisionError), lent(engine(conductor), CONDUCTOR, lambda: PASSWORD):
        raise ZeroDivisionError
    assert conductor.commands[-1] == ("rm", "-f", PLACE)


def test_a_conductor_that_does_not_take_it_is_an_error_without_it() -> None:
    with pytest.raises(EngineError) as caught, lent(engine(Conductor(b"")), CONDUCTOR, lambda: PASSWORD):
        pass
    assert PASSWORD not in str(caught.value)


def test_without_a_password_nothing_is_done() -> None:
    conductor = Conductor()
    with lent(engine(conductor), CONDUCTOR, None):
        pass
    assert conductor.commands == []
