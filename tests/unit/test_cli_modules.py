"""The command `initialize`: what it says, asks, and ends with."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import main as cli
from tests.unit.repositories import Home, Repository, git

pytestmark = pytest.mark.allow("process")


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


class Typist:
    """The command line in a project, with repositories `one` and `two` beside it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.one = Home(tmp_path / "home"), Repository(tmp_path / "one")
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.chdir(self.home.folder)
        for name, value in self.home.environ.items():
            monkeypatch.setenv(name, value)
        self.home.modules(one=self.one.folder)

    def types(self, text: str) -> None:
        """What is answered from now on."""
        self._monkeypatch.setattr(sys, "stdin", Terminal(text))

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of `baseimage WORDS`."""
        self._monkeypatch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *self._capsys.readouterr()


@pytest.fixture
def typist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typist:
    return Typist(tmp_path, monkeypatch, capsys)


def test_what_is_fetched_is_said_with_its_commit(typist: Typist) -> None:
    code, out, err = typist.run("initialize")
    assert (code, err) == (0, "")
    assert f"initialize/roles/one  {typist.one.folder}\n" in out
    assert typist.one.tip[:12] in out
    assert out.endswith("s\n")
    assert "done in" in out.splitlines()[-1]
    assert "built" not in out


def test_without_modules_there_is_nothing_to_do(typist: Typist) -> None:
    (typist.home.folder / ".projmodules").unlink()
    code, out, err = typist.run("initialize")
    assert (code, err) == (0, "")
    assert out == "nothing to initialize: no modules are named in .projmodules or requirements.yml\n"


def test_a_failure_ends_with_1_says_where_and_nothing_of_success(typist: Typist) -> None:
    typist.home.modules(one=typist.one.folder, bad="../nowhere.git")
    code, out, err = typist.run("initialize")
    assert code == 1
    assert err.startswith('error: .projmodules:4:1: submodule "bad": roles/bad cannot be fetched from ../nowhere.git: ')
    assert " done in 0" not in "".join(text for text in out.splitlines() if "roles/" not in text)
    assert [text for text in out.splitlines() if "roles/bad" in text and "done" in text] == []
    assert typist.home.at("roles/one") == typist.one.tip


def test_mistakes_in_all_three_files_are_told_at_once_and_end_with_2(typist: Typist) -> None:
    typist.home.write(".projmodules", '[submodule "x"]\npath = roles/x\nulr = u\n')
    typist.home.write("requirements.yml", "- {src: nginx}\n")
    typist.home.write("projmodules.lock", "[]\n")
    code, out, err = typist.run("initialize")
    assert (code, out) == (2, "")
    places = [text.split(": ")[1] for text in err.splitlines() if text.startswith("error: ")]
    assert places == [".projmodules:1:1", ".projmodules:3:1", "projmodules.lock:1:1", "requirements.yml:1:3"]
    assert "hint: did you mean url?" in err


@pytest.mark.parametrize(("answer", "code", "mine"), [("n\n", 130, True), ("", 130, True), ("y\n", 0, False)])
def test_force_asks_before_it_removes_anything(typist: Typist, answer: str, code: int, *, mine: bool) -> None:
    typist.run("initialize")
    typist.home.write("roles/one/mine.yml", "mine")
    typist.types(answer)
    ended, _, err = typist.run("initialize", "--force")
    assert ended == code
    assert "changes that are not committed are lost" in err
    assert (typist.home.folder / "roles/one/mine.yml").exists() is mine


def test_force_does_not_guess_where_nobody_can_answer(typist: Typist) -> None:
    typist.run("initialize")
    typist.home.write("roles/one/mine.yml", "mine")
    code, _, err = typist.run("initialize", "--force")
    assert code == 2
    assert "say --yes" in err
    assert (typist.home.folder / "roles/one/mine.yml").exists()


def test_json_is_all_that_a_program_reads(typist: Typist) -> None:
    code, out, err = typist.run("initialize", "--log-format", "json")
    assert (code, err) == (0, "")
    events = [json.loads(text)["event"] for text in out.splitlines()]
    assert events == ["build_started", "step_started", "step_finished", "build_finished"]
    (typist.home.folder / ".projmodules").unlink()
    code, out, _ = typist.run("initialize", "--log-format", "json")
    assert [json.loads(text)["event"] for text in out.splitlines()] == ["build_started", "build_finished"]


WITH: dict[str, tuple[list[str], list[str]]] = {
    "project": ([], ["--project", "other"]),
    "update": ([], ["--update"]),
    "force": ([], ["--force", "--yes"]),
    "yes": (["--force"], ["--force", "--yes"]),
    "offline": (["--update"], ["--update", "--offline"]),
    "log_format": ([], ["--log-format", "json"]),
    "debug": (["--offline", "--update"], ["--offline", "--update", "--debug"]),
}


@pytest.mark.parametrize("parameter", [str(each.name) for each in cli.cli.commands["initialize"].params])
def test_every_parameter_changes_what_is_done(typist: Typist, parameter: str) -> None:
    (typist.home.folder / "other").mkdir()
    typist.run("initialize")
    typist.one.commit("new.yml", "new")
    without, given = WITH[parameter]

    def state() -> tuple[object, ...]:
        code, out, err = typist.run("initialize", *without)
        ran = [text[10:] for text in out.splitlines() if "done in" not in text]
        return code, ran, err, typist.home.at("roles/one")

    before = state()
    without = given
    assert state() != before


def test_the_help_teaches_the_format_as_it_is(typist: Typist) -> None:
    help_text = cli.cli.commands["initialize"].help or ""
    section = help_text[help_text.index("[submodule") :].split("\n\n")[0].split("         (or")[0]
    git(typist.one.folder, "tag", "1.2.0")
    example = section.replace("https://example.org/roles/nginx.git", str(typist.one.folder))
    typist.home.write(".projmodules", example + "\n")
    assert typist.run("initialize")[0] == 0
    assert isinstance(cli.cli.commands["initialize"], click.Command)


# clean


def test_clean_says_what_it_removes_and_what_it_keeps(typist: Typist) -> None:
    assert typist.run("clean") == (0, "nothing to clean: projmodules.lock names no folder that is there\n", "")
    typist.home.modules(one=typist.one.folder, two=typist.one.folder)
    typist.run("initialize")
    typist.home.write("roles/two/mine.yml", "mine")
    keeping = "keeping roles/two: it has changes that are not committed\n"
    assert typist.run("clean", "--dry-run") == (0, f"would remove roles/one\n{keeping}", "")
    assert typist.run("clean", "--project", "..")[1].startswith("nothing to clean")
    assert typist.run("clean") == (0, f"removed roles/one\n{keeping}", "")
    assert not (typist.home.folder / "roles/one").exists()


def test_clean_touches_nothing_when_the_lock_file_is_not_ours(typist: Typist) -> None:
    typist.home.write("projmodules.lock", "modules: {.: x}\n")
    code, out, err = typist.run("clean", "--debug")
    assert (code, out) == (2, "")
    assert "no lock file of version 1" in err
    assert "Traceback" in err
