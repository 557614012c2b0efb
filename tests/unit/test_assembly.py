"""A project's files, read and joined before anything is started."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import assembly
from pipeline.assembly import builds
from pipeline.attester import Wishes
from pipeline.cleaning import left_behind
from pipeline.conductor import Conductor
from pipeline.docker_engine import DockerEngine
from pipeline.errors import InputError, Problem, UsageError
from pipeline.events import Event, Warned
from pipeline.loading import Loaded, Options, load, recipe_path
from pipeline.provenance import Origin
from pipeline.recipe import DEFAULT_CONDUCTOR_BASE, BaseImage, Bootstrap
from pipeline.recipe_model import FALLBACK_CONDUCTOR_BASE
from pipeline.state import state_folder
from tests.unit.repositories import git

RECIPE = 'version: "2"\nservices:\n  web:\n    from: debian:12\n    roles: [nginx]\n  worker:\n    from: debian:12\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    (folder / "roles" / "nginx" / "tasks").mkdir(parents=True)
    (folder / "recipes").mkdir()
    write(folder, "recipes/default.yml", RECIPE)
    write(folder, "version.txt", "1.2.0\n")
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def read(options: Options) -> Loaded:
    """The project, on a machine that has an mmdebstrap."""
    return load(options, {"PATH": str(tools_folder(options.folder))})


def tools_folder(folder: Path) -> Path:
    program = folder.parent / "bin" / "mmdebstrap"
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)
    return program.parent


def problems(options: Options) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read(options)
    return caught.value.problems


def test_a_small_project_is_read(project: Path) -> None:
    loaded = read(Options(project))
    assert (loaded.project.name, loaded.project.version) == ("shop", "1.2.0")
    assert [service.name for service in loaded.services] == ["web", "worker"]
    assert loaded.recipe.file == "recipes/default.yml"
    assert loaded.recipe.conductor.base == DEFAULT_CONDUCTOR_BASE
    assert loaded.warnings == ()
    assert [(build.service.name, build.image, build.keys) for build in builds(loaded)] == [
        ("web", None, ()),
        ("worker", None, ()),
    ]


def test_image_txt_names_the_repository(project: Path) -> None:
    write(project, "image.txt", "repository = example.org/base\nprefix = x-\n")
    assert read(Options(project)).project.repository == "example.org/base"


@pytest.mark.parametrize(
    ("recipe", "option", "name"),
    [("", "", "shop"), ("settings: {project_name: recipes}\n", "", "recipes"), ("", "mine", "mine")],
)
def test_the_projects_name_is_the_options_else_the_recipes_else_the_folders(
    project: Path, recipe: str, option: str, name: str
) -> None:
    write(project, "recipes/default.yml", recipe + RECIPE)
    assert read(Options(project, project_name=option)).project.name == name


def test_mistakes_in_different_files_are_reported_together(project: Path) -> None:
    write(project, "recipes/default.yml", "version: 2\nservices: {web: {from: debian, rolls: []}}\n")
    write(project, "version.txt", "one\n")
    write(project, "image.txt", "repositry = x\n")
    found = problems(Options(project))
    assert [problem.file for problem in found] == ["recipes/default.yml", "version.txt", "image.txt"]


def test_missing_roles_are_reported_with_the_mistakes_of_other_files(project: Path) -> None:
    write(project, "recipes/default.yml", RECIPE.replace("nginx", "ngnix, app"))
    (project / "version.txt").unlink()
    found = problems(Options(project, services=("nope",)))
    assert [problem.message for problem in found] == [
        f"{project}/version.txt: the version is missing",
        "there is no role 'ngnix'",
        "there is no role 'app'",
        "the recipe has no service nope",
    ]
    assert {problem.place for problem in found} == {"", "recipes/default.yml:5:1"}


def test_names_that_cannot_be_are_reported_before_anything_starts(project: Path) -> None:
    write(project, "recipes/default.yml", "tags: ['{project}:{version}']\n" + RECIPE)
    (found,) = problems(Options(project))
    assert found.message == "web and worker would both get it"


def test_only_the_services_that_were_asked_for_are_built(project: Path) -> None:
    assert [service.name for service in read(Options(project, services=("worker",))).services] == ["worker"]


def test_an_unknown_service_is_named_with_those_that_there_are(project: Path) -> None:
    (found,) = problems(Options(project, services=("web", "wbe")))
    assert (found.message, found.hint) == ("the recipe has no service wbe", "it has web, worker")


def test_the_strategy_of_the_command_line_wins(project: Path) -> None:
    assert read(Options(project)).recipe.conductor.strategy == "mitogen"
    assert read(Options(project, strategy="docker")).recipe.conductor.strategy == "docker"


def test_without_mmdebstrap_the_default_conductor_starts_from_an_image_and_any_other_as_it_says(project: Path) -> None:
    nothing = {"PATH": "/nowhere"}
    assert load(Options(project), nothing).recipe.conductor.base == FALLBACK_CONDUCTOR_BASE
    write(project, "recipes/default.yml", RECIPE + "settings: {conductor: {base: {bootstrap: bookworm}}}\n")
    assert load(Options(project), nothing).recipe.conductor.base == Bootstrap("bookworm")


def test_warnings_of_the_recipe_are_handed_on(project: Path) -> None:
    write(project, "recipes/default.yml", RECIPE + "    dev_overrides: {}\n")
    (warning,) = read(Options(project)).warnings
    assert (warning.file, warning.line) == ("recipes/default.yml", 8)


# which recipe


def test_the_default_recipe_is_that_of_recipes_else_container_yml(project: Path) -> None:
    write(project, "container.yml", RECIPE)
    assert recipe_path(Options(project)) == project / "recipes" / "default.yml"
    (project / "recipes" / "default.yml").unlink()
    assert recipe_path(Options(project)) == project / "container.yml"
    (project / "container.yml").unlink()
    write(project, "recipes/small.yml", RECIPE)
    with pytest.raises(UsageError, match=r"\. has neither recipes/default.yml nor container.yml") as caught:
        recipe_path(Options(project))
    assert caught.value.hint == "recipes here: small"


@pytest.mark.parametrize("named", ["small", "recipes/small.yml", "./recipes/small.yml"])
def test_a_recipe_is_named_or_a_path_from_here_or_the_project(
    project: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "recipes/small.yml", RECIPE)
    assert recipe_path(Options(project, named)).resolve() == project / "recipes" / "small.yml"
    monkeypatch.chdir(project.parent)
    assert recipe_path(Options(project, named)).resolve() == project / "recipes" / "small.yml"


def test_a_recipe_that_is_not_there_is_said_with_those_that_are(project: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe 'nope'") as caught:
        recipe_path(Options(project, "nope"))
    assert caught.value.hint == "recipes here: default"
    with pytest.raises(UsageError) as caught:
        recipe_path(Options(project / "roles", "nope"))
    assert caught.value.hint == "give the path of a recipe, or --project FOLDER"


# composition


def test_records_are_kept_where_the_environment_says(tmp_path: Path) -> None:
    assert state_folder({"BASEIMAGE_STATE": str(tmp_path)}) == tmp_path
    assert state_folder({"BASEIMAGE_STATE": ""}).name == "baseimage-pipeline"


def test_containers_are_named_after_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    prefixes: list[str] = []

    def connect(environ: dict[str, str], *, container_prefix: str) -> None:
        assert environ == {}
        prefixes.append(container_prefix)

    monkeypatch.setattr(assembly, "connect", connect)
    assembly.open_engine({})
    assembly.open_engine({}, keep=True)
    assert prefixes[0].startswith("baseimage-run_")
    assert prefixes[1].startswith("baseimage-kept_")


def test_containers_of_another_thread_are_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(assembly, "connect", lambda _, *, container_prefix: made.append(container_prefix))
    mine = "baseimage-run_host_999999999_1_abc"
    assembly.another_engine({}, mine, 2)
    (prefix,) = made
    assert prefix.startswith(f"{mine}_"), "or the sweep at the end would not find them"
    assert left_behind(f"{prefix}_7", "host", 2.0)


def test_joining_the_adapters_starts_nothing_and_writes_nothing(project: Path, tmp_path: Path) -> None:
    options = Options(project)
    engine = object.__new__(DockerEngine)  # whatever was asked of it would fail
    events: list[Event] = []
    tools = assembly.tools(read(options), options, engine, events.append, {"BASEIMAGE_STATE": str(tmp_path / "state")})
    assert isinstance(tools.player, Conductor)
    tools.player.stop()
    tools.on_exit(lambda: None)
    assert replace(tools) == tools
    assert not (tmp_path / "state").exists()


# variables and services


def test_variables_come_from_files_the_environment_and_the_command_line(project: Path) -> None:
    write(
        project, "recipes/default.yml", 'settings: {vars_files: [vars.yml, top.json]}\ndefaults: {tag: "1"}\n' + RECIPE
    )
    text = (project / "recipes/default.yml").read_text(encoding="utf-8").replace("debian:12", '"debian:{{ tag }}"')
    write(project, "recipes/default.yml", text)
    write(project, "recipes/vars.yml", "tag: '2'\n")
    write(project, "top.json", '{"tag": "3"}')
    write(project, "more.yml", "tag: '4'\n")

    def tag(options: Options, **environ: str) -> object:
        return load(options, {"PATH": "/nowhere", **environ}).services[0].base

    options = Options(project, vars_files=(project / "more.yml",))
    assert tag(Options(project)) == BaseImage("debian:3")
    assert tag(options) == BaseImage("debian:4")
    assert tag(options, AC_TAG="5") == BaseImage("debian:5")
    assert tag(replace(options, variables=("tag=6",)), AC_TAG="5") == BaseImage("debian:6")


def test_a_vars_file_that_is_not_there_is_a_mistake_of_the_recipe(project: Path) -> None:
    write(project, "recipes/default.yml", RECIPE + "settings:\n  vars_files: [nope.yml]\n")
    (found,) = problems(Options(project))
    assert (found.file, found.line, found.path) == ("recipes/default.yml", 9, "settings.vars_files[0]")
    assert found.message.endswith("nope.yml: the vars file is missing")


def test_roles_are_found_in_the_folders_that_the_recipe_names(project: Path) -> None:
    (project.parent / "shared" / "app" / "tasks").mkdir(parents=True)
    text = RECIPE.replace("nginx", "app") + "settings: {conductor: {roles_path: [../../shared]}}\n"
    write(project, "recipes/default.yml", text)
    assert read(Options(project)).services[0].roles[0].name == "app"


def test_a_chosen_service_comes_with_what_it_is_built_on(project: Path) -> None:
    write(project, "recipes/default.yml", RECIPE.replace("debian:12", "worker", 1))
    assert [service.name for service in read(Options(project, services=("web",))).services] == ["worker", "web"]


def origin(project: Path, told: list[Event], *, provenance: bool = True) -> Origin | None:
    options = Options(project)
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}  # noqa: TID251 - a test's edge
    return assembly._origin(Wishes(sbom=True, provenance=provenance), read(options), options, told.append, environ)


@pytest.mark.allow("process")
def test_a_provenance_names_the_commit_of_any_checkout_and_whether_the_tree_is_that_commit(project: Path) -> None:
    told: list[Event] = []
    assert origin(project, told) is None, "there is no repository"
    git(project.parent, "init", "--quiet")
    git(project.parent, "remote", "add", "origin", "https://user:secret@git.example/all.git")
    git(project.parent, "add", ".")
    git(project.parent, "commit", "--quiet", "-m", "one")
    commit = git(project, "rev-parse", "HEAD")
    assert origin(project, told) == Origin(commit, address="https://git.example/all.git")
    write(project, "version.txt", "1.2.1\n")
    assert origin(project, told) == Origin(commit, dirty=True, address="https://git.example/all.git")
    assert origin(project, told, provenance=False) is None, "nobody wants a provenance"
    assert told == []


@pytest.mark.allow("process")
def test_a_repository_that_tells_no_commit_is_warned_about_and_fails_nothing(project: Path) -> None:
    told: list[Event] = []
    git(project, "init", "--quiet")
    assert origin(project, told) is None
    assert told == [
        Warned("the provenance names no commit: the git repository has no commit yet", "make one: git commit")
    ]
    write(project, ".git/HEAD", "nonsense")
    assert origin(project, told) is None
    assert isinstance(told[1], Warned)
    assert "not a git repository" in told[1].message
