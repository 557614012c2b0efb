"""The command line: exit codes, options, messages. What is behind it is a fake engine or a recorder."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline import assembly, doctor, errors, initializing, loading, runner, side_by_side
from pipeline.cli import main as cli
from pipeline.cli import options, upkeep, verify
from pipeline.doctor import Check
from pipeline.engine import ContainerId, ImageId
from pipeline.events import Sink
from pipeline.image_config import ImageConfig
from pipeline.player import Play, PlayResult
from pipeline.stage import Build, Tools
from tests.unit.fake_engine import FakeEngine
from tests.unit.fakes import BASE, World

RECIPE = """\
version: "2"
services:
  web:
    from: debian:12
    verify: false
    roles: [nginx]
  worker:
    from: debian:12
    verify: false
    roles: [app]
"""


class NamingEngine(FakeEngine):
    """With the name that the composition gives to a real engine's containers."""

    container_prefix = "baseimage-run_host_1_1_abc"


@dataclass
class Line:
    """The command line over a project and an engine; `seen` is what reached the runner."""

    folder: Path
    engine: NamingEngine
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    seen: list[object] = field(default_factory=list)
    fetched: list[object] = field(default_factory=list)

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of `baseimage WORDS`."""
        self.monkeypatch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return code, *self.capsys.readouterr()

    def record_runs(self) -> None:
        """Nothing is built: what the runner is asked for is kept in `seen`."""

        def run(
            builds: tuple[Build, ...], tools: Tools, catalogue: tuple[runner.Entry, ...], _: object, rules: runner.Rules
        ) -> tuple[Build, ...]:
            folders = [tools.records.role_files(role).folder for build in builds for role in build.service.roles]
            told: Any = tools
            self.seen = [*self.fetched, builds, folders, [entry.name for entry in catalogue]]
            self.seen += [rules.keep, rules.only_finished]
            self.seen += [told.roots._refresh, told.records._reuse, told.player._settings, told.cache._settings]
            return builds

        def bring(folder: Path, _: object, __: object, *, offline: bool) -> None:
            self.fetched.append((folder, offline))

        def run_beside(*given: Any) -> tuple[Build, ...]:
            *alone, crew = given
            done = run(*alone)
            self.seen.append(crew.jobs)
            return done

        self.monkeypatch.setattr(runner, "run", run)
        self.monkeypatch.setattr(side_by_side, "run", run_beside)
        self.monkeypatch.setattr(initializing, "bring_missing", bring)

    def pretend(self) -> World:
        """Builds run for good, with fakes behind them."""
        world = World(self.engine)

        def tools(_: object, __: object, ___: object, emit: Sink, *____: object) -> Tools:
            return replace(world.tools, emit=emit)

        self.monkeypatch.setattr(assembly, "tools", tools)
        return world


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    for folder in (tmp_path, tmp_path / "other"):
        for role in ("nginx", "app"):
            (folder / "roles" / role / "tasks").mkdir(parents=True)
        (folder / "recipes").mkdir()
        (folder / "recipes" / "default.yml").write_text(RECIPE)
        (folder / "recipes" / "small.yml").write_text(RECIPE[: RECIPE.index("  worker")])
        (folder / "recipes" / "templated.yml").write_text(RECIPE.replace("[nginx]", "[nginx]\n    user: '{{ kept }}'"))
        (folder / "version.txt").write_text("1.2.0\n" if folder == tmp_path else "2.0.0\n")
    (tmp_path / "more" / "nginx" / "tasks").mkdir(parents=True)
    (tmp_path / "more" / "nginx" / "tasks" / "main.yml").touch()
    (tmp_path / "one.yml").write_text("kept: 1\n")
    (tmp_path / "two.yml").write_text("kept: 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASEIMAGE_STATE", str(tmp_path / "state"))
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    engine = NamingEngine()
    monkeypatch.setattr(assembly, "open_engine", lambda *_, **__: engine)
    return Line(tmp_path, engine, capsys, monkeypatch)


def no_engine(*_: object, **__: object) -> NamingEngine:
    raise errors.EngineUnreachableError("no engine answers at unix:///x", hint="start dockerd")


def raiser(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


# exit codes


def test_a_build_that_succeeds_ends_with_0(line: Line) -> None:
    line.pretend()
    code, out, err = line.run("build")
    assert (code, err) == (0, "")
    assert "built 2 images" in out
    assert line.engine.find_image(f"{line.folder.name.lower()}-web:1.2.0")


def test_a_role_that_fails_ends_with_1_and_a_hint_to_look_inside(line: Line) -> None:
    line.pretend().player.failures["nginx"] = errors.PlayFailedError("role nginx, task 'x': no", place="roles/a.yml:3")
    code, _, err = line.run("build")
    assert code == 1
    assert "role nginx, task 'x': no" in err
    assert "run again with --keep" in err
    assert line.engine.containers == {}


def test_a_kept_target_is_said_how_to_enter(line: Line) -> None:
    failure = errors.PlayFailedError("role nginx, task 'x': no")
    failure.look_inside = "docker exec -it abc sh"
    line.pretend().player.failures["nginx"] = failure
    code, _, err = line.run("build", "--keep")
    assert code == 1
    assert "docker exec -it abc sh" in err
    assert len(line.engine.containers) == 1


@pytest.mark.parametrize("command", ["build", "plan", "tag", "push"])
def test_mistakes_in_the_files_end_with_2_one_line_each_and_nothing_is_started(line: Line, command: str) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(AssertionError("started")))
    (line.folder / "version.txt").write_text("one\n")
    (line.folder / "recipes" / "default.yml").write_text(RECIPE.replace("nginx", "ngnix"))
    code, _, err = line.run(command)
    assert code == 2
    said = [text for text in err.splitlines() if "error" in text.lower()]
    assert len(said) == 2
    assert sum("version.txt" in text for text in said) == 1
    assert sum("recipes/default.yml:6" in text and "'ngnix'" in text for text in said) == 1
    assert "app, nginx" in err  # the hint


@pytest.mark.parametrize(
    "words",
    [
        ["build", "nope"],
        ["build", "--nope"],
        ["nope"],
        ["build", "--project", "nowhere"],
        ["build", "--log-format", "xml"],
        ["build", "-s", "nope"],
        ["plan", "--pull"],
        ["gc", "too", "much"],
        ["gc", "--keep-storage", "much"],
        ["gc", "--keep-days", "-1"],
        ["gc", "--all", "--keep-days", "1"],
    ],
)
def test_what_cannot_be_asked_for_ends_with_2(line: Line, words: list[str]) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(AssertionError("started")))
    code, out, err = line.run(*words)
    assert (code, out) == (2, "")
    assert len([text for text in err.splitlines() if "rror" in text]) == 1


def test_plan_ends_with_3_while_there_is_something_to_build_and_with_0_after(line: Line) -> None:
    world = line.pretend()
    code, out, err = line.run("plan")
    assert (code, err) == (3, "")
    assert "BUILD" in out
    assert world.verbs() == []
    line.run("build")
    code, out, _ = line.run("plan")
    assert code == 0
    assert "BUILD" not in out


def test_plan_as_data_is_one_object_with_the_same_exit_code(line: Line) -> None:
    line.pretend()
    code, out, _ = line.run("plan", "--json")
    assert code == 3
    assert json.loads(out)["pending"] is True
    line.run("build")
    code, out, _ = line.run("plan", "--json")
    assert (code, json.loads(out)["pending"]) == (0, False)


@pytest.mark.parametrize("command", ["build", "plan"])
def test_a_role_to_refresh_has_to_be_there(line: Line, command: str) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(AssertionError("started")))
    code, _, err = line.run(command, "--refresh", "nope")
    assert code == 2
    assert "--refresh: no service has the role 'nope'" in err
    assert "there are: app, nginx" in err


@pytest.mark.parametrize("command", ["build", "tag", "push", "gc"])
def test_without_an_engine_the_end_is_4(line: Line, command: str) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", no_engine)
    code, _, err = line.run(command)
    assert code == 4
    assert "no engine answers at unix:///x" in err
    assert "start dockerd" in err


def test_plan_does_without_an_engine(line: Line) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", no_engine)
    code, out, err = line.run("plan")
    assert code == 3
    assert "role nginx" in out
    assert err.count("\n") == 1
    assert "no engine answers" in err


def test_a_push_that_is_refused_ends_with_5(line: Line) -> None:
    line.pretend()
    line.engine.fail("push", errors.PushFailedError("denied"))
    assert line.run("build", "--push")[0] == 5


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_build_in_order_with_its_code(line: Line, number: signal.Signals, code: int) -> None:
    world = line.pretend()
    before = signal.getsignal(number)

    def play(target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        assert target in line.engine.containers, (play, then)
        os.kill(os.getpid(), number)
        raise AssertionError("it went on")

    line.monkeypatch.setattr(world.player, "play", play)
    assert line.run("build")[0] == code
    assert line.engine.containers == {}
    assert world.player.running is None
    assert signal.getsignal(number) == before


def test_a_second_signal_does_not_interrupt_the_clean_up(line: Line) -> None:
    world = line.pretend()
    remove = line.engine.remove_container

    def play(target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        assert target in line.engine.containers, (play, then)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on")

    def interrupted(container: ContainerId) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        remove(container)

    line.monkeypatch.setattr(world.player, "play", play)
    line.monkeypatch.setattr(line.engine, "remove_container", interrupted)
    assert line.run("build")[0] == 130
    assert line.engine.containers == {}


@pytest.mark.parametrize("command", ["plan", "gc"])
def test_an_interrupted_question_ends_with_130(line: Line, command: str) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(KeyboardInterrupt()))
    assert line.run(command)[0] == 130


@pytest.mark.parametrize("command", ["build", "plan", "gc"])
def test_a_defect_ends_with_70_in_one_line_and_a_hint(line: Line, command: str) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(ZeroDivisionError("oops")))
    code, _, err = line.run(command)
    assert code == 70
    assert err.splitlines() == [
        "error: this is a defect of baseimage: ZeroDivisionError: oops",
        "hint: run it again with --debug for the trace, and report it",
    ]


def test_gc_says_what_it_removed(line: Line) -> None:
    line.engine.add_image("baseimage/cache:1")
    assert line.run("gc") == (0, "0 things removed\n", "")
    code, out, _ = line.run("gc", "--all", "--dry-run")
    assert (code, out) == (0, "would remove image baseimage/cache:1\n1 things to remove\n")
    assert line.run("gc", "--all")[1] == "removed image baseimage/cache:1\n1 things removed\n"
    assert line.engine.images == {}


def test_gc_with_a_budget_says_sizes(line: Line) -> None:
    line.engine.add_image("baseimage/cache:1")
    assert line.run("gc", "--keep-storage", "10GB") == (0, "0 things removed, 0.0 MB\n", "")
    said = "remove layer baseimage/cache:1 (of unknown origin)\n1 things to remove, 0.0 MB\n"
    assert line.run("gc", "--keep-days", "14", "--dry-run")[1] == f"would {said}"
    assert line.run("gc", "--keep-days", "14")[1].startswith("removed layer baseimage/cache:1")
    assert line.engine.images == {}


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1B", 1), ("10GB", 10**10), ("1.5 MB", 1_500_000), ("2k", 2000), ("1GiB", 2**30)]
)
def test_a_size_is_read_in_decimal_and_binary_units(text: str, size: int) -> None:
    assert upkeep.Bytes().convert(text, None, None) == size


def test_doctor_shows_every_check_and_fails_with_any(line: Line) -> None:
    checks = [Check("engine", good=True, found="20.10"), Check("disk", good=True, found="9 GB", hint="gc")]
    line.monkeypatch.setattr(doctor, "examine", lambda _: tuple(checks))
    assert line.run("doctor") == (0, "ok    engine: 20.10\nok    disk: 9 GB\n", "")
    checks[1] = Check("disk", good=False, found="0 GB", hint="gc")
    code, out, _ = line.run("doctor")
    assert code == 1
    assert out.splitlines()[1:] == ["FAIL  disk: 0 GB", "      hint: gc"]


@pytest.mark.parametrize("command", ["tag", "push"])
def test_tag_and_push_build_nothing(line: Line, command: str) -> None:
    world = line.pretend()
    code, _, err = line.run(command)
    assert code == 2
    assert "run: baseimage build" in err
    assert world.verbs() == []


# options


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """Every command by its words, those of groups too."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[before + name] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{name} ")
    return found


