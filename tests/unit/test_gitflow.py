"""From branch, version.txt, commit, tags and changes to a version and its tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ci_place import place_in_ci
from pipeline.errors import UsageError
from pipeline.gitflow import Place, Situation, release_plan
from pipeline.image_names import image_names, names_once
from pipeline.project import Project, moving_tags, parse_image
from pipeline.reference import ImageReference

COMMIT = "abc1234def0abc1234def0abc1234def0abc12345"
HERE = Situation("1.3.0", COMMIT, Place(), count=7, created="2026-01-02T03:04:05+00:00", source="https://x.example/a")


def on(branch: str = "", *, tag: str = "", change: bool = False, **facts: Any) -> Situation:
    """The usual situation, somewhere else."""
    return replace(HERE, place=Place(branch, tag, change), **facts)


@pytest.mark.parametrize(
    ("situation", "tags", "once"),
    [
        (on("main"), "1.3.0 1.3 1 latest", True),
        (on("master"), "1.3.0 1.3 1 latest", True),
        (on("main", tags=("1.3.0",)), "1.3.0 1.3 1 latest", True),
        (on("main", tags=("v1.3.0", "stable")), "1.3.0 1.3 1 latest", True),
        (on("main", version="1.3.0-rc.2"), "1.3.0-rc.2", True),
        (on("main", version="1.3.0+7"), "1.3.0-7 1.3 1 latest", True),
        (on("main", count=None, dirty=True), "1.3.0-dirty", False),
        (on("main", version="1.3.0-rc.2", count=None), "1.3.0-rc.2", True),
        (on("release/1.3.0"), "1.3.0-rc.7", False),
        (on("release/v1.3.0"), "1.3.0-rc.7", False),
        (on("release/1.3.0", version="1.3.0-rc.1"), "1.3.0-rc.7", False),
        (on("hotfix/1.3.0", count=0), "1.3.0-rc.0", False),
        (on("develop"), "1.3.0-dev.7 develop", False),
        (on("develop", version="1.3.0-dev"), "1.3.0-dev.7 develop", False),
        (on("develop", tags=("1.2.0",)), "1.3.0-dev.7 develop", False),
        (on("feature/Log_In"), "1.3.0-feature-Log-In.abc1234", False),
        (on("feature/log-in", tags=("1.3.0",)), "1.3.0-feature-log-in.abc1234", False),
        (on("support/1.x"), "1.3.0-support-1-x.abc1234", False),
        (on("007"), "1.3.0-branch-007.abc1234", False),
        (on("über/ß"), "1.3.0-ber.abc1234", False),
        (on("x", commit="0123456" + COMMIT), "1.3.0-x.g0123456", False),
        (on("a" * 99), f"1.3.0-{'a' * 40}.abc1234", False),
        (on(), "1.3.0-detached.abc1234", False),
        (on(tags=("1.3.0",)), "1.3.0 1.3 1 latest", True),
        (on(tag="1.3.0"), "1.3.0 1.3 1 latest", True),
        (on(tag="v1.3.0-rc.2"), "1.3.0-rc.2", True),
        (on(tag="nightly"), "1.3.0-nightly.abc1234", False),
    ],
)
def test_every_place_has_its_tags(situation: Situation, tags: str, *, once: bool) -> None:
    plan = release_plan(situation)
    assert (plan.tags, plan.once) == (tuple(tags.split()), once)
    assert semver.Version.is_valid(plan.version)
    assert plan.reason


@pytest.mark.parametrize(
    "branch", ["main", "master", "develop", "release/1.3.0", "hotfix/9.9.9", "feature/x", "", "1.3.0"]
)
def test_a_pull_request_never_gets_a_release_tag_whatever_its_branch_is_called(branch: str) -> None:
    plan = release_plan(on(branch, change=True, tags=("1.3.0",)))
    assert (plan.kind, plan.moving, plan.once) == ("branch", (), False)
    assert plan.version.endswith(".abc1234")


@pytest.mark.parametrize(
    ("place", "version"),
    [
        ("main", "1.3.0+dirty"),
        ("develop", "1.3.0-dev.7+dirty"),
        ("release/1.3.0", "1.3.0-rc.7+dirty"),
        ("feature/x", "1.3.0-feature-x.abc1234+dirty"),
    ],
)
def test_a_dirty_tree_says_so_and_gets_nothing_that_a_release_gets(place: str, version: str) -> None:
    plan = release_plan(on(place, dirty=True))
    assert (plan.version, plan.tags) == (version, (version.replace("+", "-"),))
    assert (plan.once, plan.newest) == (False, False)
    assert plan.revision == f"{COMMIT}-dirty"
    assert "uncommitted" in plan.reason


def test_a_dirty_tree_of_a_version_with_build_metadata_stays_a_version() -> None:
    assert release_plan(on("main", version="1.3.0+7", dirty=True)).version == "1.3.0+7.dirty"


@pytest.mark.parametrize(
    ("situation", "one", "other"),
    [
        (on("release/1.3.0", version="1.2.0"), "release/1.3.0", "1.2.0"),
        (on("hotfix/1.2.1", version="1.2.0"), "hotfix/1.2.1", "1.2.0"),
        (on("main", tags=("v1.3.0",), version="1.2.0"), "v1.3.0", "1.2.0"),
        (on("main", tags=("1.3.0-rc.1",)), "1.3.0-rc.1", "1.3.0"),
        (on(tag="v1.3.0", version="1.3.1"), "v1.3.0", "1.3.1"),
        (on(tags=("1.3.0",), version="1.3.0-rc.1"), "1.3.0", "1.3.0-rc.1"),
        (on("release/next"), "release/next", "'next' is not a version"),
    ],
)
def test_a_disagreement_names_both_sides_and_a_way_out(situation: Situation, one: str, other: str) -> None:
    with pytest.raises(UsageError) as caught:
        release_plan(situation)
    assert one in caught.value.message
    assert other in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("branch", ["develop", "release/1.3.0"])
def test_commits_of_a_shallow_clone_are_not_counted_wrongly(branch: str) -> None:
    with pytest.raises(UsageError, match=f"commits of {branch} cannot be counted") as caught:
        release_plan(on(branch, count=None))
    assert "fetch-depth: 0" in caught.value.hint


@pytest.mark.parametrize("situation", [on("main", count=None), on(tag="v1.3.0", count=None)])
def test_a_shallow_clone_moves_no_tag_back_from_a_release_that_it_does_not_see(situation: Situation) -> None:
    with pytest.raises(UsageError, match=r"newer than 1\.3\.0 cannot be known") as caught:
        release_plan(situation)
    assert "fetch-depth: 0" in caught.value.hint
    alone = release_plan(situation, also=())
    assert (alone.tags, alone.newest) == (("1.3.0",), False)


@pytest.mark.parametrize(
    ("released", "tags"),
    [
        (("1.3.0", "1.2.9", "v0.9.0", "nightly"), "1.3.0 1.3 1 latest"),
        (("1.3.1",), "1.3.0"),
        (("1.4.0",), "1.3.0 1.3"),
        (("v2.3.5",), "1.3.0 1.3 1"),
        (("2.0.0-rc.1",), "1.3.0 1.3 1 latest"),
    ],
)
def test_an_old_release_built_again_takes_no_moving_tag_from_a_newer_one(released: tuple[str, ...], tags: str) -> None:
    assert release_plan(on("main", released=released)).tags == tuple(tags.split())


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", "1.3.0 1.3 1 latest"),
        ("also = latest", "1.3.0 latest"),
        ("also = latest, minor", "1.3.0 1.3 latest"),
        ("also = none", "1.3.0"),
    ],
)
def test_the_image_file_says_which_tags_move_with_a_release(text: str, tags: str) -> None:
    assert release_plan(on("main"), moving_tags(parse_image(text, "image.txt"))).tags == tuple(tags.split())


@given(st.text(max_size=60), st.booleans(), st.booleans())
def test_any_branch_makes_a_version_and_tags_that_an_engine_takes(branch: str, dirty: bool, change: bool) -> None:  # noqa: FBT001 - hypothesis gives them
    situation = on(branch, dirty=dirty, change=change)
    try:
        plan = release_plan(situation)
    except UsageError:
        assert branch.startswith(("release/", "hotfix/"))
        return
    assert semver.Version.is_valid(plan.version)
    for tag in plan.tags:
        assert ImageReference("docker.io", "library/x", tag).tag == tag


def test_the_labels_say_what_an_image_is_made_of() -> None:
    prefix = "org.opencontainers.image."
    assert release_plan(on("develop")).labels == {
        f"{prefix}revision": COMMIT,
        f"{prefix}version": "1.3.0-dev.7",
        f"{prefix}created": "2026-01-02T03:04:05+00:00",
        f"{prefix}source": "https://x.example/a",
    }
    assert f"{prefix}source" not in release_plan(on("develop", source="")).labels


# names


def project(branch: str, **facts: Any) -> Project:
    plan = release_plan(on(branch, **facts))
    return Project("shop", plan.version, "acme/base", release=plan)


def test_the_default_names_follow_the_plan_and_latest_is_for_releases() -> None:
    names = image_names(project("main"), "web")
    assert names == tuple(f"acme/base:shop.web.{tag}" for tag in ("1.3.0", "1.3", "1", "latest"))
    assert names_once(project("main"), "web") == names[:1]
    assert image_names(project("develop"), "web") == ("acme/base:shop.web.1.3.0-dev.7", "acme/base:shop.web.develop")
    assert names_once(project("develop"), "web") == ()
    assert image_names(replace(project("feature/x"), repository=""), "web") == ("shop-web:1.3.0-feature-x.abc1234",)


TEMPLATES = (
    "{repository}/{service}:{version}-slim",
    "{repository}/{service}:{major}.{minor}.{patch}",
    "{service}:stable",
)


@pytest.mark.parametrize(
    ("branch", "facts", "names", "once"),
    [
        (
            "main",
            {},
            (
                "acme/base/web:1.3.0-slim acme/base/web:1.3-slim acme/base/web:1-slim acme/base/web:latest-slim "
                "acme/base/web:1.3.0 web:stable"
            ),
            "acme/base/web:1.3.0-slim acme/base/web:1.3.0",
        ),
        ("main", {"dirty": True}, "acme/base/web:1.3.0-dirty-slim", ""),
        (
            "main",
            {"released": ("1.3.1",)},
            "acme/base/web:1.3.0-slim acme/base/web:1.3.0",
            "acme/base/web:1.3.0-slim acme/base/web:1.3.0",
        ),
        ("develop", {}, "acme/base/web:1.3.0-dev.7-slim acme/base/web:develop-slim", ""),
        ("feature/x", {}, "acme/base/web:1.3.0-feature-x.abc1234-slim", ""),
    ],
)
def test_own_templates_give_away_no_release_name_elsewhere(
    branch: str, facts: dict[str, object], names: str, once: str
) -> None:
    found = project(branch, **facts)
    assert image_names(found, "web", TEMPLATES) == tuple(names.split())
    assert names_once(found, "web", TEMPLATES) == tuple(once.split())


def test_templates_without_a_version_name_nothing_on_a_branch() -> None:
    assert image_names(project("develop"), "web", ("{service}:stable",)) == ()


def test_without_gitflow_nothing_is_published_once() -> None:
    assert names_once(Project("shop", "1.3.0"), "web") == ()


# CI


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, Place()),
        ({"CI": "true", "PATH": "/bin"}, Place()),
        ({"GITHUB_REF_NAME": "develop", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": ""}, Place("develop")),
        ({"GITHUB_REF_NAME": "1.3.0", "GITHUB_REF_TYPE": "tag"}, Place(tag="1.3.0")),
        (
            {"GITHUB_REF_NAME": "12/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": "main"},
            Place("main", pull_request=True),
        ),
        ({"CI_COMMIT_BRANCH": "release/1.3.0"}, Place("release/1.3.0")),
        ({"CI_COMMIT_TAG": "1.3.0"}, Place(tag="1.3.0")),
        ({"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "develop"}, Place("develop", pull_request=True)),
        ({"TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST": "false"}, Place("main")),
        ({"TRAVIS_BRANCH": "1.3.0", "TRAVIS_TAG": "1.3.0", "TRAVIS_PULL_REQUEST": "false"}, Place(tag="1.3.0")),
        (
            {"TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST": "12", "TRAVIS_PULL_REQUEST_BRANCH": "fix"},
            Place("fix", pull_request=True),
        ),
        ({"CIRCLE_BRANCH": "develop"}, Place("develop")),
        ({"CIRCLE_TAG": "1.3.0"}, Place(tag="1.3.0")),
        ({"CIRCLE_BRANCH": "pull/12", "CIRCLE_PR_NUMBER": "12"}, Place("pull/12", pull_request=True)),
        ({"CIRCLE_BRANCH": "pull/12"}, Place("pull/12", pull_request=True)),
        ({"BUILD_SOURCEBRANCH": "refs/heads/hotfix/1.2.1"}, Place("hotfix/1.2.1")),
        ({"BUILD_SOURCEBRANCH": "refs/tags/v1.3.0"}, Place(tag="v1.3.0")),
        (
            {
                "BUILD_SOURCEBRANCH": "refs/pull/12/merge",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "12",
                "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/main",
            },
            Place("main", pull_request=True),
        ),
        ({"BUILD_SOURCEBRANCH": "refs/pull/12/merge"}, Place("refs/pull/12/merge", pull_request=True)),
        ({"BITBUCKET_BRANCH": "main"}, Place("main")),
        ({"BITBUCKET_TAG": "1.3.0"}, Place(tag="1.3.0")),
        ({"BITBUCKET_BRANCH": "main", "BITBUCKET_PR_ID": "3"}, Place("main", pull_request=True)),
        ({"BRANCH_NAME": "develop"}, Place("develop")),
        ({"BRANCH_NAME": "1.3.0", "TAG_NAME": "1.3.0"}, Place(tag="1.3.0")),
        ({"BRANCH_NAME": "PR-12", "CHANGE_ID": "12", "CHANGE_BRANCH": "main"}, Place("main", pull_request=True)),
        ({"BRANCH_NAME": "PR-12", "CHANGE_ID": "12"}, Place("PR-12", pull_request=True)),
    ],
)
def test_ci_services_say_what_they_build(environ: dict[str, str], place: Place) -> None:
    assert place_in_ci(environ) == place
