"""run, stop, shell and compose: what reaches the engine, Compose and the docker command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pipeline import assembly
from pipeline.cli import compose as compose_command
from pipeline.cli import main as cli
from pipeline.cli import running
from pipeline.engine import ContainerId, ContainerSpec
from pipeline.errors import EngineError, UsageError
from pipeline.run_options import RunOptions
from tests.unit.fake_engine import FakeEngine

RECIPE = """\
version: "2"
defaults: {port: 80}
services:
  base: {from: debian:12}
  web:
    from: base
    ports: ["{{ port }}:80"]
    depends_on: [db]
    volumes: ["./src:/src"]
    stop_grace_period: 3s
    dev_overrides: {environment: {MODE: dev}}
  db: {from: base}
"""
ONE = """\
version: "2"
defaults: {port: 1}
services:
  web: {from: debian:12, ports: ["{{ port }}:80"], hostname: "{{ kept }}"}
"""


@dataclass
class FakeRunner:
    """Notes what is asked of it."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    code: int = 0

    def create(self, image: str, name: str, labels: Mapping[str, str], options: RunOptions) -> ContainerId:
        self.calls.append(("create", image, name, dict(labels), options))
        return ContainerId("c1")

    def start(self, container: ContainerId) -> None:
        self.calls.append(("start", container))

    def follow(self, container: ContainerId, output: Any, *, grace: float) -> int:
        self.calls.append(("follow", container, grace))
        output(b"out\n", False)  # noqa: FBT003 - the two streams
        output(b"err\n", True)  # noqa: FBT003 - the two streams
        if self.code < 0:
            raise EngineError("gone")
        return self.code

    def remove(self, container: ContainerId) -> None:
        self.calls.append(("remove", container))

    @property
    def verbs(self) -> list[str]:
        return [call[0] for call in self.calls]


