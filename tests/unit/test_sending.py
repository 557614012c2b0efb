"""What arrives in a container when a folder is sent."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import cast

import pytest

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError
from pipeline.layer_rules import FIXED_TIME
from pipeline.sending import send_folder
from tests.unit.kept import Kept


class Receiver:
    """An engine with one verb, and the channel that it gives."""

    def __init__(self, answer: bytes = b"sent\n") -> None:
        self.stdin, self.stdout = Kept(), io.BytesIO(answer)

    def open(self, _: str, command: tuple[str, ...]) -> Receiver:
        assert command[-1].startswith("rm -rf /srv/roles &&")
        return self

    def stderr(self) -> bytes:
        return b"tar: no space left\n"

    def close(self) -> None:
        self.stdin.close()


def send(receiver: Receiver, folder: Path) -> None:
    send_folder(cast("Engine", receiver), ContainerId("c1"), folder, "/srv/roles")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "roles"
    (made / "web" / "files").mkdir(parents=True)
    (made / "web" / "files" / "run").write_text("#!/bin/sh\n")
    (made / "web" / "files" / "run").chmod(0o755)
    (made / "web" / "link").symlink_to("files/run")
    return made


def test_files_links_and_modes_arrive_and_belong_to_root(folder: Path) -> None:
    receiver = Receiver()
    send(receiver, folder)
    with tarfile.open(fileobj=io.BytesIO(receiver.stdin.written)) as archive:
        found = {entry.name: entry for entry in archive}
    assert found["./web/files/run"].mode & 0o777 == 0o755
    assert found["./web/link"].linkname == "files/run"
    assert {(entry.uid, entry.gid, entry.uname) for entry in found.values()} == {(0, 0, "root")}
    assert {entry.mtime for entry in found.values()} == {FIXED_TIME}
    assert not folder.exists(), "it is not sent once more by another way"


def test_a_container_that_does_not_take_it_says_why(folder: Path) -> None:
    with pytest.raises(EngineError) as caught:
        send(Receiver(b""), folder)
    assert caught.value.detail == "tar: no space left"
