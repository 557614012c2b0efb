"""Samples, and what is made of them: medians, paired ratios, lines through points."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One build: seconds, the peak of memory in bytes (0: not known), and why it does not count (empty: it does)."""

    case: str
    peer: str
    round: int
    seconds: float
    peak: int = 0
    failed: str = ""

    @property
    def reason(self) -> str:
        """The first and the last line of why it failed."""
        lines = [line.strip() for line in self.failed.splitlines() if line.strip()]
        return " … ".join(dict.fromkeys((*lines[:1], *lines[-1:])))


@dataclass(frozen=True)
class Spread:
    """Smallest, middle and largest of some values."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Line:
    """A straight line through points: y at 0, growth for each x, and how far the farthest point is from it."""

    fixed: float
    slope: float
    farthest: float


class Samples:
    """All samples of a run that count, by case and builder."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._good = tuple(sample for sample in samples if not sample.failed)

    def seconds(self, case: str, peer: str) -> Spread | None:
        """How long builds took; None without any."""
        return spread([sample.seconds for sample in self._of(case, peer)])

    def peak(self, peer: str) -> int:
        """The most memory that any build took, in bytes."""
        return max((sample.peak for sample in self._good if sample.peer == peer), default=0)

    def ratio(self, case: str, peer: str, to: str) -> Spread | None:
        """How many times as long as another builder it took, round by round: of the rounds that both have."""
        mine, other = (self._by_round(case, name) for name in (peer, to))
        return spread([mine[number] / other[number] for number in sorted(mine.keys() & other.keys())])

    def line(self, group: str, peer: str, counts: Sequence[int]) -> Line | None:
        """How the median grows over the cases GROUP-COUNT; None where one is missing."""
        medians = [self.seconds(f"{group}-{count}", peer) for count in counts]
        known = [found.median for found in medians if found]
        return fit(counts, known) if len(known) == len(counts) else None

    def _of(self, case: str, peer: str) -> list[Sample]:
        return [sample for sample in self._good if (sample.case, sample.peer) == (case, peer)]

    def _by_round(self, case: str, peer: str) -> dict[int, float]:
        return {sample.round: sample.seconds for sample in self._of(case, peer)}


def spread(values: Sequence[float]) -> Spread | None:
    """Smallest, median and largest; None without values."""
    return Spread(min(values), statistics.median(values), max(values)) if values else None


def fit(x: Sequence[int], y: Sequence[float]) -> Line:
    """The line of least squares."""
    slope, fixed = statistics.linear_regression(x, y)
    return Line(fixed, slope, max(abs(fixed + slope * at - value) for at, value in zip(x, y, strict=True)))
