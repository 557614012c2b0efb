"""The FIFO at which an Ansible waits for its target, kept by a real shell."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path
from typing import IO, Any, cast

import pytest

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError
from pipeline.gate import Gate, hosts_behind
from pipeline.sending import packed

pytestmark = pytest.mark.allow("process")


class Shell:
    """An engine whose only container is this machine, and its channels."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def open(self, _: str, command: tuple[str, ...], **settings: Any) -> Shell:
        assert not settings
        pipe = subprocess.PIPE
        self.processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0))
        return self

    @property
    def stdin(self) -> IO[bytes]:
        return cast("IO[bytes]", self.processes[-1].stdin)

    @property
    def stdout(self) -> IO[bytes]:
        return cast("IO[bytes]", self.processes[-1].stdout)

    def stderr(self) -> bytes:
        return cast("IO[bytes]", self.processes[-1].stderr).read()

    def close(self) -> None:
        for stream in (self.stdin, self.stdout, self.processes[-1].stderr):
            if stream:
                stream.close()


@pytest.fixture
def shell() -> Shell:
    return Shell()


def kept(shell: Shell, folder: Path) -> Gate:
    return Gate(cast("Engine", shell), ContainerId("conductor"), str(folder))


def read(folder: Path) -> str:
    """What Ansible finds as its hosts."""
    found = re.fullmatch(r"\{\{ lookup\('ansible.builtin.file', '(?P<path>\S+)'\) }}", hosts_behind(str(folder)))
    assert found
    return Path(found["path"]).read_text()


def test_whoever_reads_waits_until_the_gate_is_opened(shell: Shell, tmp_path: Path) -> None:
    gate = kept(shell, tmp_path / "play")
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(read(tmp_path / "play")), daemon=True)
    reader.start()
    reader.join(0.2)
    assert heard == []
    gate.open()
    reader.join(10)
    assert heard == ["all"]
    assert read(tmp_path / "play") == "all", "who asks once more does not wait"
    gate.close()
    assert shell.processes[0].wait(10) == 0


def test_what_was_sent_for_a_play_goes_with_its_gate(shell: Shell, tmp_path: Path) -> None:
    gate = kept(shell, tmp_path / "play")
    (tmp_path / "play" / "project" / "file").touch()
    gate.open()
    read(tmp_path / "play")
    assert (tmp_path / "play" / "project").exists()
    gate.close()
    assert shell.processes[0].wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_roles_are_unpacked_before_the_gate_is_kept(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "roles"
    (folder / "nginx").mkdir(parents=True)
    (folder / "nginx" / "run").touch(mode=0o755)
    (folder / "nginx" / "text").write_text("x" * 100_000)
    archive = packed(folder)
    assert not folder.exists()
    gate = Gate(cast("Engine", shell), ContainerId("conductor"), str(tmp_path / "play"), archive)
    there = tmp_path / "play" / "project" / "roles" / "nginx"
    assert [(file.name, file.stat().st_mode & 0o777) for file in sorted(there.iterdir())] == [
        ("run", 0o755),
        ("text", 0o644),
    ]
    assert (there / "text").read_text() == "x" * 100_000
    gate.open()
    assert read(tmp_path / "play") == "all"
    gate.close()
    assert shell.processes[0].wait(10) == 0


def test_roles_that_are_not_small_are_not_packed_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x" * 100)
    monkeypatch.setattr("pipeline.sending.SMALL", 50)
    assert packed(tmp_path) == b""
    assert (tmp_path / "file").exists()


def test_an_ansible_for_which_nobody_opens_finds_no_hosts(shell: Shell, tmp_path: Path) -> None:
    gate = kept(shell, tmp_path)
    gate.close()
    assert read(tmp_path) == ""
    assert shell.processes[0].wait(10) == 0


def test_a_conductor_that_can_keep_no_gate_says_why(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "plays").touch()
    with pytest.raises(EngineError, match="keeps no gate") as caught:
        kept(shell, tmp_path / "plays" / "one")
    assert "directory" in caught.value.detail.lower()
    assert shell.processes[0].wait(10) != 0