@dataclass
class Line:
    """The command line over a project, an engine, and programs that only note how they are called."""

    folder: Path
    engine: FakeEngine
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    runner: FakeRunner = field(default_factory=FakeRunner)
    programs: list[tuple[str, ...]] = field(default_factory=list)
    code: int = 0

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of `baseimage WORDS`."""
        self.monkeypatch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *self.capsys.readouterr()

    def build(self, *services: str) -> None:
        """Pretend that these are built."""
        for name in services:
            self.engine.add_image(f"shop-{name}:1.2.0")

    def program(self, command: tuple[str, ...], _: object) -> int:
        self.programs.append(command)
        return self.code

    def compose(self, *command: Any) -> int:
        tool, file, name, folder, arguments, _ = command
        document = yaml.safe_load(file.read_text())
        self.programs.append((*tool, name, str(folder), *arguments, *document["services"]))
        return self.code


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    for folder, version in ((tmp_path, "1.2.0"), (tmp_path / "other", "2.0.0")):
        (folder / "recipes").mkdir(parents=True)
        (folder / "recipes/default.yml").write_text(RECIPE)
        (folder / "recipes/one.yml").write_text(ONE)
        (folder / "version.txt").write_text(version)
        (folder / "image.txt").write_text("project = shop\n")
    (tmp_path / "one.yml").write_text("kept: 1\n")
    (tmp_path / "two.yml").write_text("kept: 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASEIMAGE_STATE", str(tmp_path / "state"))
    made = Line(tmp_path, FakeEngine(), capsys, monkeypatch)
    monkeypatch.setattr(assembly, "open_engine", lambda *_, **__: made.engine)
    monkeypatch.setattr(assembly, "open_runner", lambda *_: made.runner)
    monkeypatch.setattr(running, "run_in_terminal", made.program)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "docker")
    monkeypatch.setattr(compose_command, "find_compose", lambda _: ("docker", "compose"))
    monkeypatch.setattr(compose_command, "run_compose", made.compose)
    return made


# compose


def test_compose_prints_a_file_of_what_runs(line: Line) -> None:
    code, out, err = line.run("compose")
    assert (code, err) == (0, "")
    assert out.startswith(
        "# Made from recipes/default.yml by `baseimage compose`.\n# docker compose -p shop -f THIS-FILE"
    )
    assert yaml.safe_load(out)["services"] == {
        "web": {
            "image": "shop-web:1.2.0",
            "ports": ["80:80"],
            "depends_on": ["db"],
            "volumes": ["./src:/src"],
            "stop_grace_period": "3s",
            "environment": {"MODE": "dev"},
        },
        "db": {"image": "shop-db:1.2.0"},
    }
    assert line.programs == []


def test_compose_writes_the_file_where_it_is_asked_to(line: Line) -> None:
    printed = line.run("compose")[1]
    assert line.run("compose", "-o", "docker-compose.yml") == (0, "", "")
    assert (line.folder / "docker-compose.yml").read_text() == printed


def test_up_hands_the_file_and_all_that_stands_behind_two_dashes_to_compose(line: Line) -> None:
    line.build("web", "db")
    line.code = 9
    assert line.run("compose", "up", "--", "-d", "--no-recreate")[0] == 9
    assert line.programs == [("docker", "compose", "shop", str(line.folder), "up", "-d", "--no-recreate", "web", "db")]


def test_up_refuses_while_images_are_not_built(line: Line) -> None:
    line.build("web")
    code, _, err = line.run("compose", "up")
    assert code == 2
    assert "not built yet: db (shop-db:1.2.0)" in err
    assert "hint: run: baseimage build recipes/default.yml -s db" in err
    assert line.programs == []


@pytest.mark.parametrize("verb", ["stop", "down"])
def test_what_ends_containers_needs_no_images(line: Line, verb: str) -> None:
    assert line.run("compose", verb, "--production")[0] == 0
    assert line.programs == [("docker", "compose", "shop", str(line.folder), verb, "web", "db")]


def test_without_compose_the_machine_is_told_what_to_install(line: Line) -> None:
    def nothing(_: object) -> None:
        raise UsageError("there is neither", hint="install it")

    line.monkeypatch.setattr(compose_command, "find_compose", nothing)
    assert line.run("compose", "up") == (2, "", "error: there is neither\nhint: install it\n")
    assert line.run("compose")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compose", "bring", "default"], "compose has no verb 'bring'"),
        (["compose", "nope"], "there is no recipe 'nope'"),
        (["compose", "up", "-o", "f"], "--output is not for up"),
        (["compose", "--", "-d"], "nobody to pass arguments on to"),
        (["compose", "-s", "nope"], "no service nope"),
        (["run"], "one service, please: there are base, web, db"),
        (["run", "-s", "web"], "not built yet: web (shop-web:1.2.0)"),
        (["shell", "-s", "web"], "not built yet: web (shop-web:1.2.0)"),
        (["shell", "--conductor"], "--conductor needs --kept"),
        (["shell", "--kept"], "no target of a failed build was kept"),
        (["shell", "--kept", "--conductor"], "no conductor of a failed build was kept"),
    ],
)
def test_what_cannot_be_asked_for_ends_with_2_and_starts_nothing(line: Line, words: list[str], said: str) -> None:
    code, out, err = line.run(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert (line.programs, line.runner.calls) == ([], [])


# run and stop


def test_run_ends_with_the_containers_status_and_removes_it(line: Line) -> None:
    line.build("web")
    line.runner.code = 7
    code, out, err = line.run("run", "-s", "web", "--", "serve", "--port", "80")
    assert (code, out) == (7, "out\n")
    assert err == "warning: depends_on needs other services: baseimage compose up\nerr\n"
    (_, image, name, labels, options), follow, remove = line.runner.calls
    assert (image, name) == ("shop-web:1.2.0", "shop-web")
    assert labels["io.baseimage.run.project"] == "shop"
    assert options.create == {"environment": {"MODE": "dev"}, "command": ["serve", "--port", "80"]}
    assert options.ports == ("80:80",)
    assert options.binds == (f"{line.folder}/./src:/src",)
    assert (follow, remove) == (("follow", "c1", 3.0), ("remove", "c1"))


def test_a_container_that_cannot_be_followed_is_removed(line: Line) -> None:
    line.build("web")
    line.runner.code = -1
    assert line.run("run", "-s", "web")[0] == 1
    assert line.runner.verbs == ["create", "follow", "remove"]


def test_what_is_detached_stays_and_its_name_is_printed(line: Line) -> None:
    line.build("web")
    code, out, _ = line.run("run", "-d", "-s", "web")
    assert (code, out) == (0, "shop-web\n")
    assert line.runner.verbs == ["create", "start"]


def left_running(line: Line, service: str, project: str = "shop") -> ContainerId:
    line.build(service)
    labels = {"io.baseimage.run.project": project, "io.baseimage.run.service": service, "io.baseimage.run.grace": "3.0"}
    return line.engine.start(ContainerSpec(image=f"shop-{service}:1.2.0", labels=labels, command=("sleep", "1")))


def test_stop_ends_what_runs_for_the_project_or_for_one_service(line: Line) -> None:
    for service in ("web", "db"):
        left_running(line, service)
    others = left_running(line, "web", "other-project")
    code, _, err = line.run("run", "-s", "web")
    assert (code, "shop-web runs already" in err) == (2, True)
    assert line.run("stop", "-s", "db") == (0, "stopped db\n", "")
    assert line.run("stop") == (0, "stopped web\n", "")
    assert line.run("stop") == (0, "nothing runs\n", "")
    assert list(line.engine.containers) == [others]


# shell


def test_a_shell_is_opened_by_the_docker_command(line: Line) -> None:
    line.build("web")
    line.code = 3
    assert line.run("shell", "-s", "web")[0] == 3
    assert line.run("shell", "-s", "web", "--", "bash", "-l")[0] == 3
    assert line.programs == [
        ("docker", "run", "--rm", "-i", "--entrypoint", "sh", "shop-web:1.2.0"),
        ("docker", "run", "--rm", "-i", "--entrypoint", "bash", "shop-web:1.2.0", "-l"),
    ]


def test_a_terminal_is_handed_on(line: Line) -> None:
    line.build("web")
    line.monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)}))
    line.run("shell", "-s", "web")
    assert line.programs[0][3:5] == ("-i", "-t")


def test_without_the_docker_command_there_is_no_shell(line: Line) -> None:
    line.monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    code, _, err = line.run("shell")
    assert code == 2
    assert "a shell needs the docker command" in err


def test_kept_is_the_newest_target_or_conductor(line: Line) -> None:
    line.engine.add_image("x")
    names = ["a_9_100_f_1", "a_8_200_e_1", "a_8_200_e_10", "a_8_200_e_9"]
    made = {
        name: line.engine.start(
            ContainerSpec(
                image="x",
                name=f"baseimage-kept_{name}",
                command=("sleep", "1"),
                labels=assembly.OWNED if name.endswith("_1") else {},
            )
        )
        for name in names
    }
    line.run("shell", "--kept")
    line.run("shell", "--kept", "--conductor", "--", "ls")
    assert line.programs == [
        ("docker", "exec", "-i", made["a_8_200_e_10"], "sh"),
        ("docker", "exec", "-i", made["a_8_200_e_1"], "ls"),
    ]


# options

COMMANDS: dict[str, click.Command] = {name: cli.cli.commands[name] for name in ("compose", "run", "stop", "shell")}
WEB = ["-s", "web"]
KEPT = ["one", "-e", "kept=1"]
WITH: dict[str, tuple[list[str], list[str]]] = {
    "project": (WEB, [*WEB, "--project", "other"]),
    "services": (WEB, ["-s", "db"]),
    "project_name": (WEB, [*WEB, "-n", "other"]),
    "debug": (["nope"], ["nope", "--debug"]),
    "recipe": (KEPT, [*WEB, *KEPT[1:]]),
    "vars_files": (["one", "--vars-file", "one.yml"], ["one", "--vars-file", "two.yml"]),
    "variables": (["one", "--vars-file", "one.yml"], ["one", "--vars-file", "one.yml", "-e", "port=2"]),
    "production": (WEB, [*WEB, "--production"]),
    "detach": (WEB, [*WEB, "-d"]),
    "output": (WEB, [*WEB, "-o", "file.yml"]),
    "verb": (WEB, ["up", *WEB]),
    "kept": (WEB, [*WEB, "--kept"]),
    "conductor": (["--kept"], ["--kept", "--conductor"]),
    "roles_path": ([*WEB, "-p", "roled"], [*WEB, "-p", "roled", "--roles-path", "roles"]),
}
NOT_FOR = {"stop": {"vars_files", "variables", "recipe"}, "shell": {"vars_files", "variables", "recipe"}}
"""Where a recipe is read for its services' names alone: what is in it changes nothing that is seen."""


