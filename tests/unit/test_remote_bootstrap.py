"""A root that the conductor makes."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from pipeline.engine import Completed, ContainerId, ContainerSpec
from pipeline.errors import PipelineError
from pipeline.events import Event
from pipeline.image_config import ImageConfig
from pipeline.recipe import Bootstrap
from pipeline.remote_bootstrap import bootstrap
from tests.unit.fake_commands import COMMANDS, Streams, World
from tests.unit.fake_engine import FakeEngine

THERE = 1_700_000_000


def conductor(engine: FakeEngine, tmp_path: Path) -> ContainerId:
    """A container that says what time it is there."""
    with tarfile.open(tmp_path / "root", "w"):
        pass
    image = engine.import_root(tmp_path / "root", "conductor:1", ImageConfig(command=("sleep",)))
    engine.answers["date", "+%s"] = Completed(0, f"{THERE}\n".encode(), b"")
    return engine.start(ContainerSpec(image=image))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What mmdebstrap was asked for; it writes an archive of four bytes, unless the suite is unknown."""
    words: list[tuple[str, ...]] = []

    def mmdebstrap(given: tuple[str, ...], _world: World, streams: Streams) -> int:
        words.append(given)
        streams.stdout.write(b"root")
        return int("unknown" in given)

    monkeypatch.setitem(COMMANDS, "mmdebstrap", mmdebstrap)
    return words


def test_the_conductor_writes_the_root_and_tells_what_time_it_was_there(
    asked: list[tuple[str, ...]], tmp_path: Path
) -> None:
    engine, told = FakeEngine(), list[Event]()
    container, archive = conductor(engine, tmp_path), tmp_path / "root.tar"
    began = bootstrap(engine, lambda _step: container, told.append, Bootstrap("trixie"), archive, "web/base")
    assert (began, archive.read_bytes()) == (THERE, b"root")
    assert [words[-2:] for words in asked] == [("trixie", "-")]


def test_a_root_that_cannot_be_made_there_names_the_suite(asked: list[tuple[str, ...]], tmp_path: Path) -> None:
    engine = FakeEngine()
    container = conductor(engine, tmp_path)
    with pytest.raises(PipelineError, match="unknown's packages in the conductor"):
        bootstrap(engine, lambda _: container, lambda _: None, Bootstrap("unknown"), tmp_path / "root.tar", "web/base")
    assert asked
