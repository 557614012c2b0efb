"""The player over a conductor whose workers are fakes: which Ansible plays, when it is told to, how it ends."""

from __future__ import annotations

import base64
import io
import json
import queue
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import pytest

from pipeline.aside import EngineAside
from pipeline.conductor import Conductor
from pipeline.engine import ContainerId, ContainerSpec, Engine, ImageId
from pipeline.errors import EngineError, PipelineError, PlayFailedError
from pipeline.events import Event, Output, TaskFinished
from pipeline.play_workers import WORKER
from pipeline.player import Play, RoleFiles
from pipeline.recipe import BaseImage, ConductorSettings

TARGET = ContainerId("0123456789abcdef")
ENDED = {"status": "successful"}
GOOD: dict[str, Any] = {"processed": {"web": 1}}
BAD: dict[str, Any] = {"processed": {"web": 1}, "failures": {"web": 1}}


class Stream(io.RawIOBase):
    """What a worker prints, one line at a time; who reads waits for the next."""

    def __init__(self) -> None:
        self.lines: queue.Queue[bytes] = queue.Queue()

    def readable(self) -> bool:
        return True

    def readline(self, _: int | None = -1, /) -> bytes:
        return self.lines.get(timeout=20)

    def read(self, _: int = -1, /) -> bytes:
        return self.readline()

    def end(self) -> None:
        self.lines.put(b"")


class Inbox(io.BytesIO):
    """What was written stays, and `on_write` hears of it."""

    name = "stdin"

    def __init__(self, on_write: Callable[[bytes], None] = lambda _: None) -> None:
        super().__init__()
        self.on_write = on_write
        self.content = b""

    def write(self, data: Any, /) -> int:
        self.content += bytes(data)
        self.on_write(bytes(data))
        return len(data)


@dataclass
class Pipe:
    """A channel: a worker's, a gate's, or one that takes files."""

    command: tuple[str, ...]
    stdin: IO[bytes]
    stdout: IO[bytes]
    folder: str = ""
    closed: bool = False

    def stderr(self) -> bytes:
        return b"said on stderr"

    def close(self) -> None:
        self.closed = True
        end = getattr(self.stdout, "end", None)
        if end:
            end()

    def say(self, *messages: dict[str, Any]) -> None:
        """Let the worker print messages, as ansible-runner's stream has them."""
        for message in messages:
            cast("Stream", self.stdout).lines.put(json.dumps(message).encode() + b"\n")

    def files(self) -> dict[str, str]:
        """What the worker was told to play."""
        _, _, content = cast("Inbox", self.stdin).content.split(b"\n", 2)
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(content.partition(b"{")[0])))
        return {name: archive.read(name).decode() for name in archive.namelist() if not name.endswith("/")}


