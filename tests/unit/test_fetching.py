"""Modules fetched for real, from repositories of this machine."""

from __future__ import annotations

import os
import shutil
import threading
import traceback
from pathlib import Path

import pytest

from pipeline import git as git_module
from pipeline.checkout import Wishes
from pipeline.errors import InputError, SourcesError, StopRequested, UsageError
from pipeline.events import StepCached, StepFailed, StepFinished, Warned
from pipeline.initializing import Workspace, bring_missing
from tests.unit.repositories import Home, Repository, git

pytestmark = pytest.mark.allow("process")

UPDATE, FORCE, OFFLINE = Wishes(update=True), Wishes(force=True), Wishes(offline=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def one(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "two")


def other_machine(home: Home, tmp_path: Path) -> Home:
    """A copy of what is under version control."""
    copy = Home(tmp_path / "elsewhere")
    for name in (".projmodules", "projmodules.lock"):
        shutil.copy(home.folder / name, copy.folder)
    return copy


def test_two_good_entries_are_both_there_and_the_second_run_uses_no_network(
    home: Home, one: Repository, two: Repository
) -> None:
    home.modules(one=one.folder, two=f"file://{two.folder}")
    home.initialize()
    assert (home.at("roles/one"), home.at("roles/two")) == (one.tip, two.tip)
    assert (home.folder / "roles/one/tasks/main.yml").read_text() == "- debug:\n"
    shutil.rmtree(one.folder)
    shutil.rmtree(two.folder)
    home.events.clear()
    before = (home.folder / "projmodules.lock").stat().st_ino
    home.initialize()
    assert [type(event) for event in home.events] == [StepCached, StepCached]
    assert (home.folder / "projmodules.lock").stat().st_ino == before


def test_one_bad_url_of_three_is_reported_and_the_other_two_are_there(
    home: Home, one: Repository, two: Repository, tmp_path: Path
) -> None:
    home.modules(one=one.folder, bad=tmp_path / "nowhere.git", two=two.folder)
    (problem,) = home.refusals()
    assert problem.startswith(f'{os.path.relpath(home.folder)}/.projmodules:4:1: submodule "bad": roles/bad cannot be')
    assert f"{tmp_path}/nowhere.git" in problem
    assert (home.at("roles/one"), home.at("roles/two")) == (one.tip, two.tip)
    assert sorted(path.name for path in (home.folder / "roles").iterdir()) == ["one", "two"]
    ended = {event.step: type(event) for event in home.events if isinstance(event, StepFinished | StepFailed)}
    assert ended["initialize/roles/bad"] is StepFailed
    assert "roles/bad" not in (home.folder / "projmodules.lock").read_text()


def test_another_repository_in_the_place_is_refused(home: Home, one: Repository, two: Repository) -> None:
    home.modules(one=one.folder)
    git(home.folder, "clone", "--quiet", str(two.folder), "roles/one")
    (problem,) = home.refusals()
    assert f"is a checkout of {two.folder}, not of {one.folder}" in problem
    assert home.at("roles/one") == two.tip


@pytest.mark.parametrize("path", ["tasks/main.yml", "new.yml"])
def test_a_dirty_tree_is_refused_and_stays_as_it_is(home: Home, one: Repository, path: str) -> None:
    home.modules(one=one.folder)
    home.initialize()
    home.write(f"roles/one/{path}", "mine")
    for wishes in (Wishes(), UPDATE):
        (problem,) = home.refusals(wishes)
        assert "has changes that are not committed" in problem
    assert (home.folder / "roles/one" / path).read_text() == "mine"


def test_update_moves_a_clean_tree_to_the_new_tip_and_nothing_else_does(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    tip = one.commit("new.yml", "new")
    home.initialize()
    assert home.at("roles/one") == one.first
    home.initialize(UPDATE)
    assert home.at("roles/one") == tip
    assert tip in (home.folder / "projmodules.lock").read_text()


def test_update_follows_a_branch_that_was_written_anew(home: Home, one: Repository) -> None:
    one.commit("a", "a")
    home.modules(one=one.folder)
    home.initialize()
    git(one.folder, "reset", "--quiet", "--hard", one.first)
    home.initialize(UPDATE)
    assert home.at("roles/one") == one.first


def test_commits_made_here_are_not_left_behind(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    home.write("roles/one/mine.yml", "mine")
    git(home.folder / "roles/one", "add", ".")
    git(home.folder / "roles/one", "commit", "--quiet", "-m", "mine")
    one.commit("new.yml", "new")
    (problem,) = home.refusals(UPDATE)
    assert "has commits that its origin does not have" in problem
    assert (home.folder / "roles/one/mine.yml").exists()


def test_the_lock_file_gives_a_second_machine_the_same_commits(home: Home, one: Repository, tmp_path: Path) -> None:
    home.modules(one=one.folder)
    home.initialize()
    one.commit("new.yml", "new")
    copy = other_machine(home, tmp_path)
    copy.initialize()
    assert copy.at("roles/one") == one.first


@pytest.mark.parametrize(("key", "value"), [("branch", "side"), ("tag", "1.0"), ("commit", "")])
def test_branch_tag_and_commit_are_honoured(home: Home, one: Repository, key: str, value: str) -> None:
    git(one.folder, "checkout", "--quiet", "-b", "side")
    wanted = one.commit("side.yml", "side")
    git(one.folder, "tag", "-a", "1.0", "-m", "annotated")
    git(one.folder, "checkout", "--quiet", "main")
    home.write(
        ".projmodules",
        f'[submodule "x"]\npath = roles/x\nurl = {one.folder}\n{key} = {value or wanted[:10]}\n',
    )
    home.initialize()
    assert home.at("roles/x") == wanted
    assert home.at("roles/x") != one.tip


def test_another_tag_in_projmodules_counts_more_than_the_lock_file(home: Home, one: Repository) -> None:
    git(one.folder, "tag", "1.0")
    text = f'[submodule "x"]\npath = roles/x\nurl = {one.folder}\ntag = 1.0\n'
    home.write(".projmodules", text)
    home.initialize()
    tip = one.commit("new.yml", "new")
    git(one.folder, "tag", "1.1")
    home.write(".projmodules", text.replace("1.0", "1.1"))
    home.initialize()
    assert home.at("roles/x") == tip


def test_depth_is_honoured_and_the_lock_file_still_finds_its_commit(
    home: Home, one: Repository, tmp_path: Path
) -> None:
    for name in "abc":
        one.commit(name, name)
    locked = one.tip
    home.write(".projmodules", f'[submodule "x"]\npath = roles/x\nurl = file://{one.folder}\ndepth = 2\n')
    home.initialize()
    assert git(home.folder / "roles/x", "rev-list", "--count", "HEAD") == "2"
    one.commit("d", "d")
    copy = other_machine(home, tmp_path)
    copy.initialize()
    assert copy.at("roles/x") == locked


def test_a_shallow_checkout_is_moved_to_an_older_commit_by_its_digits(home: Home, one: Repository) -> None:
    for name in "abc":
        one.commit(name, name)
    text = f'[submodule "x"]\npath = roles/x\nurl = file://{one.folder}\n'
    home.write(".projmodules", f"{text}depth = 1\n")
    home.initialize()
    home.write(".projmodules", f"{text}commit = {one.first[:9]}\n")
    home.initialize()
    assert home.at("roles/x") == one.first


@pytest.mark.parametrize("place", ["roles", "roles/one"])
def test_a_path_through_a_symbolic_link_is_refused(home: Home, one: Repository, tmp_path: Path, place: str) -> None:
    home.modules(one=one.folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    (home.folder / place).parent.mkdir(exist_ok=True)
    (home.folder / place).symlink_to(outside)
    for wishes in (Wishes(), FORCE):
        assert "symbolic link" in home.refusals(wishes)[0]
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "roles/../../x"])
def test_a_path_that_leads_out_of_the_project_is_refused(home: Home, one: Repository, path: str) -> None:
    home.write(".projmodules", f'[submodule "x"]\npath = {path}\nurl = {one.folder}\n')
    with pytest.raises(InputError, match="leads out of the project"):
        home.initialize()


def test_a_file_and_a_folder_of_the_user_s_in_the_way_are_refused_and_stay(home: Home, one: Repository) -> None:
    home.modules(file=one.folder, folder=one.folder)
    home.write("roles/file", "mine")
    home.write("roles/folder/tasks/main.yml", "mine")
    for wishes in (Wishes(), UPDATE, FORCE):
        assert len(home.refusals(wishes)) == 2
    assert (home.folder / "roles/file").read_text() == "mine"
    assert (home.folder / "roles/folder/tasks/main.yml").read_text() == "mine"


def test_an_empty_folder_is_filled(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    (home.folder / "roles/one").mkdir(parents=True)
    home.initialize()
    assert home.at("roles/one") == one.tip


def test_a_user_s_file_called_tempfile_survives(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.write("tempfile", "mine")
    home.initialize()
    assert (home.folder / "tempfile").read_text() == "mine"
    assert {path.name for path in home.folder.iterdir()} == {".projmodules", "projmodules.lock", "roles", "tempfile"}


def test_force_fetches_again_and_a_failure_leaves_what_was_there(home: Home, one: Repository, two: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    home.write("roles/one/mine.yml", "mine")
    one.folder.rename(one.folder.with_name("gone"))
    assert len(home.refusals(FORCE)) == 1
    assert (home.folder / "roles/one/mine.yml").exists()
    one.folder.with_name("gone").rename(one.folder)
    home.initialize(FORCE)
    assert not (home.folder / "roles/one/mine.yml").exists()
    home.modules(one=two.folder)
    home.initialize(FORCE)
    assert home.at("roles/one") == two.tip
    assert [path.name for path in (home.folder / "roles").iterdir()] == ["one"]


def test_what_a_killed_run_left_half_done_is_in_nobody_s_way(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.write("roles/.one.baseimage-partial/junk", "")
    home.initialize()
    assert [path.name for path in (home.folder / "roles").iterdir()] == ["one"]


def test_an_interruption_ends_git_and_leaves_nothing_half_done(
    home: Home, one: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The fake git of this test never ends its fetch by itself."""
    home.modules(one=one.folder, two=one.folder)
    real = shutil.which("git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    script = f'#!/bin/sh\ncase " $* " in *" fetch "*) echo fetching >&2; exec sleep 60;; esac\nexec {real} "$@"\n'
    program.write_text(script)
    program.chmod(0o755)
    fetching = threading.Barrier(3, timeout=30)
    heard = git_module._RECEIVED

    class Both:
        def search(self, line: str) -> object:
            if line == "fetching":
                fetching.wait()
            return heard.search(line)

    monkeypatch.setattr(git_module, "_RECEIVED", Both())
    environ = {**home.environ, "PATH": f"{program.parent}:{home.environ['PATH']}"}
    workspace = Workspace(home.folder, environ, home.events.append)
    declared = workspace.declared()
    plans = workspace.plan(declared, Wishes())

    def stop(*_: object) -> None:
        fetching.wait()
        raise StopRequested(130)

    monkeypatch.setattr("concurrent.futures.Future.result", stop)
    with pytest.raises(StopRequested):
        workspace.carry_out(plans, declared, Wishes())
    assert list((home.folder / "roles").iterdir()) == []
    assert not (home.folder / "projmodules.lock").exists()


def test_a_checkout_older_than_any_lock_file_is_taken_as_it_is(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    git(home.folder, "clone", "--quiet", str(one.folder), "roles/one")
    one.commit("new.yml", "new")
    home.initialize(OFFLINE)
    assert one.first in (home.folder / "projmodules.lock").read_text()


def test_a_url_relative_to_the_project_is_written_down_as_it_stands(home: Home, one: Repository) -> None:
    home.modules(one=f"../{one.folder.name}")
    home.initialize()
    home.initialize(OFFLINE)
    assert 'url: "../one"' in (home.folder / "projmodules.lock").read_text()


def test_credentials_are_in_no_message_and_in_no_file_of_the_project(home: Home) -> None:
    home.modules(one="http://user:s3cret@127.0.0.1:1/x.git")
    (problem,) = home.refusals()
    assert "http://***@127.0.0.1:1/x.git" in problem
    assert "s3cret" not in f"{problem}{home.events}"


def test_a_transport_that_runs_a_command_is_refused(home: Home, tmp_path: Path) -> None:
    home.modules(one=f"ext::sh -c touch%20{tmp_path}/ran")
    assert "not allowed" in home.refusals()[0]
    assert not (tmp_path / "ran").exists()


def test_the_variables_of_a_hook_do_not_lead_git_to_another_repository(
    home: Home, one: Repository, two: Repository
) -> None:
    home.modules(one=one.folder)
    environ = {**home.environ, "GIT_DIR": str(two.folder / ".git"), "GIT_WORK_TREE": str(two.folder)}
    bring_missing(home.folder, environ, home.events.append, offline=False)
    assert home.at("roles/one") == one.tip
    assert git(two.folder, "status", "--porcelain") == ""


def test_paths_that_git_does_not_ignore_are_warned_of(home: Home, one: Repository, two: Repository) -> None:
    home.modules(one=one.folder, two=two.folder)
    git(home.folder, "init", "--quiet")
    home.write(".gitignore", "/roles/one/\n")
    home.initialize()
    (warning,) = (event for event in home.events if isinstance(event, Warned))
    assert (warning.message, warning.hint) == ("git does not ignore roles/two", "add to .gitignore: /roles/two/")


def test_outside_any_repository_nobody_is_warned(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    assert not [event for event in home.events if isinstance(event, Warned)]


# before a build


def test_a_build_fetches_what_is_missing_and_looks_at_nothing_else(
    home: Home, one: Repository, two: Repository
) -> None:
    home.modules(one=one.folder)
    home.initialize()
    home.write("roles/one/mine.yml", "mine")
    home.modules(one=one.folder, two=two.folder)
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    assert home.at("roles/two") == two.tip
    assert (home.folder / "roles/one/mine.yml").exists()
    assert all(tip in (home.folder / "projmodules.lock").read_text() for tip in (one.tip, two.tip))


def test_a_build_with_nothing_missing_uses_no_network(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    home.events.clear()
    shutil.rmtree(one.folder)
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    assert home.events == []


def test_an_offline_build_says_what_is_missing(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    with pytest.raises(InputError, match="--offline forbids it"):
        bring_missing(home.folder, home.environ, home.events.append, offline=True)
    assert not (home.folder / "roles").exists()


def test_a_project_without_modules_needs_no_git(home: Home) -> None:
    bring_missing(home.folder, {"PATH": "/nowhere"}, home.events.append, offline=False)
    home.modules()
    with pytest.raises(UsageError, match="git is not installed"):
        bring_missing(home.folder, {"PATH": "/nowhere"}, home.events.append, offline=False)


# Galaxy's requirements


def test_git_roles_of_a_requirements_file_are_fetched_like_modules(
    home: Home, one: Repository, two: Repository
) -> None:
    git(one.folder, "tag", "1.0")
    one.commit("new.yml", "new")
    home.write(
        "requirements.yml",
        f"- {{src: 'file://{one.folder}', scm: git, name: x, version: 1.0}}\n"
        f"- {{src: '{two.folder}', scm: git, version: main}}\n"
        f"- {{src: '{two.folder}', scm: git, name: pinned, version: {two.first[:9]}}}\n",
    )
    home.initialize()
    assert (home.at("roles/x"), home.at("roles/two"), home.at("roles/pinned")) == (one.first, two.tip, two.first)
    assert 'wanted: "version 1.0"' in (home.folder / "projmodules.lock").read_text()


def test_both_files_may_not_bring_the_same_role(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.write("requirements.yml", f"- {{src: '{one.folder}', scm: git}}\n")
    with pytest.raises(InputError, match=r"requirements.yml:1:\d+: role one: roles/one overlaps"):
        home.initialize()


# clean


def cleaned(home: Home, *, dry_run: bool = False) -> dict[str, str]:
    """What became of each folder."""
    outcomes = Workspace(home.folder, home.environ, home.events.append).clean(dry_run=dry_run)
    return {outcome.path: outcome.kept for outcome in outcomes}


def test_clean_removes_what_was_brought_and_nothing_of_the_user_s(home: Home, one: Repository) -> None:
    home.modules(plain=one.folder, changed=one.folder, committed=one.folder, ignored=one.folder, replaced=one.folder)
    home.initialize()
    home.write("roles/mine/tasks/main.yml", "mine")
    home.write("roles/changed/new.yml", "mine")
    home.write("roles/committed/new.yml", "mine")
    git(home.folder / "roles/committed", "checkout", "--quiet", "-b", "side")
    git(home.folder / "roles/committed", "add", ".")
    git(home.folder / "roles/committed", "commit", "--quiet", "-m", "mine")
    git(home.folder / "roles/committed", "checkout", "--quiet", one.tip)
    home.write("roles/ignored/.git/info/exclude", "secret\n")
    home.write("roles/ignored/secret", "mine")
    shutil.rmtree(home.folder / "roles/replaced")
    home.write("roles/replaced/tasks/main.yml", "mine")
    expected = {
        "roles/changed": "has changes that are not committed",
        "roles/committed": "has commits that its origin does not have",
        "roles/ignored": "has files that git ignores, which cannot be fetched again",
        "roles/plain": "",
        "roles/replaced": "is no checkout",
    }
    assert cleaned(home, dry_run=True) == expected
    assert (home.folder / "roles/plain").exists()
    assert cleaned(home) == expected
    there = sorted(path.name for path in (home.folder / "roles").iterdir())
    assert there == ["changed", "committed", "ignored", "mine", "replaced"]
    assert (home.folder / "projmodules.lock").exists()


def test_what_was_cleaned_away_is_brought_again_at_the_same_commits(home: Home, one: Repository) -> None:
    home.modules(one=one.folder)
    home.initialize()
    one.commit("new.yml", "new")
    assert cleaned(home) == {"roles/one": ""}
    assert not (home.folder / "roles").exists()
    assert cleaned(home) == {}
    home.initialize()
    assert home.at("roles/one") == one.first


def test_clean_does_not_go_through_a_link(home: Home, one: Repository, tmp_path: Path) -> None:
    home.modules(one=one.folder)
    home.initialize()
    (home.folder / "roles").rename(tmp_path / "elsewhere")
    (home.folder / "roles").symlink_to(tmp_path / "elsewhere")
    assert cleaned(home) == {"roles/one": "is reached through a symbolic link"}
    assert (tmp_path / "elsewhere" / "one").exists()


def test_a_trace_shows_no_credentials_either(home: Home, one: Repository) -> None:
    home.modules(one="http://user:s3cret@example.org/x.git")
    git(home.folder, "clone", "--quiet", str(one.folder), "roles/one")
    git(home.folder / "roles/one", "remote", "set-url", "origin", "http://user:0ther@example.org/y.git")
    with pytest.raises(SourcesError) as caught:
        home.initialize()
    trace = "".join(traceback.format_exception(caught.value))
    assert "is a checkout of http://***@example.org/y.git" in trace
    assert "s3cret" not in trace
    assert "0ther" not in trace