COMMANDS = commands(cli.cli)
OPTIONS = [
    (name, parameter)
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
]


RELEASES = "version|bump|release|release start|release finish|hotfix|hotfix start|hotfix finish".split("|")
"""Their options are looked at in test_cli_release."""


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_shows_every_option_with_an_explanation_and_the_exit_codes(line: Line, name: str) -> None:
    code, out, err = line.run(*name.split(), "--help")
    assert (code, err) == (0, "")
    assert "Exit codes:" in out
    assert "130  stopped by Ctrl-C" in out
    for command, option in OPTIONS:
        if command == name:
            assert option.help, option.name
            assert all(spelling in out for spelling in option.opts)
    assert line.run(*name.split(), "-h")[1] == out


def test_the_documented_exit_codes_are_those_that_are_used() -> None:
    for name, value in vars(errors).items():
        if name.startswith("EXIT_"):
            assert f" {value} " in options.EPILOG, name


WITH: dict[str, tuple[list[str], list[str]]] = {
    "project": ([], ["--project", "other"]),
    "services": ([], ["-s", "web"]),
    "project_name": ([], ["-n", "shop"]),
    "roles_path": ([], ["--roles-path", "more"]),
    "log_format": ([], ["--log-format", "json"]),
    "metadata_file": ([], ["--metadata-file", "no-folder/file"]),
    "debug": (["nope"], ["nope", "--debug"]),
    "pull": ([], ["--pull"]),
    "no_cache": ([], ["--no-cache"]),
    "refreshed_roles": ([], ["--refresh", "app"]),
    "as_data": ([], ["--json"]),
    "strategy": ([], ["--strategy", "docker"]),
    "offline": ([], ["--offline"]),
    "vault_password_file": ([], ["--vault-password-file", "nowhere"]),
    "secrets": ([], ["--secret", "id=nowhere"]),
    "cache_from": ([], ["--cache-from", "registry.example/cache"]),
    "cache_to": ([], ["--cache-to", "registry.example/cache"]),
    "cache_pull_requests": ([], ["--cache-pull-requests"]),
    "cache_strict": ([], ["--cache-strict"]),
    "push": ([], ["--push"]),
    "keep": ([], ["--keep"]),
    "jobs": ([], ["--jobs", "2"]),
    "recipe": ([], ["small"]),
    "vars_files": (["templated", "--vars-file", "one.yml"], ["templated", "--vars-file", "two.yml"]),
    "variables": (["templated", "-e", "kept=1"], ["templated", "-e", "kept=2"]),
    "everything": ([], ["--all"]),
    "dry_run": ([], ["--dry-run"]),
    "keep_storage": ([], ["--keep-storage", "0"]),
    "keep_days": ([], ["--keep-days", "1"]),
    "squash": ([], ["--squash"]),
    "reproducible": ([], ["--reproducible"]),
    "sbom": ([], ["--sbom"]),  # without a push it is refused
    "provenance": ([], ["--provenance"]),
    "signing_key": ([], ["--sign", "nowhere"]),
    "trust_config": ([], ["--trust-config", "nowhere"]),  # without --sign keyless it is refused
    "gitflow": ([], ["--gitflow"]),  # there is no repository
}
"""For every parameter: a command line without it and one with it, which have to differ in what they do."""


