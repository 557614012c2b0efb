"""Containers: started, talked to, looked at, stopped and removed."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from pipeline.engine import ContainerId, Mount, State
from pipeline.errors import EngineError, NotFoundError
from tests.engine.conftest import LABELS, PREFIX, Bench


def ended(bench: Bench, container: ContainerId) -> State:
    for _ in range(200):
        if (state := bench.engine.state(container)).status == "exited":
            return state
        time.sleep(0.05)
    return pytest.fail("the container did not end")


def test_a_started_container_runs(bench: Bench) -> None:
    assert bench.engine.state(bench.start()).status == "running"


def test_a_container_that_cannot_start_does_not_stay(bench: Bench) -> None:
    mark = {"io.baseimage.test.start": uuid.uuid4().hex}
    with pytest.raises(EngineError, match="starting"):
        bench.start(command=("/no/such/command",), labels=LABELS | mark)
    assert bench.engine.owned("container", [f"{name}={value}" for name, value in mark.items()]) == ()


def test_an_unknown_image_cannot_be_started(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.start(f"{PREFIX}-unknown:1")


def test_a_name_cannot_be_taken_twice(bench: Bench) -> None:
    bench.start(name=f"{PREFIX}-twice")
    with pytest.raises(EngineError, match=f"{PREFIX}-twice"):
        bench.start(name=f"{PREFIX}-twice")


def test_names_are_found_by_how_they_begin(bench: Bench) -> None:
    container = bench.start(name=f"{PREFIX}-found-1")
    assert bench.engine.named("container", f"{PREFIX}-found") == ((container, f"{PREFIX}-found-1"),)
    assert (bench.root, f"{PREFIX}-root:1") in bench.engine.named("image", PREFIX)


def test_a_command_tells_its_exit_code_and_both_outputs(bench: Bench) -> None:
    container = bench.start()
    done = bench.engine.run(container, ("echo", "a", "b"))
    assert (done.exit_code, done.stdout, done.stderr) == (0, b"a b\n", b"")
    done = bench.engine.run(container, ("ls", "/no/such"))
    assert (done.exit_code, done.stdout, done.stderr) == (1, b"", b"ls: /no/such: No such file or directory\n")


def test_a_command_gets_its_environment_and_user(bench: Bench) -> None:
    container = bench.start()
    done = bench.engine.run(container, ("env",), environment={"WORD": "a $b 'c' \"d\""})
    assert "WORD=a $b 'c' \"d\"" in done.stdout.decode().splitlines()
    assert bench.engine.run(container, ("whoami",), user="nobody").stdout == b"nobody\n"
    assert bench.engine.run(container, ("whoami",)).stdout == b"root\n"


def test_the_environment_of_a_command_is_not_committed(bench: Bench) -> None:
    container = bench.start()
    bench.engine.run(container, ("true",), environment={"SECRET": "x"})
    image = bench.engine.find_image(bench.engine.commit(container, bench.config(), "", ""))
    assert image is not None
    assert image.config.environment == {}


def test_all_that_a_command_prints_arrives(bench: Bench) -> None:
    done = bench.engine.run(bench.start(), ("head", "-c", "5000000", "/dev/zero"))
    assert (done.exit_code, len(done.stdout)) == (0, 5_000_000)


def test_a_missing_command_has_an_exit_code_of_its_own(bench: Bench) -> None:
    assert bench.engine.run(bench.start(), ("no-such-command",)).exit_code in (126, 127)


def test_nothing_runs_in_a_container_that_has_ended(bench: Bench) -> None:
    container = bench.start(command=("true",))
    ended(bench, container)
    with pytest.raises(EngineError, match="running"):
        bench.engine.run(container, ("true",))


def test_nothing_runs_in_a_container_that_is_gone(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.engine.run(ContainerId("0" * 64), ("true",))


def test_a_channel_answers_line_by_line_and_ends_with_its_input(bench: Bench) -> None:
    channel = bench.engine.open(bench.start(), ("cat",))
    channel.stdin.write(b"one\n")
    assert channel.stdout.readline() == b"one\n"
    assert channel.exit_code() is None
    channel.stdin.write(b"two\n")
    assert channel.stdout.readline() == b"two\n"
    channel.stdin.close()
    assert channel.stdout.read() == b""
    assert soon(channel.exit_code) == 0
    channel.close()


def soon(ask: object) -> object:
    """The exit code follows the end of the output after a moment."""
    assert callable(ask)
    for _ in range(100):
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.02)
    return None


def test_a_channel_carries_much_both_ways_at_once(bench: Bench) -> None:
    data = bytes(range(256)) * 20_000
    channel = bench.engine.open(bench.start(), ("cat",))

    def feed() -> None:
        channel.stdin.write(data)
        channel.stdin.close()

    writer = threading.Thread(target=feed)
    writer.start()
    assert channel.stdout.read() == data
    writer.join()
    channel.close()


def test_a_channel_gets_its_environment_and_keeps_its_errors_apart(bench: Bench) -> None:
    container = bench.start()
    channel = bench.engine.open(container, ("env",), environment={"WORD": "x"})
    assert b"WORD=x\n" in channel.stdout.read()
    channel.close()
    channel = bench.engine.open(container, ("ls", "/no/such"))
    assert channel.stdout.read() == b""
    assert channel.stderr() == b"ls: /no/such: No such file or directory\n"
    assert soon(channel.exit_code) == 1
    channel.close()


def test_a_channel_that_is_closed_wakes_its_reader(bench: Bench) -> None:
    channel = bench.engine.open(bench.start(), ("cat",))
    channel.stdin.write(b"x\n")
    assert channel.stdout.readline() == b"x\n"
    reader = threading.Thread(target=channel.stdout.read)
    reader.start()
    time.sleep(0.1)
    channel.close()
    reader.join(5)
    assert not reader.is_alive()


def test_changes_are_the_paths_that_differ_from_the_image(bench: Bench) -> None:
    container = bench.start()
    assert bench.engine.changes(container) == ()
    bench.engine.run(container, ("touch", "/srv/file"))
    assert sorted(bench.engine.changes(container)) == ["A /srv/file", "C /srv"]


def test_what_is_in_a_mount_is_no_change_and_leaves_no_volume_in_the_image(bench: Bench) -> None:
    bench.engine.create_volume(f"{PREFIX}-mounted", LABELS)
    mounts = (Mount("", "/run/cache"), Mount(f"{PREFIX}-mounted", "/run/named"), Mount("", "/dev/memory", "tmpfs"))
    container = bench.start(mounts=mounts)
    bench.engine.run(container, ("touch", "/run/cache/file", "/run/named/file", "/dev/memory/file"))
    assert not [line for line in bench.engine.changes(container) if "file" in line]
    image = bench.engine.find_image(bench.engine.commit(container, bench.config(), "", ""))
    assert image is not None
    assert image.config.volumes == ()


def test_the_exit_code_of_a_container_that_ended_is_told(bench: Bench) -> None:
    assert ended(bench, bench.start(command=("true",))) == State("exited", 0)
    assert ended(bench, bench.start(command=("false",))) == State("exited", 1)


def test_stop_kills_what_does_not_listen(bench: Bench) -> None:
    container = bench.start()
    assert bench.engine.stop(container, seconds=1) == State("exited", 137)
    assert bench.engine.stop(container, seconds=1) == State("exited", 137)


def test_a_container_that_answers_its_probe_is_ready(bench: Bench) -> None:
    assert bench.engine.await_ready(bench.start(), ("true",), seconds=5).health == "healthy"
    assert bench.engine.await_ready(bench.start(), (), seconds=0.1).status == "running"


def test_the_last_lines_of_the_output_are_told(bench: Bench) -> None:
    container = bench.start(command=("echo", "one\ntwo\nthree"))
    ended(bench, container)
    assert bench.engine.logs(container) == "one\ntwo\nthree\n"
    assert bench.engine.logs(container, lines=1) == "three\n"


def test_a_container_is_removed_while_it_runs_and_only_once(bench: Bench) -> None:
    container = bench.start()
    bench.engine.remove_container(container)
    bench.engine.remove_container(container)
    with pytest.raises(NotFoundError):
        bench.engine.state(container)
