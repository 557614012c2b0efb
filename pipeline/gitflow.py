"""What a build is called by where it stands in gitflow: from the facts of a checkout to a version and its tags."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

import semver

from pipeline.errors import UsageError
from pipeline.versions import check_version, final, tagged_version

Kind = Literal["release", "candidate", "development", "branch"]
MAIN = ("main", "master")
DEVELOP = "develop"
ALSO = ("minor", "major", "latest")
"""The moving tags of a release: x.y, x and latest."""

PREFIX = "org.opencontainers.image."
REVISION = f"{PREFIX}revision"
_VERSIONED = re.compile(r"(release|hotfix)/v?(.+)")
_WHOLE = "fetch all of it, tags too: git fetch --unshallow --tags (in CI: fetch-depth: 0, GIT_DEPTH: 0)"
_LONGEST = 40
_SHORT = 7


@dataclass(frozen=True, slots=True)
class Place:
    """What is built: a branch, else a tag. A pull request is never more than a branch, whatever its name."""

    branch: str = ""
    tag: str = ""
    pull_request: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """A checkout. `version` is what version.txt says, `tags` are those at the commit, `released` all version tags.

    `count` is the number of commits since version.txt got this version, None where the history is cut off.
    `created` is the commit's time (RFC 3339), `source` the remote's address without credentials.
    """

    version: str
    commit: str
    place: Place
    tags: tuple[str, ...] = ()
    dirty: bool = False
    count: int | None = 0
    released: tuple[str, ...] = ()
    created: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What images are called: `version` (semantic), and the tags that `moving` on from build to build.

    `once` is a version that is published once and then stays; `newest` says that no higher one is released.
    `reason` says why in a few words. `labels` are the image's, all but its title. `previous` is the highest version
    that was released before this one, "" where the clone knows of none.
    """

    kind: Kind
    version: str
    moving: tuple[str, ...] = ()
    once: bool = False
    newest: bool = False
    reason: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    previous: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags, the version's first. The + of build metadata is not allowed in a tag: it is a - there."""
        return self.version.replace("+", "-"), *self.moving

    @property
    def revision(self) -> str:
        """The commit that the images are made of; never a plain commit for a tree that is not the commit's."""
        return self.labels.get(REVISION, "")


def release_plan(situation: Situation, also: tuple[str, ...] = ALSO) -> Release:
    """The version and tags of a build. `also` names the moving tags of a release, out of `ALSO`.

    A tree with changes gets a version that says so, and nothing that a release would get. Raises UsageError where
    branch or tag and version.txt disagree, or where the history is cut off, and commits are to be counted or tags to be
    moved: a newer release would be out of sight, and its tags would move back.
    """
    place = situation.place
    versioned = _VERSIONED.fullmatch(place.branch)
    tag = place.tag or next((tag for tag in situation.tags if not place.branch and tagged_version(tag)), "")
    if place.pull_request:
        plan = _branch(situation, place.branch, "a pull request of")
    elif place.branch in MAIN:
        plan = _main(situation, also)
    elif place.branch == DEVELOP:
        plan = _counted(situation, "development", "dev")
        plan = replace(plan, moving=(DEVELOP,))
    elif versioned:
        _branch_agrees(place.branch, versioned[2], situation.version)
        plan = _counted(situation, "candidate", "rc")
    elif tagged_version(tag):
        plan = _tagged(situation, tag, also)
    else:
        plan = _branch(situation, place.branch or tag, "on" if place.branch or tag else "on no branch")
    plan = replace(plan, labels=_labels(situation, plan), previous=_previous(situation))
    return _dirty(plan) if situation.dirty else plan


def _previous(situation: Situation) -> str:
    known = [semver.Version.parse(tagged_version(tag)) for tag in situation.released if tagged_version(tag)]
    lower = [each for each in known if not each.prerelease and each < semver.Version.parse(situation.version)]
    return str(max(lower)) if lower else ""