@pytest.mark.parametrize(
    ("command", "parameter"),
    [(name, str(each.name)) for name in ("build", "tag", "push") for each in COMMANDS[name].params],
)
def test_every_parameter_of_a_run_reaches_what_it_is_for(line: Line, command: str, parameter: str) -> None:
    line.record_runs()
    without, given = WITH[parameter]
    before = (line.run(command, *without), line.seen)
    line.seen, line.fetched = [], []
    assert (line.run(command, *given), line.seen) != before


def test_only_a_build_fetches_what_is_missing(line: Line) -> None:
    line.record_runs()
    for command in ("build", "tag", "push", "plan"):
        line.run(command)
    assert line.fetched == [(Path(), False)]


@pytest.mark.parametrize("parameter", [str(each.name) for each in COMMANDS["plan"].params])
def test_every_parameter_of_plan_changes_what_it_shows(line: Line, parameter: str) -> None:
    line.engine.add_image(BASE)
    tools = assembly.tools(*built(line))
    without, given = WITH[parameter]
    kept = loading.Options(line.folder, "templated", variables=("kept=1",))
    chosen = kept if "templated" in without else loading.Options(line.folder)
    for build in assembly.builds(loading.load(chosen, {})):
        base = line.engine.find_image(BASE)
        assert base
        for key in tools.records.keys(build, base, tools.player.key()):
            tools.records.save(key, line.engine.configure(base.id, ImageConfig(user=key.key[:9]), {}))
    (line.folder / "other" / "roles" / "app" / "tasks" / "main.yml").write_text("# changed\n")
    if parameter == "project_name":  # names are not shown, but they are checked
        without, given = ["-n", "shop"], ["-n", "no name!"]
    if parameter == "cache_from":  # where all is here, nobody is asked
        given = ["--cache-from", "no name!"]
    before = line.run("plan", *without)
    if parameter != "debug":
        assert before[0] == 0, before
    assert line.run("plan", *given) != before


