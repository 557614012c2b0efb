"""Run the command in a project folder and look at what it did: the hands and eyes of the project tests."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self, cast

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound

ROOT = Path(__file__).parents[2]
PREFIX = "baseimage-test"
"""What the names of all images that these tests make begin with."""
PATIENCE = 300
CHANGES = ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "TRAVIS_PULL_REQUEST", "CHANGE_ID")
"""Names by which a CI service tells of a pull request: these tests are not about the one that they may be part of."""
NOT_INHERITED = ("CI", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITLAB_CI", *CHANGES)
JSON = ("--log-format", "json")
Event = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How the command ended, and all that it said."""

    code: int
    stdout: str
    stderr: str
    pid: int
    seconds: float

    @property
    def events(self) -> list[Event]:
        """Every line of stdout, which has to be JSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def all(self, name: str, **wanted: object) -> list[Event]:
        """The events of this name that say what is wanted."""
        return [event for event in self.events if matches(event, event=name, **wanted)]

    def one(self, name: str, **wanted: object) -> Event:
        """The only such event."""
        (found,) = self.all(name, **wanted)
        return found

    @property
    def image(self) -> str:
        """The id of the image that was built."""
        return str(self.one("image_built")["image"])

    def played(self) -> list[str]:
        """The roles that were played, in order."""
        return [event["role"] for event in self.all("step_started", stage="provision")]

    def cached(self) -> list[str]:
        """The roles that were not played, in order."""
        return [event["role"] for event in self.all("step_cached", stage="provision")]

    def well(self) -> Self:
        """This, if it ended well."""
        assert self.code == 0, f"exit code {self.code}\n{self.stdout[-5000:]}\n{self.stderr[-3000:]}"
        return self


def matches(happened: Event, /, **wanted: object) -> bool:
    """Whether an event says all that is wanted."""
    return all(happened.get(key) == value for key, value in wanted.items())


class Running:
    """A command that runs: wait for what it says, send it a signal, wait for its end."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str], said: Path) -> None:
        """Start it."""
        self._started = time.monotonic()
        self._lines: list[str] = []
        self._said = said
        with said.open("w") as stderr:
            self.process = subprocess.Popen(
                command, cwd=folder, env=dict(environment), stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        self._watchdog = threading.Timer(PATIENCE, self.process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    @property
    def pid(self) -> int:
        """The command's process id."""
        return self.process.pid

    def until(self, **wanted: object) -> Event:
        """Read events up to the first that says what is wanted."""
        for line in self._stdout:
            self._lines.append(line)
            event: Event = json.loads(line)
            if matches(event, **wanted):
                return event
        outcome = self.end()
        raise AssertionError(f"ended with {outcome.code} before {wanted}\n{outcome.stdout[-3000:]}\n{outcome.stderr}")

    def stop(self, number: signal.Signals) -> Outcome:
        """Send a signal and wait for the end."""
        sent = time.monotonic()
        self.process.send_signal(number)
        outcome = self.end()
        return Outcome(outcome.code, outcome.stdout, outcome.stderr, outcome.pid, time.monotonic() - sent)

    def end(self) -> Outcome:
        """Wait for the end."""
        self._lines += self._stdout.readlines()
        code = self.process.wait()
        self._watchdog.cancel()
        self._stdout.close()
        seconds = time.monotonic() - self._started
        return Outcome(code, "".join(self._lines), self._said.read_text(), self.pid, seconds)

    @property
    def _stdout(self) -> IO[str]:
        return cast("IO[str]", self.process.stdout)


@dataclass
class Project:
    """A folder with version.txt, image.txt, recipes and roles, and the command to run in it."""

    folder: Path
    engine: DockerClient
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:10])
    pids: list[int] = field(default_factory=list)
    images: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the folder, with a version and a repository that no other test has."""
        self.environment = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}  # noqa: TID251 - a test's edge
        self.scratch = self.folder.parent / "scratch"
        self.scratch.mkdir(parents=True)
        self.environment |= {
            "PYTHONPATH": str(ROOT),
            "BASEIMAGE_STATE": str(self.state),
            "TMPDIR": str(self.scratch),
        }
        self.write("version.txt", "0.1.0\n")
        self.write("image.txt", f"repository = {self.repository}\n")

    @property
    def repository(self) -> str:
        """Where the images go."""
        return f"{PREFIX}/{self.unique}"

    @property
    def state(self) -> Path:
        """The command's own notes."""
        return self.folder.parent / "state"

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file of the project; indentation that all lines share is taken away."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        file.chmod(mode)
        return file

    def recipe(self, text: str = "", /, **service: Any) -> None:
        """recipes/default.yml: as it is, or with the keys of one service, `web` (`base` for from).

        Its roles get a variable of their own value, so that no layer of another run is theirs; by its name it counts
        for every role, whether it mentions it or not.
        """
        if service:
            keys = {"from" if key == "base" else key: value for key, value in service.items()}
            keys["vars"] = {"ansible_unique": self.unique, **keys.get("vars", {})}
            text = json.dumps({"version": "2", "services": {"web": keys}}, indent=1)
        self.write("recipes/default.yml", text)

    def role(self, name: str, tasks: str) -> Path:
        """A role of nothing but tasks; its folder."""
        return self.write(f"roles/{name}/tasks/main.yml", f"---\n{textwrap.dedent(tasks)}").parents[1]

    def start(self, *arguments: str, **environment: str) -> Running:
        """The command, running."""
        command = [sys.executable, "-m", "pipeline", *arguments]
        said = self.folder.parent / f"stderr-{len(self.pids)}"
        running = Running(command, self.folder, self.environment | environment, said)
        self.pids.append(running.pid)
        return running

    def run(self, *arguments: str, **environment: str) -> Outcome:
        """The command, run to its end."""
        return self.start(*arguments, **environment).end()

    def build(self, *arguments: str, **environment: str) -> Outcome:
        """`baseimage build` with events on its stdout."""
        outcome = self.run("build", *JSON, *arguments, **environment)
        self.images |= {event["image"] for event in outcome.all("image_built")}
        return outcome

    def remove_all(self) -> None:
        """Take away what runs in this folder left in the engine: containers, cached layers, images."""
        for container in containers_of(self.engine, *self.pids):
            remove_container(self.engine, container)
        for note in (self.state / "layers").glob("*.json"):
            remove_image(self.engine, f"baseimage/cache:{note.stem}")
        for image in self.engine.api.images():  # not .list(), which asks for each and fails where one has just gone
            for tag in image["RepoTags"] or []:
                if self.unique in tag:
                    remove_image(self.engine, tag)
        for identity in self.images:
            remove_nameless(self.engine, identity)


def containers_of(engine: DockerClient, *pids: int) -> list[str]:
    """Names of the containers that runs of these processes made."""
    form = re.compile(rf"/(baseimage-(run|kept)_[^_]+_({'|'.join(map(str, pids)) or '-'})_.*)")
    names = [name for entry in engine.api.containers(all=True) for name in entry["Names"]]
    return [match[1] for name in names if (match := form.fullmatch(name))]


def remove_container(engine: DockerClient, name: str) -> None:
    """Remove a container with its anonymous volumes, if it is there."""
    with suppress(NotFound):
        engine.api.remove_container(name, v=True, force=True)


def remove_image(engine: DockerClient, reference: str) -> None:
    """Remove an image's name, and the image where that was the last; another one's children keep it."""
    with suppress(ImageNotFound, APIError):
        engine.images.remove(reference, force=True)


def remove_nameless(engine: DockerClient, image: str) -> None:
    """Remove an image if nobody has a name for it."""
    with suppress(ImageNotFound):
        if not engine.images.get(image).tags:
            remove_image(engine, image)


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Look again and again until the condition holds or time is up; say which."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
