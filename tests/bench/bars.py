"""The bars that the project sets itself, as figures of one run; they inform, nothing fails by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.cases import CELLS, ROLES, TASKS
from tests.bench.figures import Samples

OURS = "ours"
ANSIBLE = ("bender", "packer", "pyinfra")
"""Peers without a cache that counts: what they need when nothing changed is held against ours."""
SAME_PLAYBOOK = ("bender", "packer")


@dataclass(frozen=True)
class Bar:
    """A figure and its limit; `most`: the figure may not be larger, otherwise not smaller."""

    name: str
    value: float
    limit: float
    unit: str
    most: bool = True

    @property
    def held(self) -> bool:
        """Whether the figure is on the right side."""
        return self.value <= self.limit if self.most else self.value >= self.limit


def bars(samples: Samples, *, containers: int | None = None) -> tuple[Bar, ...]:
    """All bars that this run has figures for; `containers`: how many were started when nothing had changed."""
    started = [Bar("nothing changed: containers started", containers, 0, "")] if containers is not None else []
    return (*started, *_times(samples), *_ratios(samples), *_growth(samples))


def _times(samples: Samples) -> Iterator[Bar]:
    if nothing := samples.seconds("nothing", OURS):
        yield Bar("nothing changed", nothing.median, 0.5, "s")
    if last := samples.seconds("last", OURS):
        yield Bar("last role changed, beyond its own work", last.median, 5.0, "s")


def _ratios(samples: Samples) -> Iterator[Bar]:
    for peer in ANSIBLE:
        if found := samples.ratio("nothing", peer, OURS):
            yield Bar(f"nothing changed: {peer} to ours", found.median, 10.0, "x", most=False)
    for case, limit in (("warm", 1.0), ("cold", 1.3)):
        if found := samples.ratio(case, OURS, "dockerfile"):
            yield Bar(f"{case}: ours to the Dockerfile", found.median, limit, "x")
    for peer in SAME_PLAYBOOK:
        if found := samples.ratio("cold", peer, OURS):
            yield Bar(f"cold: {peer} to ours", found.median, 3.0, "x", most=False)


def _growth(samples: Samples) -> Iterator[Bar]:
    one, all_cells = samples.seconds("matrix-1", OURS), samples.seconds(f"matrix-{CELLS}", OURS)
    if one and all_cells:
        yield Bar(f"{CELLS} cells to one", all_cells.median / one.median, 4.0, "x")
    if line := samples.line("roles", OURS, ROLES):
        yield Bar("one more trivial role", line.slope, 1.0, "s")
        share = line.farthest / (line.fixed + line.slope * ROLES[-1])
        yield Bar(f"roles: distance from the line, of the time of {ROLES[-1]}", 100 * share, 10.0, "%")
    if line := samples.line("tasks", OURS, TASKS):
        yield Bar("one more trivial task", line.slope, 0.06, "s")
