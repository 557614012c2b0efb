"""`baseimage new`: a project that can be built at once, and nothing overwritten on the way."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pipeline import loading, shipped
from pipeline.cli import main as cli
from pipeline.new_project import named
from pipeline.recipe import BaseImage, Bootstrap

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def load(folder: Path) -> loading.Loaded:
    return loading.load(loading.Options(folder), {})


def test_the_wheel_holds_the_roles_where_they_are_looked_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"roles": "pipeline/shipped_roles"}
    assert shipped.shipped_roles() == ROOT / "roles"


def test_the_installed_roles_are_taken_where_there_are_any(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pipeline/shipped_roles").mkdir(parents=True)
    monkeypatch.setattr(shipped, "_PACKAGE", here / "pipeline")
    assert shipped.shipped_roles() == here / "pipeline/shipped_roles"


def test_a_new_project_is_read_without_a_warning_and_all_its_roles_are_found(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("new", "acme") == 0
    assert "next: cd acme && baseimage build" in capsys.readouterr().out
    loaded = load(here / "acme")
    (service,) = loaded.services
    assert (loaded.warnings, loaded.project.name, loaded.project.version) == ((), "acme", "0.1.0")
    assert service.base == Bootstrap("trixie")
    assert (service.variables["container_init"], service.variables["container_svc"]) == ("tini-init", "runit")
    assert [loaded.finder.find(role).name for role in service.roles] == ["bootstrap", "hello"]
    assert sorted(path.name for path in (here / "acme").iterdir()) == [
        ".github", ".gitignore", ".gitlab-ci.yml", ".projmodules", "README.md",
        "image.txt", "recipes", "roles", "version.txt",
    ]  # fmt: skip


def test_the_workflows_build_every_request_and_publish_only_what_gitflow_names(here: Path) -> None:
    run("new", "acme")
    github = yaml.safe_load((here / "acme/.github/workflows/images.yml").read_text())
    gitlab = yaml.safe_load((here / "acme/.gitlab-ci.yml").read_text())
    pushes = {
        name: [step["run"] for step in job["steps"] if "--push" in step.get("run", "")]
        for name, job in github["jobs"].items()
    }
    assert pushes == {"check": [], "publish": ["baseimage build --gitflow --push --metadata-file images.json"]}
    assert github["jobs"]["check"]["if"] == "github.event_name == 'pull_request'"
    assert all(job["steps"][0]["with"]["fetch-depth"] == 0 for job in github["jobs"].values())
    assert not any("--push" in line for line in gitlab["check"]["script"])
    assert gitlab["publish"]["script"][-1] == pushes["publish"][0]
    assert "@" not in (here / "acme/.gitlab-ci.yml").read_text(), "no field is left"
    assert "/images.json" in (here / "acme/.gitignore").read_text().splitlines(), "else it makes the tree a changed one"


def test_the_workflows_sign_without_a_key_when_that_is_uncommented(here: Path) -> None:
    run("new", "acme")
    github, gitlab = (
        yaml.safe_load(re.sub(r"(?m)^( *)# ( *[A-Za-z_-]+:(?: \S+)?)$", r"\1\2", (here / "acme" / name).read_text()))
        for name in (".github/workflows/images.yml", ".gitlab-ci.yml")
    )
    publish = github["jobs"]["publish"]
    assert publish["permissions"] == {"contents": "read", "id-token": "write"}
    assert "permissions" not in github["jobs"]["check"]
    assert gitlab["publish"]["id_tokens"] == {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}
    assert "id_tokens" not in gitlab[".images"]
    assert publish["env"] == gitlab["publish"]["variables"] == {"BASEIMAGE_SIGNING_KEY": "keyless"}
    installed = 'pip install "baseimage-pipeline[keyless]"'
    assert installed in gitlab[".images"]["before_script"]
    assert installed in [step.get("run") for step in publish["steps"]]


def test_the_project_s_own_role_goes_before_the_one_of_the_package(here: Path) -> None:
    run("new", "acme")
    own = here / "acme/roles/bootstrap/tasks"
    own.mkdir(parents=True)
    loaded = load(here / "acme")
    assert loaded.finder.find(loaded.services[0].roles[0]).folder == Path("acme/roles/bootstrap")


def test_init_layer_and_base_are_the_user_s_choice(here: Path) -> None:
    assert run("new", "acme", "--init", "dumb-init", "--svc", "none", "--base", "debian:13-slim") == 0
    (service,) = load(here / "acme").services
    assert service.base == BaseImage("debian:13-slim")
    assert (service.variables["container_init"], service.variables["container_svc"]) == ("dumb-init", "none")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--init", "sysv"], "known are tini-init"),
        (["--init", "s6-overlay"], "needs archives"),
        (["--svc", "systemd"], "known are runit"),
        (["--init", "s6-init"], "s6-init goes with s6"),
        (["--base", "scratch"], "--base trixie"),
        (["--base", "Not An Image"], "Not An Image"),
        (["--from-template", "."], "neither recipes/default.yml"),
        (["--from-template", ".", "--svc", "none"], "a template has its own base"),
    ],
)
def test_what_cannot_be_had_is_refused_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run("new", "acme", *words) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["-acme", "a b", "ä"])
def test_a_folder_that_cannot_name_a_project_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run("new", "--", name) == 2
    assert "cannot name a project" in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_refused_by_what_it_holds_and_only_added_to_with_force(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "acme").mkdir()
    (here / "acme" / "version.txt").write_text("3.0.0\n")
    assert run("new", "acme") == 2
    said = capsys.readouterr().err
    assert "version.txt" in said
    assert "--force" in said
    assert [path.name for path in (here / "acme").iterdir()] == ["version.txt"]

    assert run("new", "acme", "--force") == 0
    assert load(here / "acme").project.version == "3.0.0"
    assert run("new", "acme", "--force") == 0
    assert "nothing was missing" in capsys.readouterr().out


def test_a_file_where_a_folder_has_to_be_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "acme").touch()
    assert run("new", "acme") == 2
    (here / "other").mkdir()
    (here / "other" / "roles").touch()
    assert run("new", "other", "--force") == 2
    assert "has to be a folder" in capsys.readouterr().err
    assert [path.name for path in (here / "other").iterdir()] == ["roles"]


def test_a_template_is_copied_with_its_programs_and_gets_the_project_s_name(here: Path) -> None:
    run("new", "house")
    program = here / "house" / "tool.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (here / "house" / ".git").mkdir()
    (here / "house" / ".git" / "config").touch()
    assert run("new", "acme", "--from-template", "house") == 0
    assert load(here / "acme").project.name == "acme"
    assert (here / "acme" / "tool.sh").stat().st_mode & 0o111
    assert not (here / "acme" / ".git").exists()


@pytest.mark.allow("process")
def test_a_template_may_be_a_git_repository(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "house")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "x")):
        subprocess.run(["git", *words], cwd=here / "house", check=True)
    address = f"file://{here}/house"
    assert run("new", "acme", "--from-template", address) == 0
    assert load(here / "acme").project.name == "acme"
    assert run("new", "other", "--from-template", f"{address}-not") == 2
    assert "cannot be cloned" in capsys.readouterr().err


def test_a_template_s_link_that_leads_outside_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "house")
    (here / "house" / "secret").symlink_to("/etc/passwd")
    assert run("new", "acme", "--from-template", "house") == 2
    assert "secret" in capsys.readouterr().err
    assert not (here / "acme").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "project = acme\n"),
        ("project = house\nrepository = r\n", "project = acme\nrepository = r\n"),
        ("# why\nteam/images\n", "# why\nrepository = team/images\nproject = acme\n"),
        ("prefix = a\n", "prefix = a\nproject = acme\n"),
    ],
)
def test_the_name_goes_into_any_form_of_image_txt(before: str, after: str) -> None:
    assert named({"image.txt": before.encode()}, "acme") == {"image.txt": after.encode()}
