"""What a CI service says that it builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.gitflow import Place


@dataclass(frozen=True, slots=True)
class _Service:
    """The variables in which a CI service says what it builds; `change` is set for a pull request only."""

    branch: str
    tag: str = ""
    change: str = ""
    source: str = ""


_SERVICES = (
    _Service("GITHUB_REF_NAME", "", "GITHUB_HEAD_REF", "GITHUB_HEAD_REF"),
    _Service(
        "CI_COMMIT_BRANCH",
        "CI_COMMIT_TAG",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    ),
    _Service("TRAVIS_BRANCH", "TRAVIS_TAG", "TRAVIS_PULL_REQUEST", "TRAVIS_PULL_REQUEST_BRANCH"),
    _Service("CIRCLE_BRANCH", "CIRCLE_TAG", "CIRCLE_PR_NUMBER"),
    _Service("BUILD_SOURCEBRANCH", "", "SYSTEM_PULLREQUEST_PULLREQUESTID", "SYSTEM_PULLREQUEST_SOURCEBRANCH"),
    _Service("BITBUCKET_BRANCH", "BITBUCKET_TAG", "BITBUCKET_PR_ID", "BITBUCKET_BRANCH"),
    _Service("BRANCH_NAME", "TAG_NAME", "CHANGE_ID", "CHANGE_BRANCH"),  # Jenkins
)
_REF = re.compile(r"refs/(heads|tags|pull)/(.+)|(pull)/(.+)")


def place_in_ci(environ: Mapping[str, str]) -> Place:
    """What a CI service says it builds: GitHub, GitLab, Travis, CircleCI, Azure, Bitbucket, Jenkins; else nothing."""
    for service in _SERVICES:
        branch, tag, change, source = (
            environ.get(name, "") if name else ""
            for name in (service.branch, service.tag, service.change, service.source)
        )
        if change and change != "false":
            return Place(branch=source.removeprefix("refs/heads/") or branch, pull_request=True)
        if tag or (branch and service.branch == "GITHUB_REF_NAME" and environ.get("GITHUB_REF_TYPE") == "tag"):
            return Place(tag=tag or branch)
        if branch:
            return _from_ref(branch)
    return Place()


def _from_ref(text: str) -> Place:
    match = _REF.fullmatch(text)
    if not match:
        return Place(branch=text)
    kind, name = match[1] or match[3], match[2] or match[4]
    if kind == "tags":
        return Place(tag=name)
    return Place(branch=text if kind == "pull" else name, pull_request=kind == "pull")
