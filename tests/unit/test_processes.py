"""Tools of this machine: what they print, and that none outlives an interruption."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer, main_thread

import pytest

from pipeline import processes
from pipeline.errors import StopRequested
from pipeline.processes import Workers, run_in_terminal, run_tool

PATH = {"PATH": "/usr/bin:/bin"}

pytestmark = pytest.mark.allow("process")


def ignore(line: str) -> None:
    """Nobody listens."""
    assert line is not None


def gone(pid: int) -> bool:
    """Whether a process ends within a moment."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX":
                return True
            time.sleep(0.01)
            continue
        return True
    return False


def test_every_line_is_handed_over_and_the_exit_code_returned() -> None:
    lines: list[str] = []
    code = run_tool(("sh", "-c", "echo one; echo two >&2; printf 'a\\rb\\377'; exit 3"), PATH, lines.append)
    assert (code, lines) == (3, ["one", "two", "a", "b\ufffd"])


def test_a_tool_has_the_environment_that_is_given_and_no_input() -> None:
    lines: list[str] = []
    run_tool(("sh", "-c", "echo $A $HOME; cat; echo end"), {**PATH, "A": "1"}, lines.append)
    assert lines == ["1", "end"]


def test_a_tool_is_out_of_reach_of_the_terminals_ctrl_c() -> None:
    lines: list[str] = []
    run_tool(("sh", "-c", "echo $$; ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat"), PATH, lines.append)
    assert int(lines[1]) == int(lines[0]) != os.getsid(0)


def test_another_thread_can_end_a_tool_that_says_nothing() -> None:
    ends: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    @contextlib.contextmanager
    def ending(end: Callable[[], None]) -> Iterator[None]:
        ends.put(end)
        yield

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_tool, ("sleep", "60"), PATH, ignore, ending)
        ends.get(timeout=30)()
        assert running.result(timeout=30) == -signal.SIGTERM


@pytest.mark.parametrize("error", [StopRequested(130), KeyboardInterrupt(), ValueError("a display that broke")])
def test_an_interrupted_tool_is_ended_with_all_its_children(error: BaseException) -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.extend(map(int, line.split()))
        raise error

    with pytest.raises(type(error)) as caught:
        run_tool(("sh", "-c", "sleep 60 & sleep 60 & echo $$ $! ; wait"), PATH, interrupt)
    assert caught.value is error
    assert len(pids) == 2
    assert all(map(gone, pids))


def test_a_tool_that_ignores_term_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.1)
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.extend(map(int, line.split()))
        raise StopRequested(143)

    with pytest.raises(StopRequested):
        run_tool(("sh", "-c", "trap '' TERM; sh -c 'while :; do sleep 1; done' & echo $$ $!; wait"), PATH, interrupt)
    assert all(map(gone, pids))


def test_a_tool_that_was_already_over_does_not_hide_the_interruption() -> None:
    def interrupt(line: str) -> None:
        assert gone(int(line))
        raise StopRequested(130)

    with pytest.raises(StopRequested):
        run_tool(("sh", "-c", "echo $$"), PATH, interrupt)


def test_children_too_are_asked_to_end_before_they_are_killed(tmp_path: Path) -> None:
    child = f"trap 'echo tidy > {tmp_path}/child; exit' TERM; echo ready; sleep 60 & wait"

    def interrupt(line: str) -> None:
        assert line == "ready"
        raise StopRequested(130)

    with pytest.raises(StopRequested):
        run_tool(("sh", "-c", f'sh -c "{child}" & trap "wait; wait" TERM; wait'), PATH, interrupt)
    assert (tmp_path / "child").read_text(encoding="utf-8") == "tidy\n"


def test_ending_what_has_been_collected_already_is_no_error() -> None:
    with subprocess.Popen(["true"], text=True, start_new_session=True) as process:
        process.wait()
        processes._end(process)


def test_an_interruption_reaches_a_tool_that_has_closed_its_output(tmp_path: Path) -> None:
    def stop(number: int, frame: object) -> None:
        assert frame is None or number
        raise StopRequested(130)

    before = signal.signal(signal.SIGUSR1, stop)
    timer = Timer(0.2, signal.pthread_kill, (main_thread().ident, signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(StopRequested):
            run_tool(("sh", "-c", f"echo $$ > {tmp_path}/pid; exec >&- 2>&-; sleep 60 & wait"), PATH, ignore)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert gone(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_what_has_the_terminal_ends_with_its_own_code() -> None:
    assert run_in_terminal(("sh", "-c", "exit 3"), PATH) == 3
    assert run_in_terminal(("sh", "-c", "kill -KILL $$"), PATH) == 128 + signal.SIGKILL


def test_what_has_the_terminal_shares_our_input_and_our_session(capfd: pytest.CaptureFixture[str]) -> None:
    run_in_terminal(("sh", "-c", "cut -d' ' -f6 /proc/$$/stat; echo no >&2"), PATH)
    assert capfd.readouterr() == (f"{os.getsid(0)}\n", "no\n")


def test_ctrl_c_is_the_business_of_what_has_the_terminal() -> None:
    before = signal.getsignal(signal.SIGINT)
    code = run_in_terminal(("sh", "-c", f"trap 'exit 4' INT; kill -INT {os.getpid()}; kill -INT $$; sleep 9"), PATH)
    assert code == 4
    assert signal.getsignal(signal.SIGINT) is before


def test_term_is_handed_on_to_what_has_the_terminal() -> None:
    body = f"trap 'exit 5' TERM; kill -TERM {os.getpid()}; while :; do sleep 0.05; done"
    assert run_in_terminal(("sh", "-c", body), PATH) == 5
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# several at once


def test_what_a_tool_writes_is_kept_apart_and_progress_is_handed_over_as_it_comes(tmp_path: Path) -> None:
    lines: list[str] = []
    script = "printf '1%%\\r2%%\\r' >&2; echo out; pwd; echo err >&2; exit 3"
    done = Workers().run(("sh", "-c", script), PATH, folder=tmp_path, printed=lines.append)
    assert done == (3, f"out\n{tmp_path}\n")
    assert lines == ["1%", "2%", "err"]


def test_all_tools_are_ended_at_once_with_their_children_and_none_begins_afterwards() -> None:
    workers = Workers()
    begun: queue.Queue[int] = queue.Queue()

    def work() -> tuple[int, str]:
        return workers.run(("sh", "-c", "sleep 60 & echo $! >&2; wait"), PATH, printed=lambda pid: begun.put(int(pid)))

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(work) for _ in range(3)]
        children = [begun.get(timeout=30) for _ in running]
        workers.end()
        assert [future.result()[0] for future in running] == [-signal.SIGTERM] * 3
        assert all(map(gone, children))
        assert pool.submit(workers.run, ("sleep", "60"), PATH).result()[0] == -signal.SIGTERM


def test_a_program_that_is_not_there_is_no_tool() -> None:
    with pytest.raises(FileNotFoundError):
        Workers().run(("nowhere-to-be-found",), PATH)