def built(line: Line) -> tuple[Any, ...]:
    """What `assembly.tools` takes."""
    options, environ = loading.Options(line.folder), {"BASEIMAGE_STATE": str(line.folder / "state")}
    return loading.load(options, environ), options, line.engine, lambda _: None, environ


@pytest.mark.parametrize("parameter", [str(each.name) for each in COMMANDS["gc"].params])
def test_every_parameter_of_gc_changes_what_it_does(line: Line, parameter: str) -> None:
    line.engine.add_image("baseimage/cache:1")
    without, given = WITH[parameter]
    if parameter == "debug":
        line.monkeypatch.setattr(assembly, "open_engine", no_engine)
        without, given = [], ["--debug"]
    before = line.run("gc", *without)
    assert line.run("gc", *given) != before


def test_two_builds_with_the_same_images_are_said_to_be_so_and_leave_no_names(line: Line) -> None:
    line.pretend()
    code, out, _ = line.run("verify", "--twice", "--log-format", "quiet")
    assert code == 0
    assert [text.split(",")[0] for text in out.splitlines() if "twice" in text] == [
        "web: the same twice",
        "worker: the same twice",
    ]
    assert line.engine.named("image", "baseimage/twice") == ()
    assert line.engine.named("image", f"{line.folder.name.lower()}-web") == ()