@pytest.mark.parametrize(
    ("command", "parameter"),
    [
        (name, str(each.name))
        for name, command in COMMANDS.items()
        for each in command.params
        if str(each.name) not in NOT_FOR.get(name, set())
    ],
)
def test_every_parameter_reaches_what_it_is_for(line: Line, command: str, parameter: str) -> None:
    roled = line.folder / "roled"
    (roled / "recipes").mkdir(parents=True)
    (roled / "recipes/default.yml").write_text(RECIPE.replace("base: {", "base: {roles: [mine], "))
    for name in ("version.txt", "image.txt"):
        (roled / name).write_text((line.folder / name).read_text())
    (line.folder / "roles/mine/tasks").mkdir(parents=True)
    for name in ("web:2.0.0", "web:1.2.0", "db:1.2.0"):
        line.engine.add_image(f"shop-{name}")
    if command == "stop":
        for service in ("web", "db"):
            left_running(line, service)
        left_running(line, "web", "other")
    without, given = WITH[parameter]
    if (command, parameter) == ("stop", "project"):
        (line.folder / "other/image.txt").write_text("project = other\n")
    before = (line.run(command, *without), line.runner.calls, line.programs, set(line.engine.containers))
    line.runner.calls, line.programs = [], []
    after = (line.run(command, *given), line.runner.calls, line.programs, set(line.engine.containers))
    assert after != before
