"""`baseimage import`: what is read, what is written where, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline import loading
from pipeline.cli import main as cli

DOCKERFILE = "FROM debian:13\nRUN a\nCOPY . /srv/\nCMD b\n"
CONTAINER = """\
# ours
version: "2"
settings:
  conductor_base: debian:12
services:
  web:
    from: debian:12
    roles: [there, bootstrap]
    links: [other]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my-app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["baseimage", "import", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def put(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_dockerfile_becomes_a_project_beside_it_that_a_build_reads(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here, Dockerfile=DOCKERFILE, page_txt="x", left_out="y", _dockerignore="left.out\nDockerfile\n")
    program = here / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (here / ".git").mkdir()
    (here / ".git/config").touch()
    assert run(".") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[-1] == "next: read recipes/default.yml, then baseimage build --project ."
    loaded = loading.load(loading.Options(here), {})
    assert (loaded.services[0].name, loaded.project.version) == ("my_app", "0.1.0")
    assert names(here / "roles/my_app") == ["files/.dockerignore", "files/page.txt", "files/tool", "tasks/main.yml"]
    assert (here / "roles/my_app/files/tool").stat().st_mode & 0o111


def test_it_may_go_elsewhere_under_another_name(here: Path) -> None:
    put(here, Dockerfile=DOCKERFILE)
    assert run("Dockerfile", "-o", "../out", "--name", "api") == 0
    assert names(here) == ["Dockerfile"]
    assert names(here.parent / "out") == [
        "recipes/default.yml", "roles/api/files/Dockerfile", "roles/api/tasks/main.yml", "version.txt",
    ]  # fmt: skip


def test_what_is_lost_is_a_warning_and_with_strict_a_mistake_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here, Dockerfile=f"{DOCKERFILE}MAINTAINER me\n")
    assert run("Dockerfile", "--strict") == 2
    assert "Dockerfile:5:1: MAINTAINER" in capsys.readouterr().err
    assert names(here) == ["Dockerfile"]
    assert run("Dockerfile") == 0
    assert "not carried over: Dockerfile:5:1: MAINTAINER: has no key in a recipe\n  hint: " in capsys.readouterr().err
    assert "# - Dockerfile:5:1: MAINTAINER: has no key in a recipe" in (here / "recipes/default.yml").read_text()


@pytest.mark.parametrize("there", ["recipes/default.yml", "roles/my_app/handlers/main.yml"])
def test_nothing_is_overwritten(here: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    put(here, Dockerfile=DOCKERFILE)
    (here / there).parent.mkdir(parents=True)
    (here / there).write_text("mine\n")
    before = names(here)
    assert run("Dockerfile") == 2
    assert "/".join(there.split("/")[:2]) in capsys.readouterr().err
    assert names(here) == before
    assert (here / there).read_text() == "mine\n"


def test_a_version_that_is_there_stays(here: Path) -> None:
    put(here, Dockerfile=DOCKERFILE, version_txt="2.0.0\n")
    assert run(".") == 0
    assert (here / "version.txt").read_text() == "2.0.0\n"


def test_a_container_yml_is_taken_over_as_it_is_with_its_warnings(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here, container_yml=CONTAINER)
    (here / "roles/there/tasks").mkdir(parents=True)
    assert run(".") == 0
    err = capsys.readouterr().err
    assert err.count("not carried over") == 1
    assert "container.yml:9" in err
    recipe = (here / "recipes/default.yml").read_text()
    assert recipe.endswith(CONTAINER)
    assert "# - container.yml:9" in recipe
    loaded = loading.load(loading.Options(here), {})
    assert [role.name for role in loaded.services[0].roles] == ["there", "bootstrap"]


def test_a_role_that_is_not_there_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here, container_yml=CONTAINER)
    assert run("container.yml") == 0
    err = capsys.readouterr().err
    assert "container.yml:8:1: roles: there is no role 'there'" in err
    assert "put it into roles" in err


def test_a_root_beside_the_recipe_is_no_longer_beside_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = f"{{rootfs: a.tar, sha256: {'a' * 64}}}"
    put(here, container_yml=f'version: "2"\nservices:\n  web:\n    from: {root}\n')
    assert run(".") == 0
    assert "container.yml:3:1: services.web.from: the path of its root" in capsys.readouterr().err


def test_version_1_is_refused_with_the_reason_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here, container_yml=CONTAINER.replace('"2"', '"1"'))
    assert run(".") == 2
    err = capsys.readouterr().err
    assert "version 1 recipes run a playbook" in err
    assert 'write version: "2"' in err
    assert names(here) == ["container.yml"]


def test_a_folder_has_to_hold_one_thing_to_import(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(".") == 2
    assert "neither a Dockerfile nor a container.yml" in capsys.readouterr().err
    put(here, Dockerfile=DOCKERFILE, container_yml=CONTAINER)
    assert run(".") == 2
    assert "name one, such as container.yml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("FROM scratch", [], "scratch holds nothing"),
        ("FROM debian\nFROM a\nSTOPSIGNAL nope", [], "error: Dockerfile: services.my_app.stop_signal"),
        ("FROM a\n", ["--build-arg", "X"], "write --build-arg X=VALUE"),
        ("FROM a\n", ["--stage", "x"], "no stage 'x'"),
        ("FROM a\nENV x", [], "ENV must have two arguments"),
    ],
)
def test_what_cannot_be_imported_is_a_mistake(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str], said: str
) -> None:
    put(here, Dockerfile=text)
    assert run("Dockerfile", *words) == 2
    assert said in capsys.readouterr().err
    assert names(here) == ["Dockerfile"]


def test_without_the_parser_it_is_said_how_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here, Dockerfile=DOCKERFILE)
    monkeypatch.setitem(sys.modules, "dockerfile", None)
    assert run(".") == 2
    assert 'pip install "baseimage-pipeline[import]"' in capsys.readouterr().err
