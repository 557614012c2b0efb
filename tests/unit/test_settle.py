"""The script that tidies a target up: its functions, over folders and processes of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from pipeline.residue import TRACES, left_behind
from pipeline.scripts import settle

within = settle.within
SOURCE = files("pipeline").joinpath("scripts", "settle.py").read_text(encoding="utf-8")
LONG_AGO = 0.0


@pytest.fixture
def soon(tmp_path: Path) -> Callable[[], float]:
    """A time that all that is there is older than, and all that is made afterwards is not."""

    def mark() -> float:
        time.sleep(0.03)  # the kernel's clock for files goes by ticks
        (tmp_path / "mark").touch()
        return (tmp_path / "mark").stat().st_ctime

    return mark


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_what_appeared_since_is_swept_away_and_what_was_there_stays(tmp_path: Path, soon: Callable[[], float]) -> None:
    run = tmp_path / "run"
    (run / "lock").mkdir(parents=True)
    (run / "lock" / "old").touch()
    (run / "old").touch()
    since = soon()
    (run / "app.pid").touch()
    (run / "lock" / "new").touch()
    (run / "app" / "deep").mkdir(parents=True)
    (run / "app" / "deep" / "socket").touch()
    (run / "link").symlink_to("/etc")
    settle.sweep(str(run), since)
    assert below(run) == {"lock", "lock/old", "old"}


def test_what_the_image_below_has_stays_even_if_it_looks_new(tmp_path: Path) -> None:
    for name in ("run/lock/new", "run/ours", "run/new/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    settle.sweep(str(tmp_path), LONG_AGO, frozenset({str(tmp_path / name) for name in ("run", "run/lock", "run/ours")}))
    assert below(tmp_path) == {"run", "run/lock", "run/ours"}


def test_a_folder_that_keeps_something_stays(tmp_path: Path, soon: Callable[[], float]) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "old").touch()
    since = soon()
    (tmp_path / "a" / "new").touch()
    settle.sweep(str(tmp_path / "a"), since)
    assert below(tmp_path / "a") == {"b", "b/old"}


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "kept")
    settle.sweep(str(tmp_path / "run"), LONG_AGO)
    settle.remove(str(tmp_path / "run" / "link"))
    assert below(tmp_path) == {"kept", "kept/file", "run"}


def test_what_is_mounted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name in ("volume", "file"))
    settle.sweep(str(tmp_path), LONG_AGO)
    assert below(tmp_path) == {"volume", "file"}


def test_what_cannot_be_removed_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("busy", "free"):
        (tmp_path / name).mkdir()
    rmdir = os.rmdir

    def refuse(path: str) -> None:
        if path.endswith("busy"):
            raise OSError(16, "Device or resource busy")
        rmdir(path)

    monkeypatch.setattr(os, "rmdir", refuse)
    settle.sweep(str(tmp_path), LONG_AGO)
    settle.sweep(str(tmp_path / "not there"), LONG_AGO)
    settle.remove(str(tmp_path / "not there"))
    assert below(tmp_path) == {"busy"}


@pytest.mark.allow("process")
def test_processes_are_ended_and_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Two real ones: one that ends on TERM, one that has to be killed; nobody else may be touched here.
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with contextlib.ExitStack() as stack:
        tame = stack.enter_context(subprocess.Popen(["sleep", "60"]))
        wild = stack.enter_context(subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE))
        stack.callback(wild.kill)
        stack.callback(tame.kill)
        assert wild.stdout
        wild.stdout.readline()
        begun = time.perf_counter()
        monkeypatch.setattr(settle, "others", lambda: [tame.pid, wild.pid])
        # Its three seconds pass in a tenth of one.
        monkeypatch.setattr(time, "monotonic", lambda: (time.perf_counter() - begun) * 30)
        settle.end_processes()
        assert (tame.wait(), wild.wait()) == (-15, -9)
    assert capsys.readouterr().out.splitlines()[0] == "ended: sleep 60"


def test_the_script_spares_itself_its_parent_and_process_1() -> None:
    assert not {1, os.getpid(), os.getppid()} & set(settle.others())
    assert settle.alive(os.getpid())
    assert not settle.alive(2**22 + 1)
    assert sys.executable.rsplit("/", 1)[-1][:6] in settle.command_of(os.getpid())
    assert settle.command_of(2**22 + 1) == ""


def test_process_1_started_in_the_past() -> None:
    assert 0 < settle.started() < time.time()


def test_folders_are_swept_and_patterns_removed_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (
        "run/pid",
        "run/own",
        "home/.ansible/tmp/x",
        "home/.ansible_async/1",
        "home/kept",
        "log/a.log",
        "log/kept",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("log")
    monkeypatch.setattr(settle, "others", list)
    monkeypatch.setattr(settle, "started", lambda: LONG_AGO)
    monkeypatch.setattr(settle, "homes", lambda: [str(tmp_path / "home")])
    monkeypatch.setattr(settle, "own", lambda: frozenset({f"{tmp_path}/run/own"}))
    monkeypatch.setattr(settle, "within", lambda folder, mounts: [] if folder == "/" else within(folder, mounts))
    for name in ("OWN", "GIVEN"):
        monkeypatch.setattr(settle, name, str(tmp_path / "given.json"))
    (tmp_path / "given.json").write_text("{}")
    folders = [f"{tmp_path}/run", f"{tmp_path}/link"]
    monkeypatch.setattr(sys, "argv", ["-c", *folders, "--", f"{tmp_path}/log/*.log", "--", TRACES])
    settle.main()
    assert below(tmp_path) == {"run", "run/own", "home", "home/kept", "log", "log/kept", "link", "given.json"}
    assert capsys.readouterr().out == ""


def test_what_should_have_gone_and_is_still_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], soon: Callable[[], float]
) -> None:
    for name in ("run/own", "opt/AnsiballZ_old.py", "given.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    soon()
    for name in ("run/busy", "run/two\nlines", "log/a.log", "opt/AnsiballZ_new.py", "opt/ansible.cfg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(settle, "remove", lambda _: None)
    monkeypatch.setattr(settle, "others", list)
    monkeypatch.setattr(settle, "own", lambda: frozenset({f"{tmp_path}/run/own"}))
    monkeypatch.setattr(
        settle, "within", lambda folder, mounts: within(str(tmp_path) if folder == "/" else folder, mounts)
    )
    monkeypatch.setattr(settle, "OWN", str(tmp_path / "mark"))
    monkeypatch.setattr(settle, "GIVEN", str(tmp_path / "given.json"))
    monkeypatch.setattr(sys, "argv", ["-c", f"{tmp_path}/run", "--", f"{tmp_path}/log/*.log", "--", TRACES])
    settle.main()
    said = left_behind(capsys.readouterr().out.splitlines())
    names = ("log/a.log", "opt/AnsiballZ_new.py", "run/busy", "run/two\nlines")
    assert said == tuple(f"A {tmp_path}/{name}" for name in names)


def test_what_is_mounted_is_not_looked_into(tmp_path: Path) -> None:
    for name in ("volume/AnsiballZ_x.py", "folder/AnsiballZ_x.py", "file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    mounts = frozenset({f"{tmp_path}/volume", f"{tmp_path}/file"})
    found = f"{tmp_path}/folder/AnsiballZ_x.py"
    assert settle.named(TRACES, LONG_AGO, mounts, str(tmp_path)) == {found}
    assert settle.unswept([str(tmp_path)], mounts) == {f"{tmp_path}/folder", found}
    assert settle.unswept([f"{tmp_path}/volume"], mounts) == set()
    assert settle.matching([f"{tmp_path}/volume/*", f"{tmp_path}/f*"], mounts) == {f"{tmp_path}/folder"}
    assert "/proc" in settle.mounted()


def test_a_file_that_the_engine_mounts_gets_its_content_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts, own, same = (tmp_path / name for name in ("hosts", "own", "same"))
    given = {str(path): "127.0.0.1 localhost\n" for path in (hosts, own, same)}
    (tmp_path / "given.json").write_text(json.dumps(given))
    for path in (hosts, own):
        path.write_text("127.0.0.1 localhost\n10.0.0.1 shop.example\n")
    same.write_text("127.0.0.1 localhost\n")
    inode = hosts.stat().st_ino
    monkeypatch.setattr(settle, "GIVEN", str(tmp_path / "given.json"))
    settle.restore(frozenset({str(hosts), str(same)}))
    assert [len(path.read_text().splitlines()) for path in (hosts, own, same)] == [1, 2, 1]
    assert hosts.stat().st_ino == inode  # a mounted file cannot be put in another's place


def test_importing_the_script_does_nothing_and_running_its_source_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-c", "--"])
    run = compile(SOURCE.replace("def main() -> None:", "def main() -> None:\n    raise StopIteration\n"), "-c", "exec")
    exec(run, {"__name__": "pipeline.scripts.settle"})  # noqa: S102 - as `python3 -c SOURCE` does
    with pytest.raises(StopIteration):
        exec(run, {"__name__": "__main__"})  # noqa: S102 - the same
