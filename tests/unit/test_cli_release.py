"""version, bump, release and hotfix, on real repositories with a bare remote."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.cli import main as cli
from tests.unit.checkout import ALONE, Checkout, git

pytestmark = pytest.mark.allow("process")

CI = (
    "GITHUB_REF_NAME GITHUB_HEAD_REF GITHUB_REF_TYPE CI_COMMIT_BRANCH BRANCH_NAME CHANGE_ID TRAVIS_BRANCH CIRCLE_BRANCH"
)
RECIPE = 'version: "2"\nservices: {web: {from: "debian:12", roles: [web]}}\n'


@dataclass(frozen=True)
class Shop:
    """A checkout and the command in it."""

    checkout: Checkout
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of `baseimage WORDS`."""
        self.monkeypatch.chdir(self.checkout.folder)
        self.monkeypatch.setattr(sys, "argv", ["baseimage", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return code, *self.capsys.readouterr()

    def well(self, *words: str) -> str:
        """What a command says that ends well."""
        code, out, err = self.run(*words)
        assert (code, err) == (0, ""), err
        return out

    def refused(self, *words: str, code: int = 2) -> str:
        """What a command says that is refused; nothing has changed."""
        before = self.checkout.everything()
        found, out, err = self.run(*words)
        assert (found, out) == (code, ""), err
        assert self.checkout.everything() == before
        return err


Move = Callable[[Checkout], Shop]


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Move:
    for name in CI.split():
        monkeypatch.delenv(name, raising=False)
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    return lambda checkout: Shop(checkout, capsys, monkeypatch)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.made(tmp_path_factory.mktemp("template"))


@pytest.fixture
def shop(tmp_path: Path, move: Move, template: Checkout) -> Shop:
    return move(template.copied(tmp_path))


# version


def test_the_version_of_develop_counts_the_commits_since_the_version_was_written(shop: Shop) -> None:
    assert shop.well("version") == "1.3.0-dev.1  (on develop)\ntags: 1.3.0-dev.1, develop\n"
    shop.checkout.commit("roles/web/tasks/main.yml", "--- # more\n")
    assert shop.well("version", "--short") == "1.3.0-dev.2\n"
    shop.checkout.commit("version.txt", "release = 1.3.0\nprefix = x-\n")  # another form is no other version
    assert shop.well("version", "--short") == "1.3.0-dev.3\n"


def test_the_version_is_told_to_machines_with_everything_about_it(shop: Shop) -> None:
    shop.checkout.git("checkout", "--quiet", "main")
    shop.checkout.git("remote", "set-url", "origin", "https://alice:s3cret@example.org/shop.git?token=s3cret")
    told = json.loads(shop.well("version", "--json"))
    assert told["version"] == "1.2.0"
    assert told["tags"] == ["1.2.0", "1.2", "1", "latest"]
    assert (told["kind"], told["published_once"], told["names"]) == ("release", True, {})
    assert told["labels"]["org.opencontainers.image.revision"] == shop.checkout.at("main")
    assert told["labels"]["org.opencontainers.image.source"] == "https://example.org/shop.git"
    assert told["labels"]["org.opencontainers.image.created"] == shop.checkout.git("show", "-s", "--format=%cI")


def test_with_a_recipe_the_names_of_its_images_are_told(shop: Shop) -> None:
    shop.checkout.commit("recipes/default.yml", RECIPE)
    told = shop.well("version", "default").splitlines()
    assert told[2:] == ["shop-web:1.3.0-dev.2", "shop-web:develop"]
    assert json.loads(shop.well("version", "default", "-n", "x", "--json"))["names"]["web"][1] == "x-web:develop"
    assert "name the recipe" in shop.refused("version", "-n", "x")


def test_the_image_file_chooses_the_tags_that_move_with_a_release(shop: Shop) -> None:
    shop.checkout.git("checkout", "--quiet", "main")
    shop.checkout.commit("image.txt", "repository = acme/base\nalso = latest\n")
    assert "tags: 1.2.0, latest\n" in shop.well("version")


@pytest.mark.parametrize("path", ["roles/web/tasks/main.yml", "new.txt"])
def test_a_dirty_tree_shows_in_the_version(shop: Shop, path: str) -> None:
    shop.checkout.git("checkout", "--quiet", "-B", "main", "develop")
    shop.checkout.write(path, "changed\n")
    assert shop.well("version", "--short") == "1.3.0-dirty\n"
    told = json.loads(shop.well("version", "--json"))
    assert (told["version"], told["tags"], told["published_once"]) == ("1.3.0+dirty", ["1.3.0-dirty"], False)


def test_a_detached_head_takes_the_branch_from_ci_and_a_tag_from_git(shop: Shop) -> None:
    shop.checkout.git("checkout", "--quiet", "--detach", "develop")
    assert shop.well("version", "--short").startswith("1.3.0-detached.")
    shop.monkeypatch.setenv("CI_COMMIT_BRANCH", "develop")
    assert shop.well("version", "--short") == "1.3.0-dev.1\n"
    shop.monkeypatch.setenv("GITHUB_HEAD_REF", "main")
    told = shop.well("version", "--short").strip()
    assert re.fullmatch(rf"1\.3\.0-main\.g?{shop.checkout.at('HEAD')[:7]}", told)  # a g where all are digits
    for name in ("CI_COMMIT_BRANCH", "GITHUB_HEAD_REF"):
        shop.monkeypatch.delenv(name)
    shop.checkout.git("checkout", "--quiet", "--detach", "1.2.0")
    assert "tags: 1.2.0, 1.2, 1, latest" in shop.well("version")


def test_a_disagreement_between_branch_or_tag_and_file_ends_with_2(shop: Shop) -> None:
    shop.checkout.git("checkout", "--quiet", "-b", "release/1.4.0")
    told = shop.refused("version")
    assert "release/1.4.0 is for 1.4.0, and version.txt says 1.3.0" in told
    shop.checkout.git("checkout", "--quiet", "--detach")
    shop.checkout.git("tag", "v1.4.0")
    assert "v1.4.0 is for 1.4.0, and version.txt says 1.3.0" in shop.refused("version")


def test_a_shallow_clone_is_refused_where_commits_are_counted_or_tags_move(
    shop: Shop, tmp_path: Path, move: Move
) -> None:
    shop.checkout.git(
        "clone", "--quiet", "--depth=1", "-b", "develop", shop.checkout.remote.as_uri(), str(tmp_path / "s")
    )
    shallow = move(Checkout(tmp_path / "s", shop.checkout.remote))
    assert "cannot be counted" in shallow.refused("version")
    shallow.checkout.git("checkout", "--quiet", "-b", "main")
    assert "cannot be known" in shallow.refused("version")


def test_without_a_repository_or_a_commit_the_version_is_not_known(tmp_path: Path, move: Move) -> None:
    bare = Checkout(tmp_path / "empty", tmp_path)
    bare.folder.mkdir()
    bare.write("version.txt", "1.0.0\n")
    code, out, err = move(bare).run("version")
    assert (code, out, "is in no git repository" in err) == (2, "", True)
    bare.git("init", "--quiet")
    code, out, err = move(bare).run("version")
    assert (code, out, "no commit yet" in err) == (2, "", True)


def test_a_machine_without_git_is_told_to_get_it(shop: Shop, tmp_path: Path) -> None:
    shop.monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = shop.run("version")
    assert (code, out) == (2, "")
    assert "git is not installed" in err


# bump


def test_bump_writes_the_next_version_and_a_dry_run_only_says_it(shop: Shop) -> None:
    file = shop.checkout.folder / "version.txt"
    file.write_bytes(b"# ours\r\nrelease = 1.3.0  # soon\r\n")
    assert shop.well("bump", "minor", "--dry-run") == "1.3.0 → 1.4.0\n"
    assert b"release = 1.3.0" in file.read_bytes()
    assert shop.well("bump", "minor") == "1.3.0 → 1.4.0\n"
    assert file.read_bytes() == b"# ours\r\nrelease = 1.4.0  # soon\r\n"
    assert shop.well("bump", "1.4.0") == "nothing to do: the version is 1.4.0 already\n"
    assert "lies below" in shop.refused("bump", "1.3.9")
    assert shop.well("bump", "pre", "-p", str(shop.checkout.folder)) == "1.4.0 → 1.4.1-rc.1\n"


@pytest.mark.parametrize("text", ["1.2\n", "", "repository = x\n", "\udcff"])
def test_bump_refuses_a_file_that_it_cannot_read(shop: Shop, text: str) -> None:
    (shop.checkout.folder / "version.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "version.txt" in shop.refused("bump", "patch")


# release


def released(shop: Shop, version: str, *, develop: str) -> None:
    """Everything that a finished release or hotfix leaves, here and in the remote."""
    checkout = shop.checkout
    tag = checkout.at(version)
    assert checkout.git("cat-file", "-t", version) == "tag"
    assert checkout.version(version) == version
    assert checkout.version("develop") == develop
    assert checkout.branches() == {"main", "develop", "origin/main", "origin/develop"}
    for name in ("main", "develop", version):
        assert checkout.at(name) == checkout.there(name), name
    assert tag == checkout.at("main")
    assert len(checkout.git("show", "-s", "--format=%P", "main").split()) == 2
    checkout.git("merge-base", "--is-ancestor", version, "develop")
    assert checkout.git("status", "--porcelain") == ""


def test_a_release_with_the_bump_at_its_end(shop: Shop) -> None:
    told = shop.well("release", "start")
    assert told.endswith("release/1.3.0 is open\n")
    assert shop.checkout.git("branch", "--show-current") == "release/1.3.0"
    assert shop.checkout.at("release/1.3.0") == shop.checkout.there("release/1.3.0") == shop.checkout.at("develop")
    assert shop.well("version", "--short") == "1.3.0-rc.1\n"
    shop.checkout.commit("fix.txt", "fixed\n")
    told = shop.well("release", "finish")
    assert told.endswith("1.3.0 is released\n")
    assert "git merge --no-ff" in told
    released(shop, "1.3.0", develop="1.4.0")
    subjects = shop.checkout.git("log", "--format=%s", "develop").splitlines()
    assert subjects[:2] == ["Bumps version to 1.4.0", "Merge tag '1.3.0' into develop"]
    assert "Merge branch 'release/1.3.0'" in subjects


def test_a_release_with_the_bump_at_its_start(shop: Shop) -> None:
    shop.well("release", "start", "--bump", "start", "--next", "major")
    assert (shop.checkout.version("develop"), shop.checkout.version("release/1.3.0")) == ("2.0.0", "1.3.0")
    assert shop.checkout.at("develop") == shop.checkout.there("develop")
    shop.checkout.commit("fix.txt", "fixed\n")
    assert "bump" not in shop.well("release", "finish")
    released(shop, "1.3.0", develop="2.0.0")


def test_what_would_be_ignored_is_refused(shop: Shop) -> None:
    assert "--next is for --bump start" in shop.refused("release", "start", "--next", "major")


@pytest.mark.parametrize(("when", "after"), [("start", "2.1.0"), ("end", "2.1.0")])
def test_a_release_may_be_for_another_version_than_developed_so_far(shop: Shop, when: str, after: str) -> None:
    shop.well("release", "start", "2.0.0", "--bump", when)
    assert shop.checkout.version("release/2.0.0") == "2.0.0"
    shop.well("release", "finish")
    released(shop, "2.0.0", develop=after)


def test_everything_twice_is_a_success_that_does_nothing(shop: Shop) -> None:
    for words, said in (
        (("release", "start"), "nothing to do: release/1.3.0 is open already\n"),
        (("release", "finish"), "nothing to do: 1.3.0 is released already\n"),
        (("hotfix", "start"), "nothing to do: hotfix/1.3.1 is open already\n"),
        (("hotfix", "finish"), "nothing to do: 1.3.1 is released already\n"),
    ):
        shop.well(*words)
        before = shop.checkout.everything()
        assert shop.well(*words) == said
        assert shop.checkout.everything() == before
    assert shop.well("release", "finish", "1.3.0") == "nothing to do: 1.3.0 is released already\n"


@pytest.mark.parametrize("policy", ["start", "end"])
def test_starting_twice_starts_no_second_release(shop: Shop, policy: str) -> None:
    shop.well("release", "start", "--bump", policy)
    shop.checkout.git("checkout", "--quiet", "develop")
    assert shop.well("release", "start", "--bump", policy) == "nothing to do: release/1.3.0 is open already\n"
    assert "release/1.3.0 is open already" in shop.refused("release", "start", "1.5.0")


def test_a_dry_run_prints_the_commands_and_changes_nothing(shop: Shop) -> None:
    before = shop.checkout.everything()
    code, out, err = shop.run("release", "start", "--bump", "start", "--dry-run")
    assert (code, err) == (0, "this was a dry run: nothing has changed\n")
    assert out.splitlines() == [
        "git branch --no-track release/1.3.0 develop",
        "git checkout develop",
        "baseimage bump 1.4.0",
        "git commit --message 'Bumps version to 1.4.0' -- version.txt",
        "git push --atomic --set-upstream origin release/1.3.0 develop",
        "git checkout release/1.3.0",
    ]
    assert shop.checkout.everything() == before
    shop.well("release", "start")
    before = shop.checkout.everything()
    code, out, err = shop.run("release", "finish", "--dry-run")
    assert (code, err) == (0, "this was a dry run: nothing has changed\n")
    assert out.splitlines() == [
        "git checkout main",
        "git merge --no-ff --message 'Merge branch '\"'\"'release/1.3.0'\"'\"'' release/1.3.0",
        "git tag --annotate --message 'Release 1.3.0' 1.3.0 main",
        "git checkout develop",
        "git merge --no-ff --message 'Merge tag '\"'\"'1.3.0'\"'\"' into develop' 1.3.0",
        "git checkout develop",
        "baseimage bump 1.4.0",
        "git commit --message 'Bumps version to 1.4.0' -- version.txt",
        "git push --atomic origin main develop refs/tags/1.3.0",
        "git push origin --delete release/1.3.0",
        "git checkout develop",
        "git branch --delete --force release/1.3.0",
    ]
    assert shop.checkout.everything() == before


def test_only_a_release_branch_can_be_finished(shop: Shop) -> None:
    shop.checkout.git("checkout", "--quiet", "-b", "feature/x")
    assert "feature/x is no release branch" in shop.refused("release", "finish")
    shop.checkout.git("checkout", "--quiet", "develop")
    shop.well("release", "start")
    shop.checkout.git("checkout", "--quiet", "develop")
    told = shop.refused("release", "finish")
    assert "develop is no release branch" in told
    assert "git checkout release/1.3.0" in told
    shop.checkout.git("checkout", "--quiet", "release/1.3.0")
    assert "release/1.3.0 is no hotfix branch" in shop.refused("hotfix", "finish")


def test_a_version_that_nobody_started_cannot_be_finished(shop: Shop) -> None:
    assert "there is no branch release/7.0.0" in shop.refused("release", "finish", "7.0.0")
    assert "'7.0' is not a version" in shop.refused("release", "finish", "7.0")


@pytest.mark.parametrize("words", [("release", "start"), ("hotfix", "start"), ("release", "finish", "1.2.0")])
def test_a_dirty_tree_is_refused(shop: Shop, words: tuple[str, ...]) -> None:
    shop.checkout.write("new.txt", "new\n")
    assert "uncommitted changes" in shop.refused(*words)


@pytest.mark.parametrize(
    ("version", "told"),
    [("1.2.0", "develop is at 1.3.0 already"), ("1.3", "write 1.3.0"), ("1.4.0-rc.1", "write 1.4.0")],
)
def test_a_release_starts_only_upwards(shop: Shop, version: str, told: str) -> None:
    assert told in shop.refused("release", "start", version)


def test_a_released_version_is_not_started_again(tmp_path: Path, move: Move) -> None:
    shop = move(Checkout.made(tmp_path, version="1.2.0"))
    told = shop.refused("release", "start")
    assert "1.2.0 is released already" in told
    assert "baseimage bump minor" in told


def test_a_branch_whose_file_says_another_version_is_not_finished(shop: Shop) -> None:
    shop.well("release", "start")
    shop.checkout.commit("version.txt", "1.3.1\n")
    assert "release/1.3.0 is for 1.3.0, and its version.txt says 1.3.1" in shop.refused("release", "finish")


def test_without_main_or_develop_there_is_no_gitflow(shop: Shop) -> None:
    shop.checkout.git("branch", "--move", "develop", "trunk")
    shop.checkout.git("push", "--quiet", "origin", "--delete", "develop")
    told = shop.refused("release", "start")
    assert "there is no branch develop" in told
    assert "git branch develop main" in told


def test_master_is_a_main_branch_and_tags_keep_their_v(tmp_path: Path, move: Move) -> None:
    checkout = Checkout.made(tmp_path)
    checkout.git("branch", "--move", "main", "master")
    checkout.git("tag", "v1.2.0", "master")
    checkout.git("tag", "--delete", "1.2.0")
    checkout.git("push", "--quiet", "origin", "master", "v1.2.0")
    git(checkout.remote, "symbolic-ref", "HEAD", "refs/heads/master")
    checkout.git("push", "--quiet", "origin", "--delete", "main", "1.2.0")
    shop = move(checkout)
    shop.well("release", "start")
    shop.well("release", "finish")
    assert checkout.at("v1.3.0") == checkout.at("master") == checkout.there("master")


def test_without_a_remote_everything_is_done_here(shop: Shop) -> None:
    shop.checkout.git("remote", "remove", "origin")
    shop.well("release", "start")
    told = shop.well("release", "finish")
    assert "push" not in told
    assert shop.checkout.version("develop") == "1.4.0"
    assert shop.checkout.at("1.3.0") == shop.checkout.at("main")
    assert shop.well("release", "finish").startswith("nothing to do")


# hotfix


@pytest.mark.parametrize("words", [(), ("1.2.1",)])
def test_a_hotfix_mends_main_and_leaves_develop_its_version(shop: Shop, words: tuple[str, ...]) -> None:
    shop.well("hotfix", "start", *words)
    assert shop.checkout.git("branch", "--show-current") == "hotfix/1.2.1"
    assert shop.checkout.version() == "1.2.1"
    shop.checkout.commit("fix.txt", "fixed\n")
    shop.well("hotfix", "finish")
    released(shop, "1.2.1", develop="1.3.0")
    assert shop.checkout.git("show", "develop:fix.txt") == "fixed"


def test_a_hotfix_of_what_develop_has_not_moved_on_from_moves_it_on(tmp_path: Path, move: Move) -> None:
    shop = move(Checkout.made(tmp_path, version="1.2.0"))
    shop.well("hotfix", "start")
    shop.well("hotfix", "finish", "--next", "patch")
    released(shop, "1.2.1", develop="1.2.2")


def test_a_hotfix_during_a_release_does_not_keep_it_from_its_end(shop: Shop) -> None:
    shop.well("release", "start", "2.0.0")
    shop.well("hotfix", "start")
    shop.checkout.commit("fix.txt", "fixed\n")
    shop.well("hotfix", "finish")
    assert shop.checkout.version("main") == "1.2.1"
    shop.checkout.git("checkout", "--quiet", "release/2.0.0")
    shop.well("release", "finish")
    released(shop, "2.0.0", develop="2.1.0")
    assert shop.checkout.git("show", "main:fix.txt") == "fixed"


# other people's ways


def test_a_project_in_a_folder_of_a_repository_has_its_own_version(shop: Shop) -> None:
    checkout, place = shop.checkout, "dienste/ü"
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(f"{place}/version.txt", "0.1.0\n")
    checkout.git("push", "--quiet", "origin", "main")
    checkout.git("checkout", "--quiet", "develop")
    checkout.git("merge", "--quiet", "--no-edit", "main")
    checkout.commit(f"{place}/version.txt", "0.2.0\n")
    checkout.commit("version.txt", "9.9.9\n")
    checkout.git("push", "--quiet", "origin", "develop")
    assert shop.well("version", "--short", "-p", place) == "0.2.0-dev.1\n"
    shop.well("hotfix", "start", "-p", place)
    shop.well("hotfix", "finish", "-p", place)
    assert checkout.git("show", f"main:{place}/version.txt") == "0.1.1"
    assert checkout.git("show", f"develop:{place}/version.txt") == "0.2.0"
    assert checkout.version("main") == "1.2.0"


def test_settings_of_the_user_do_not_change_what_is_read(shop: Shop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[log]\nshowSignature = true\n[status]\nshowUntrackedFiles = no\nbranch = true\nshort = true\n"
        "[column]\nui = always\n[color]\nui = always\n[merge]\nff = only\n[diff]\nrelative = true\n"
        "[push]\ndefault = nothing\n[core]\nautocrlf = input\n",
        encoding="utf-8",
    )
    shop.monkeypatch.setenv("HOME", str(home))
    shop.well("hotfix", "start")
    shop.well("hotfix", "finish")
    released(shop, "1.2.1", develop="1.3.0")
    shop.checkout.write("new.txt", "new\n")
    assert shop.well("version", "--short") == "1.3.0-dev.4-dirty\n"


# failures on the way


def refuse_pushes(checkout: Checkout, *, refuse: bool) -> None:
    """Let the remote take nothing, or everything again."""
    hook = checkout.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no room' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755 if refuse else 0o644)


def test_a_push_that_is_refused_is_taken_up_again(shop: Shop) -> None:
    refuse_pushes(shop.checkout, refuse=True)
    code, _, err = shop.run("release", "start")
    assert code == 1
    assert "no room" in err
    refuse_pushes(shop.checkout, refuse=False)
    shop.well("release", "start")
    assert "origin/release/1.3.0" in shop.checkout.branches()
    remote = shop.checkout.there("main"), shop.checkout.there("develop")
    refuse_pushes(shop.checkout, refuse=True)
    code, _, err = shop.run("release", "finish")
    assert code == 1
    assert "the same command again goes on" in err
    assert (shop.checkout.there("main"), shop.checkout.there("develop")) == remote
    assert "release/1.3.0" in shop.checkout.branches()
    refuse_pushes(shop.checkout, refuse=False)
    told = shop.well("release", "finish")
    assert "merge" not in told
    assert "tag --annotate" not in told
    released(shop, "1.3.0", develop="1.4.0")


@pytest.mark.parametrize("hook", ["pre-commit", "pre-merge-commit"])
def test_a_hook_that_refuses_a_commit_or_merge_leaves_a_clean_tree_and_can_be_settled(shop: Shop, hook: str) -> None:
    shop.well("release", "start")
    file = shop.checkout.folder / ".git/hooks" / hook
    file.parent.mkdir(exist_ok=True)
    file.write_text("#!/bin/sh\necho 'fatal: not today' >&2\nexit 1\n", encoding="utf-8")
    file.chmod(0o755)
    code, _, err = shop.run("release", "finish")
    assert code == 1
    assert "not today" in err
    assert shop.checkout.git("status", "--porcelain") == ""
    file.unlink()
    shop.well("release", "finish", "1.3.0")
    released(shop, "1.3.0", develop="1.4.0")


def test_work_that_others_pushed_to_develop_meanwhile_is_kept(shop: Shop) -> None:
    shop.well("release", "start")
    refuse_pushes(shop.checkout, refuse=True)
    assert shop.run("release", "finish")[0] == 1
    refuse_pushes(shop.checkout, refuse=False)
    other = shop.checkout.clone("other")
    theirs = other.commit("other.txt", "theirs\n")
    other.git("push", "--quiet", "origin", "develop")
    shop.well("release", "finish")
    released(shop, "1.3.0", develop="1.4.0")
    shop.checkout.git("merge-base", "--is-ancestor", theirs, "develop")


def test_another_release_on_main_meanwhile_is_explained_and_nothing_is_overwritten(shop: Shop) -> None:
    shop.well("release", "start")
    refuse_pushes(shop.checkout, refuse=True)
    assert shop.run("release", "finish")[0] == 1
    refuse_pushes(shop.checkout, refuse=False)
    other = shop.checkout.clone("other")
    other.git("checkout", "--quiet", "main")
    other.commit("other.txt", "theirs\n")
    other.git("push", "--quiet", "origin", "main")
    code, out, err = shop.run("release", "finish")
    assert (code, out) == (2, "")
    assert "main and origin/main both have commits that the other one lacks" in err
    assert "git branch --force main origin/main" in err
    assert shop.checkout.there("main") == other.at("main")


def test_what_others_did_before_is_taken_over_first(shop: Shop) -> None:
    other = shop.checkout.clone("other")
    other.commit("other.txt", "theirs\n")
    other.git("push", "--quiet", "origin", "develop")
    shop.well("release", "start")
    assert shop.checkout.at("release/1.3.0") == other.at("develop")


def test_a_release_that_another_person_started_is_finished_in_a_fresh_clone(shop: Shop, move: Move) -> None:
    shop.well("release", "start")
    fresh = move(shop.checkout.clone("fresh"))
    fresh.well("release", "finish", "1.3.0")
    assert fresh.checkout.there("1.3.0") == fresh.checkout.there("main")
    assert {name for name in fresh.checkout.branches() if name.startswith("origin/")} == {
        "origin/main",
        "origin/develop",
    }


def test_a_conflict_in_anything_but_the_version_is_left_to_the_user(shop: Shop) -> None:
    shop.well("release", "start")
    shop.checkout.commit("fix.txt", "of the release\n")
    shop.checkout.git("checkout", "--quiet", "develop")
    shop.checkout.commit("fix.txt", "of develop\n")
    shop.checkout.git("checkout", "--quiet", "release/1.3.0")
    code, _, err = shop.run("release", "finish")
    assert code == 1
    assert "both have changed fix.txt" in err
    assert "git merge --no-ff 1.3.0" in err
    assert shop.checkout.git("status", "--porcelain") == ""
    with pytest.raises(Exception, match="merge"):
        shop.checkout.git("merge", "--no-ff", "1.3.0")
    shop.checkout.git("checkout", "--theirs", "--", "fix.txt")
    shop.checkout.git("commit", "--all", "--no-edit")
    shop.well("release", "finish")
    released(shop, "1.3.0", develop="1.4.0")


def test_commits_on_the_branch_after_its_tag_are_not_lost(shop: Shop) -> None:
    shop.well("release", "start")
    refuse_pushes(shop.checkout, refuse=True)
    assert shop.run("release", "finish")[0] == 1
    shop.checkout.git("checkout", "--quiet", "release/1.3.0")
    shop.checkout.commit("late.txt", "late\n")
    code, _, err = shop.run("release", "finish")
    assert code == 2
    assert "release/1.3.0 has commits that came after the tag 1.3.0" in err


def test_a_remote_that_does_not_answer_ends_with_1_and_nothing_is_done(shop: Shop) -> None:
    shop.checkout.git("remote", "set-url", "origin", "https://alice:s3cret@127.0.0.1:9/x.git")
    told = shop.refused("release", "start", code=1)
    assert "127.0.0.1" in told
    assert "s3cret" not in told
