"""Which cases, with which builders, how often, and about how long that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.cases import CASES, Case

QUICK = ("warm", "nothing", "last", "tasks")
QUICK_PEERS = ("ours", "dockerfile")
ROUNDS = 3
AROUND = 2.0
"""Seconds that a build needs besides: files, caches, a look into the image."""
BEGIN = 90.0
"""Seconds for base, conductor's image and builders that are there already."""

_ESTIMATES = {
    "cold": (16, 10, 10, 33, 30, 13),
    "warm": (12, 10, 8, 33, 30, 13),
    "nothing": (1, 1, 1, 10, 30, 13),
    "last": (4, 1, 1, 12, 32, 14),
    "first": (16, 12, 10, 36, 32, 14),
    "matrix-1": (14, 10, 9, 35, 31, 14),
    "matrix-12": (40, 14, 12, 180, 370, 165),
    "roles-1": (3, 1, 1, 8, 6, 3),
    "roles-10": (15, 5, 4, 25, 14, 7),
    "roles-30": (40, 14, 12, 60, 36, 18),
    "tasks-10": (4, 5, 4, 25, 15, 6),
    "tasks-60": (8, 26, 22, 120, 75, 30),
    "files": (25, 15, 8, 25, 25, 15),
}
_PEERS = ("ours", "dockerfile", "buildkit", "bender", "packer", "pyinfra")
"""Seconds on two quiet cores, for the estimate only."""


class SelectionError(ValueError):
    """Something was asked for that there is not."""


@dataclass(frozen=True)
class Turn:
    """One build of one builder, in its place in the run."""

    round: int
    case: Case
    peer: str


def chosen(asked: str, known: Sequence[str], kind: str) -> tuple[str, ...]:
    """The names of a list with commas, in the order of what is known; all when nothing is asked for."""
    names = [name.strip() for name in asked.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise SelectionError(f"there is no {kind} {unknown[0]}; there are: {', '.join(known)}")
    return tuple(name for name in known if name in names or not names)


def groups() -> tuple[str, ...]:
    """What --cases can name."""
    return tuple(dict.fromkeys(case.group for case in CASES))


def cases_of(names: Sequence[str]) -> tuple[Case, ...]:
    """The cases of some groups, in order."""
    return tuple(case for case in CASES if case.group in names)


def turns(cases: Sequence[Case], peers: Sequence[str], rounds: int | None) -> Iterator[Turn]:
    """All builds in order: round by round and case by case, so that a slow minute hits all builders alike.

    Every second round the builders come in the opposite order.
    """
    for number in range(rounds or ROUNDS):
        for case in cases:
            if rounds or number < case.most:
                yield from (Turn(number, case, peer) for peer in (peers if number % 2 == 0 else peers[::-1]))


def odd(rounds: int) -> int:
    """A median of an even number of values is none of them: one round more, then."""
    return rounds if rounds % 2 else rounds + 1


def estimate(cases: Sequence[Case], peers: Sequence[str], rounds: int | None) -> float:
    """Seconds that the run takes, on two quiet cores."""
    builds = sum(AROUND + _guess(turn.case.name, turn.peer) for turn in turns(cases, peers, rounds))
    before = sum(_guess(case.name, peer) for case in cases if case.before for peer in peers)
    return BEGIN + builds + before


def _guess(case: str, peer: str) -> float:
    return float(_ESTIMATES[case][_PEERS.index(peer)])