def test_two_builds_with_other_images_end_with_1_and_what_differs(line: Line) -> None:
    world = line.pretend()
    line.monkeypatch.setattr(world.records, "rewritten", lambda *_: None)

    def rewrite(image: str, _: object) -> ImageId:
        stored = line.engine.need(image)
        return line.engine.store(stored.config, stored.layers, stored.files, made_of=str(line.engine.number()))

    line.monkeypatch.setattr(line.engine, "rewrite", rewrite)
    line.monkeypatch.setattr(verify, "compared", lambda _, *names: (f"{len(names)} images: /etc/x: size 1 and 2",))
    code, out, _ = line.run("verify", "--twice", "--log-format", "quiet", "-s", "web")
    assert code == 1
    assert out.splitlines()[-2:] == ["web: differs", "  2 images: /etc/x: size 1 and 2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to verify: IMAGE --key FILE, IMAGE --identity"),
        (("x", "--twice", "--key", "key.pem"), "say what to verify: IMAGE --key FILE, IMAGE --identity"),
        (("--key", "key.pem"), "say which image"),
    ],
)
def test_verify_wants_to_know_what_to_verify(line: Line, arguments: tuple[str, ...], said: str) -> None:
    (line.folder / "key.pem").touch()
    given = [str(line.folder / each) if each == "key.pem" else each for each in arguments]
    code, _, err = line.run("verify", *given)
    assert code == 2
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "in_recipe", "rewritten"),
    [
        ((), "", False),
        (("--reproducible",), "", True),
        ((), "settings: {reproducible: true}\n", True),
        (("--no-reproducible",), "settings: {reproducible: true}\n", False),
        (("--push",), "", False),
    ],
)
def test_images_are_rewritten_where_somebody_says_so(
    line: Line, arguments: tuple[str, ...], in_recipe: str, *, rewritten: bool
) -> None:
    (line.folder / "recipes" / "default.yml").write_text(in_recipe + RECIPE)
    line.record_runs()
    line.run("build", *arguments)
    seen: list[Any] = line.seen
    builds, catalogue = seen[1], seen[3]
    assert ("rewrite" in catalogue) == rewritten
    assert {build.epoch for build in builds} == {315_532_800 if rewritten else None}


