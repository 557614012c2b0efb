"""What a run of the bench prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.bars import OURS, Bar
from tests.bench.cases import ROLES, TASKS, Case
from tests.bench.figures import Samples, Spread

GROWTH = {"roles": ROLES, "tasks": TASKS}


def detailed(samples: Samples, cases: Sequence[Case], peers: Sequence[str]) -> str:
    """Every case with every builder: smallest, median, largest, and how many times as long as ours it took."""
    lines = [f"{'case':<28} {'builder':<11} {'min':>8} {'median':>8} {'max':>8}   to ours"]
    for case in cases:
        title = case.title
        for peer in peers:
            if found := samples.seconds(case.name, peer):
                times = f"{found.low:>7.2f}s {found.median:>7.2f}s {found.high:>7.2f}s"
                lines.append(f"{title:<28} {peer:<11} {times}   {_ratio(samples.ratio(case.name, peer, OURS))}")
                title = ""
    return "\n".join(lines)


def markdown(samples: Samples, cases: Sequence[Case], titles: Mapping[str, str]) -> str:
    """Medians in seconds, a row for each case and a column for each builder, and times ours in brackets."""
    rows = [["", *titles.values()], ["---", *["---:"] * len(titles)]]
    for case in cases:
        cells = [_cell(samples, case.name, peer) for peer in titles]
        if any(cells):
            rows.append([case.title, *(cell or "-" for cell in cells)])
    for group, counts in GROWTH.items():
        lines = [samples.line(group, peer, counts) for peer in titles]
        if any(lines):
            rows.append([f"one more trivial {group[:-1]}", *(f"{line.slope:.2f}" if line else "-" for line in lines)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def bar_lines(bars: Sequence[Bar]) -> str:
    """Each bar with its figure and how it came out."""
    return "\n".join(
        f"{'pass' if bar.held else 'FAIL'}  {bar.name:<50} {bar.value:>7.2f} {bar.unit:<2}"
        f"({'at most' if bar.most else 'at least'} {bar.limit:g})"
        for bar in bars
    )


def growth(samples: Samples, peers: Sequence[str]) -> str:
    """What one more role and one more task cost each builder, and what it needs beside them."""
    lines = []
    for group, counts in GROWTH.items():
        for peer in peers:
            if line := samples.line(group, peer, counts):
                each = f"{line.fixed:.2f} s and {line.slope:.3f} s for each of the {group}"
                lines.append(f"{peer:<11} {each}; farthest from the line: {line.farthest:.2f} s")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """So many minutes, in words that promise no more."""
    minutes = round(seconds / 60)
    return "less than a minute" if minutes < 1 else f"about {minutes} min"


def _cell(samples: Samples, case: str, peer: str) -> str:
    found = samples.seconds(case, peer)
    if not found:
        return ""
    ratio = samples.ratio(case, peer, OURS) if peer != OURS else None
    return f"{found.median:.1f}" + (f" ({ratio.median:.1f} x)" if ratio else "")


def _ratio(found: Spread | None) -> str:
    if not found:
        return ""
    return f"{found.median:6.2f} x" + (f" ({found.low:.2f} to {found.high:.2f})" if found.low < found.high else "")
