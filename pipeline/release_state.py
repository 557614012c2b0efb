"""What a release or hotfix is worked out from, and what comes out: a repository's state, and steps for git."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["release", "hotfix"]


@dataclass(frozen=True, slots=True)
class Step:
    """A command of git's. Before it, `write` is written into version.txt, if it is a version.

    Where a merge finds both sides at odds about version.txt and nothing else, `keep` says whose side stays.
    """

    words: tuple[str, ...]
    write: str = ""
    keep: Literal["", "ours", "theirs"] = ""


@dataclass(frozen=True, slots=True)
class State:
    """A repository. `local` and `published` are branches with their commits, here and as the remote has them.

    `tags` and `published_tags` are tags with the commits that they lead to. `remote` is "" where there is none.
    `contains(a, b)` says whether b is a or an ancestor of it; `version(x)` what version.txt says there ("": nothing).
    """

    branch: str
    clean: bool
    remote: str
    local: dict[str, str]
    published: dict[str, str]
    tags: dict[str, str]
    published_tags: dict[str, str]
    contains: Callable[[str, str], bool]
    version: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Flow:
    """What is to be done for a version, in order; without steps it is done already."""

    branch: str
    version: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Bump:
    """When develop moves on to the version after a release (at its `start` or its `end`), and to which (`part`)."""

    when: Literal["start", "end"] = "end"
    part: Literal["major", "minor", "patch"] = "minor"
