"""Application sources on their way into the conductor."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import pytest

from pipeline.deployables import Deployables
from pipeline.engine import ContainerId, Engine
from pipeline.errors import PipelineError
from pipeline.player import DEPLOYABLES, Deployable, RoleFiles

pytestmark = pytest.mark.allow("process")


class Process:
    """`engine.Channel` to a command of this machine."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.stdin = cast("IO[bytes]", self.process.stdin)
        self.stdout = cast("IO[bytes]", self.process.stdout)
        self._errors = cast("IO[bytes]", self.process.stderr)

    def stderr(self) -> bytes:
        """All of it."""
        return self._errors.read()

    def exit_code(self) -> int | None:
        """Nobody asks."""
        raise AssertionError

    def close(self) -> None:
        """End it."""
        for stream in (self.stdout, self._errors):
            stream.close()
        self.process.stdin = None
        self.process.wait()
        self.stdin.close()


@dataclass
class Machine:
    """An engine whose only container is this machine, with a folder in place of /src/deployables."""

    folder: Path
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def open(self, container: ContainerId, command: tuple[str, ...]) -> Process:
        assert container == "conductor"
        self.commands.append(command)
        return Process((sys.executable, *command[1:-1], command[-1].replace(DEPLOYABLES, str(self.folder))))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "conductor")


@pytest.fixture
def role(tmp_path: Path) -> RoleFiles:
    shop = tmp_path / "deployables" / "shop"
    (shop / "lib").mkdir(parents=True)
    (shop / "lib" / "ü.txt").write_text("x" * 100_000)
    (shop / "run").touch(mode=0o755)
    (shop / "again").hardlink_to(shop / "run")
    (shop / "link").symlink_to("/nowhere")
    (shop / ".git").mkdir()
    (shop / ".git" / "HEAD").touch()
    return RoleFiles("app", tmp_path / "roles" / "app", (), (Deployable("shop", shop),))


def send(machine: Machine, role: RoleFiles, deployables: Deployables | None = None) -> tuple[str, ...]:
    return (deployables or Deployables()).send(cast("Engine", machine), ContainerId("conductor"), role)


def test_the_files_arrive_as_they_are_without_their_history(machine: Machine, role: RoleFiles) -> None:
    assert send(machine, role) == ("shop: 4 files sent to /src/deployables/shop",)
    there = machine.folder / "shop"
    assert sorted(path.name for path in there.iterdir()) == ["again", "lib", "link", "run"]
    assert (there / "lib" / "ü.txt").read_text() == "x" * 100_000
    assert [(there / name).stat().st_mode & 0o777 for name in ("run", "again", "lib/ü.txt")] == [0o755, 0o755, 0o644]
    assert (there / "link").readlink() == Path("/nowhere")
    assert (there / "run").stat().st_mtime == (there / "lib/ü.txt").stat().st_mtime


def test_they_are_sent_once_and_again_only_when_their_content_changes(machine: Machine, role: RoleFiles) -> None:
    deployables, shop = Deployables(), role.deployables[0].folder
    send(machine, role, deployables)
    (shop / "run").touch()
    assert send(machine, role, deployables) == ()
    (shop / "link").unlink()
    (shop / "run").write_text("#!/bin/sh\n")
    assert len(send(machine, role, deployables)) == 1
    assert (machine.folder / "shop" / "run").read_text() == "#!/bin/sh\n"
    assert not (machine.folder / "shop" / "link").is_symlink()
    deployables.forget()
    assert len(send(machine, role, deployables)) == 1
    assert len(machine.commands) == 3


def test_a_role_that_names_none_starts_nothing(machine: Machine, tmp_path: Path) -> None:
    assert send(machine, RoleFiles("app", tmp_path)) == ()
    assert machine.commands == []


def test_a_conductor_that_cannot_take_them_says_why(machine: Machine, role: RoleFiles, tmp_path: Path) -> None:
    (tmp_path / "conductor").touch()
    with pytest.raises(PipelineError, match="could not be sent to the conductor") as caught:
        send(machine, role)
    assert "NotADirectoryError" in caught.value.detail or "FileExistsError" in caught.value.detail