@dataclass
class Machine:
    """The verbs of an engine that a conductor asks for; `plays` are what workers say when their gate opens."""

    pipes: list[Pipe] = field(default_factory=list)
    plays: list[tuple[dict[str, Any], ...]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refusals: int = 0

    def owned(self, *_: object) -> tuple[tuple[str, dict[str, str]], ...]:
        return ()

    def create_volume(self, *_: object) -> None:
        pass

    def start(self, _: ContainerSpec) -> ContainerId:
        return ContainerId("conductor")

    def remove_container(self, container: ContainerId) -> None:
        self.removed.append(container)

    def open(self, _: ContainerId, command: tuple[str, ...], environment: dict[str, str] | None = None) -> Pipe:
        if environment:
            folder = environment["ANSIBLE_ROLES_PATH"].removesuffix("/project/roles")
            pipe = Pipe(command, Inbox(), cast("IO[bytes]", Stream()), folder)
        elif "gate" in command:
            if self.refusals:
                self.refusals -= 1
                raise EngineError("no more processes")
            folder = command[command.index("gate") + 1]
            pipe = Pipe(command, Inbox(lambda data: self._opened(data, folder)), io.BytesIO(b"kept\n"), folder)
        else:
            pipe = Pipe(command, Inbox(), io.BytesIO(b"sent\n"))
        self.pipes.append(pipe)
        return pipe

    def workers(self) -> list[Pipe]:
        return [pipe for pipe in self.pipes if pipe.command[1:] == (WORKER, "worker")]

    def busy(self) -> list[Pipe]:
        """The workers that have been told everything."""
        return [worker for worker in self.workers() if b'"eof"' in cast("Inbox", worker.stdin).content]

    def await_told(self) -> Pipe:
        """The worker that is told everything next, or has been."""
        until = time.monotonic() + 20
        while not self.busy() and time.monotonic() < until:
            time.sleep(0.01)
        return self.busy()[-1]

    def _opened(self, data: bytes, folder: str) -> None:
        if data != b"all\n":
            return
        until = time.monotonic() + 20
        while not (told := [each for each in self.busy() if each.folder == folder]) and time.monotonic() < until:
            time.sleep(0.01)
        told[0].say(*self.plays.pop(0))


@dataclass
class Stage:
    """A conductor that runs, and what came of it."""

    machine: Machine
    conductor: Conductor
    events: list[Event]


@pytest.fixture
def stage() -> Iterator[Stage]:
    machine, events = Machine(), list[Event]()
    engine = cast("Engine", machine)
    numbers = iter(range(1, 100))
    conductor = Conductor(
        engine,
        ConductorSettings(BaseImage("debian:13")),
        events.append,
        labels={"io.owner": "x"},
        environ={},
        lock=lambda _: nullcontext(),
        aside=EngineAside(lambda: engine),
        name_target=lambda: f"run_target{next(numbers)}",
    )
    conductor.start(ImageId("sha256:c"))
    conductor.container()
    yield Stage(machine, conductor, events)
    conductor.stop()


@pytest.fixture
def play(tmp_path: Path) -> Play:
    folder = tmp_path / "roles" / "nginx"
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "main.yml").write_text("[]")
    return Play(RoleFiles("nginx", folder), {}, {}, True, False, True, "web/nginx/provision")  # noqa: FBT003


def event(name: str, **data: Any) -> dict[str, Any]:
    return {"event": name, "counter": 1, "uuid": "u", "event_data": data, "stdout": data.pop("stdout", "")}


OK = event("runner_on_ok", task="Install", res={"changed": True}, duration=1.0)
EOF = {"eof": True}


def host(worker: Pipe) -> str:
    inventory = json.loads(worker.files()["inventory/hosts.json"])
    return str(inventory["all"]["hosts"]["web"]["ansible_host"])


def test_targets_are_in_the_network_of_the_conductor_that_runs(stage: Stage) -> None:
    assert stage.conductor.network() == f"container:{stage.conductor.container()}"
    stage.conductor.stop()
    with pytest.raises(PipelineError):
        stage.conductor.network()


def test_a_play_that_was_prepared_is_played_on_a_target_of_the_name_that_was_given(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD), ENDED, EOF)]
    name = stage.conductor.prepare(play)
    assert stage.conductor.prepare(play) == name, "once is enough"
    stage.machine.await_told()
    assert stage.events == []
    assert stage.conductor.play(TARGET, play).counts == {"changed": 1}
    stage.conductor.conclude()
    (worker,) = stage.machine.busy()
    assert host(worker) == name
    assert worker.closed
    assert [type(each) for each in stage.events] == [TaskFinished]


def test_a_play_that_nobody_prepared_is_begun_on_its_target(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD), ENDED, EOF)]
    stage.conductor.play(TARGET, play)
    assert host(stage.machine.busy()[0]) == TARGET


def test_what_was_prepared_in_vain_is_let_go_and_the_right_play_is_begun(stage: Stage, play: Play) -> None:
    stage.conductor.prepare(replace(play, path="/old"))
    stage.machine.await_told()
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD), ENDED, EOF)]
    stage.conductor.play(TARGET, play)
    first, second = stage.machine.busy()
    assert (first.closed, second.closed) == (True, False)
    gates = [pipe for pipe in stage.machine.pipes if "gate" in pipe.command]
    assert gates[0].closed, "or an Ansible would wait for ever"
    assert host(second) == TARGET