def test_the_time_of_the_environment_goes_before_any_other(line: Line) -> None:
    line.record_runs()
    line.monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    line.run("build", "--reproducible")
    seen: list[Any] = line.seen
    assert {build.epoch for build in seen[1]} == {1_700_000_000}
    line.monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    code, _, err = line.run("build", "--reproducible")
    assert code == 2
    assert "SOURCE_DATE_EPOCH is 'yesterday'" in err


def test_no_command_was_forgotten() -> None:
    begin, modules, past = {"new", "import"}, {"initialize", "clean"}, {"list", "inspect", "logs", "diff"}
    containers, proof = {"run", "stop", "shell", "compose"}, {"keys", "sbom", "verify"}
    # Those have tests of their own.
    elsewhere = begin | modules | past | containers | proof | set(RELEASES)
    assert set(COMMANDS) == {"build", "plan", "tag", "push", "gc", "doctor", "schema"} | elsewhere
    assert {str(option.name) for command, option in OPTIONS if command not in elsewhere} | {"recipe"} == set(WITH)


TEN_MISTAKES = """\
version: "1"
settings: {vars_files: [nope.yml]}
defaults: {1st: x}
services:
  web:
    form: debian:12
    command: "{{ port }}"
    environment:
    ports: [http]
    user: x
    user: y
    volumes: {x: }
  app: {from: {service: wbe}, roles: [{rol: x}]}
volumes: {x: }
"""


@pytest.mark.parametrize("command", ["build", "plan", "tag", "push"])
def test_mistakes_of_every_kind_are_told_in_one_run_and_nothing_is_started(line: Line, command: str) -> None:
    (line.folder / "recipes" / "default.yml").write_text(TEN_MISTAKES)
    code, out, err = line.run(command)
    assert (code, out, line.engine.calls) == (2, "", [])
    told = [each for each in err.splitlines() if "recipes/default.yml:" in each]
    assert all(each.partition("recipes/default.yml")[0].strip() in ("error:", "") for each in told), err
    wanted = """
        :1:1: version: must be "2"
        :2:25: settings.vars_files[0]: recipes/nope.yml: the vars file is missing
        :3:12: defaults.1st: cannot name a variable
        :5:3: services.web.from: is missing
        :6:5: services.web.form: unknown key
        :7:5: services.web.command: the variable port is not defined
        :8:5: services.web.environment: has no value
        :9:13: services.web.ports[0]: must be a port
        :11:5: services.web.user: this key stands on line 10 already
        :12:5: services.web.volumes: must be a list, is a map
        :12:15: services.web.volumes.x: has no value
        :13:9: services.app.from: the recipe has no service 'wbe'
        :13:39: services.app.roles[0].role: is missing
        :14:11: volumes.x: has no value
    """
    for each in wanted.strip().splitlines():
        assert each.strip() in err
    assert len(told) == len(wanted.strip().splitlines())


# --debug


@pytest.mark.parametrize("command", ["build", "plan", "gc", "doctor"])
@pytest.mark.parametrize("error", [errors.EngineError("no"), ZeroDivisionError("no")])
def test_debug_shows_the_trace_of_an_error(line: Line, command: str, error: Exception) -> None:
    line.monkeypatch.setattr(assembly, "open_engine", raiser(error))
    line.monkeypatch.setattr(doctor, "examine", raiser(error))
    code, _, err = line.run(command, "--debug")
    assert code in (1, 70)
    assert "Traceback (most recent call last)" in err
    assert err.count(f"{type(error).__name__}: no") >= 1
    assert "Traceback" not in line.run(command)[2]


def test_a_full_disk_is_no_defect_and_names_what_to_do(line: Line) -> None:
    world = line.pretend()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "layers/x.json")

    line.monkeypatch.setattr(type(world.records), "save", full)
    code, _, err = line.run("build", "--log-format", "plain")
    assert code == 1
    assert err == (
        "error: No space left on device: layers/x.json\nhint: make room, for example with: baseimage gc --all\n"
    )