def _main(situation: Situation, also: tuple[str, ...]) -> Release:
    for tag in situation.tags:
        if tagged_version(tag):
            _tag_agrees(tag, situation.version)
    return _release(situation, situation.version, also, f"on {situation.place.branch}")


def _tagged(situation: Situation, tag: str, also: tuple[str, ...]) -> Release:
    """A tag may be a pre-release of what version.txt says."""
    version = tagged_version(tag)
    if not semver.Version.parse(version).prerelease or final(version) != final(situation.version):
        _tag_agrees(tag, situation.version)
    return _release(situation, version, also, f"tagged {tag}")


def _release(situation: Situation, version: str, also: tuple[str, ...], where: str) -> Release:
    own = semver.Version.parse(version)
    if own.prerelease:
        return Release("candidate", version, once=True, reason=f"{where}, a pre-release by its own version")
    known = [semver.Version.parse(tagged_version(tag)) for tag in situation.released if tagged_version(tag)]
    higher = [each for each in known if each > own and not each.prerelease]
    rivals = {
        "minor": (f"{own.major}.{own.minor}", [each for each in higher if each.minor == own.minor]),
        "major": (f"{own.major}", higher),
    }
    moving = [
        name
        for wanted, (name, rival) in rivals.items()
        if wanted in also and not any(each.major == own.major for each in rival)
    ]
    moving += ["latest"] if "latest" in also and not higher else []
    seen = situation.count is not None
    if moving and not seen and not situation.dirty:
        raise UsageError(
            f"whether a release is newer than {version} cannot be known: this clone has only a part of the history",
            hint=f"{_WHOLE}; or let no tag move: also = none in image.txt",
        )
    return Release("release", version, tuple(moving), once=True, newest=seen and not higher, reason=where)


def _counted(situation: Situation, kind: Kind, word: str) -> Release:
    branch = situation.place.branch
    if situation.count is None:
        raise UsageError(
            f"the commits of {branch} cannot be counted: this clone has only a part of the history",
            hint=_WHOLE,
        )
    return Release(kind, f"{final(situation.version)}-{word}.{situation.count}", reason=f"on {branch}")


def _branch(situation: Situation, name: str, what: str) -> Release:
    word = re.sub(r"[^0-9A-Za-z-]+", "-", name)[:_LONGEST].strip("-") or "detached"
    # An identifier of digits alone is a number, which may not begin with 0.
    word = f"branch-{word}" if word.isdecimal() else word
    short = situation.commit[:_SHORT]
    short = f"g{short}" if short.isdecimal() else short
    return Release("branch", f"{final(situation.version)}-{word}.{short}", reason=f"{what} {name}".strip())


def _branch_agrees(branch: str, version: str, file: str) -> None:
    try:
        wanted = final(check_version(version))
    except UsageError as error:
        raise UsageError(
            f"the branch {branch} is named after no version: {error.message}", hint="name it like release/1.3.0"
        ) from None
    if wanted != final(file):
        raise UsageError(
            f"the branch {branch} is for {version}, and version.txt says {file}",
            hint=f"run: baseimage bump {version}; or rename the branch",
        )


def _tag_agrees(tag: str, file: str) -> None:
    if tagged_version(tag) != file:
        raise UsageError(
            f"the tag {tag} is for {tagged_version(tag)}, and version.txt says {file}",
            hint="correct version.txt and commit it before the tag is made; move the tag only if nobody has it yet",
        )


def _dirty(plan: Release) -> Release:
    version = plan.version + (".dirty" if "+" in plan.version else "+dirty")
    return replace(
        plan, version=version, moving=(), once=False, newest=False, reason=f"{plan.reason}, with uncommitted changes"
    )


def _labels(situation: Situation, plan: Release) -> dict[str, str]:
    dirt = "-dirty" if situation.dirty else ""
    version = _dirty(plan).version if situation.dirty else plan.version
    said = {
        "revision": f"{situation.commit}{dirt}",
        "version": version,
        "created": situation.created,
        "source": situation.source,
    }
    return {f"{PREFIX}{name}": value for name, value in said.items() if value}