def test_what_could_not_be_prepared_is_tried_again_when_it_is_needed(stage: Stage, play: Play) -> None:
    stage.machine.refusals = 1
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD), ENDED, EOF)]
    stage.conductor.prepare(play)
    assert stage.conductor.play(TARGET, play).counts == {"changed": 1}
    stage.machine.refusals = 2
    stage.conductor.prepare(play)
    with pytest.raises(EngineError, match="no more processes"):
        stage.conductor.play(TARGET, play)


def test_a_play_is_over_when_its_tasks_are_and_its_end_is_waited_for_later(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD))]
    stage.conductor.play(TARGET, play)
    (worker,) = stage.machine.busy()
    before = worker.closed
    worker.say(event("verbose", stdout="a last word"), ENDED, EOF)
    stage.conductor.conclude()
    assert stage.events[-1] == Output("web/nginx/provision", "a last word")
    assert (before, worker.closed) == (False, True)
    stage.conductor.conclude()


def test_an_ansible_that_fails_after_its_last_task_has_failed(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(OK, event("playbook_on_stats", **GOOD), {"status": "failed"}, EOF)]
    stage.conductor.play(TARGET, play)
    with pytest.raises(PlayFailedError, match="Ansible ended with 'failed'") as caught:
        stage.conductor.conclude()
    assert caught.value.detail == "said on stderr"
    assert stage.machine.busy()[0].closed


def test_a_failed_task_fails_the_play_and_says_how_to_look_inside(stage: Stage, play: Play) -> None:
    failed = event("runner_on_failed", task="Install", res={"msg": "no such package"})
    stage.machine.plays = [(failed, event("playbook_on_stats", **BAD), {"status": "failed"}, EOF)]
    with pytest.raises(PlayFailedError, match="role nginx, task 'Install': no such package") as caught:
        stage.conductor.play(TARGET, play)
    assert caught.value.look_inside == "docker exec -it 0123456789ab sh"
    assert stage.machine.busy()[0].closed


def test_a_play_without_a_task_is_over_when_ansible_has_ended(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(event("playbook_on_stats"), {"status": "failed"}, EOF)]
    with pytest.raises(PlayFailedError):
        stage.conductor.play(TARGET, play)


def test_a_conductor_that_goes_away_in_a_play_is_a_failure(stage: Stage, play: Play) -> None:
    stage.machine.plays = [(OK,)]
    stage.conductor.prepare(play)
    threading.Timer(0.2, stage.machine.await_told().close).start()
    with pytest.raises(PlayFailedError, match="could not be played"):
        stage.conductor.play(TARGET, play)


def test_the_next_play_is_begun_in_a_folder_of_its_own_while_one_is_played(stage: Stage, play: Play) -> None:
    begins = event("playbook_on_task_start", task="Install")
    stage.machine.plays = [(begins, OK, event("playbook_on_stats", **GOOD), ENDED, EOF)] * 2
    then = replace(play, step="web/app/provision")
    stage.conductor.play(TARGET, play, then)
    assert stage.conductor.prepare(then) == "run_target1"
    stage.conductor.conclude()
    stage.conductor.play(TARGET, then)
    folders = [pipe.folder for pipe in stage.machine.pipes if "gate" in pipe.command]
    assert len(set(folders)) == 2
    assert [host(worker) for worker in stage.machine.busy()] == [TARGET, "run_target1"]


def test_stopping_lets_go_of_everything(stage: Stage, play: Play) -> None:
    begins = event("playbook_on_task_start", task="Install")
    stage.machine.plays = [(begins, OK, event("playbook_on_stats", **GOOD))]
    stage.conductor.play(TARGET, play, replace(play, step="web/app/provision"))
    stage.conductor.stop()
    assert stage.machine.removed == ["conductor"]
    assert [pipe.command for pipe in stage.machine.pipes if not pipe.closed] == []
