"""What the bench makes of its samples: spreads, paired ratios, lines, bars, tables."""

from __future__ import annotations

import pytest

from tests.bench.bars import Bar, bars
from tests.bench.cases import CASES
from tests.bench.figures import Line, Sample, Samples, Spread, fit
from tests.bench.tables import bar_lines, detailed, duration, growth, markdown

TITLES = {"ours": "baseimage build", "dockerfile": "Dockerfile"}


def samples(**taken: list[float]) -> Samples:
    """Samples of `case__peer`, with _ for the dash in a case's name."""
    found = []
    for name, values in taken.items():
        case, _, peer = name.partition("__")
        found += [Sample(case.replace("_", "-"), peer, number, value) for number, value in enumerate(values)]
    return Samples(found)


def test_a_spread_is_smallest_median_largest() -> None:
    assert samples(warm__ours=[3.0, 1.0, 2.0]).seconds("warm", "ours") == Spread(1.0, 2.0, 3.0)
    assert samples().seconds("warm", "ours") is None


def test_a_ratio_pairs_the_builds_of_a_round() -> None:
    taken = samples(warm__ours=[10.0, 100.0, 10.0], warm__dockerfile=[20.0, 200.0, 10.0])
    assert taken.ratio("warm", "ours", "dockerfile") == Spread(0.5, 0.5, 1.0)


def test_a_round_that_one_builder_lacks_counts_in_no_ratio() -> None:
    good = [Sample("warm", "ours", 0, 10.0), Sample("warm", "ours", 1, 30.0)]
    other = [Sample("warm", "dockerfile", 0, 0.0, failed="it broke"), Sample("warm", "dockerfile", 1, 10.0)]
    assert Samples([*good, *other]).ratio("warm", "ours", "dockerfile") == Spread(3.0, 3.0, 3.0)
    assert Samples([*good, other[0]]).ratio("warm", "ours", "dockerfile") is None


def test_a_line_says_what_is_fixed_and_what_each_costs() -> None:
    found = fit((1, 10, 30), (2.5, 7.0, 17.0))
    assert (found.fixed, found.slope, found.farthest) == pytest.approx((2.0, 0.5, 0.0))
    bent = fit((1, 2, 3), (1.0, 3.0, 3.0))
    assert bent.farthest == pytest.approx(2 / 3)


def test_a_line_needs_all_its_points() -> None:
    taken = samples(roles_1__ours=[1.0], roles_10__ours=[10.0])
    assert isinstance(taken.line("roles", "ours", (1, 10)), Line)
    assert taken.line("roles", "ours", (1, 10, 30)) is None


def test_memory_is_the_most_of_all_builds() -> None:
    assert Samples([Sample("a", "ours", 0, 1.0, peak=5), Sample("b", "ours", 0, 1.0, peak=9)]).peak("ours") == 9
    assert Samples([]).peak("ours") == 0


def test_a_failure_is_told_on_one_line() -> None:
    assert Sample("a", "b", 0, 0.0, failed="it ended with 2:\nmuch\n more \n\n").reason == "it ended with 2: … more"
    assert Sample("a", "b", 0, 0.0, failed="it broke").reason == "it broke"


def test_every_bar_has_its_figure() -> None:
    taken = samples(
        cold__ours=[13.0], cold__dockerfile=[10.0], cold__bender=[39.0], cold__packer=[38.0],
        warm__ours=[10.1], warm__dockerfile=[10.0],
        nothing__ours=[0.5], nothing__bender=[5.0], nothing__packer=[30.0], nothing__pyinfra=[4.0],
        last__ours=[5.1], matrix_1__ours=[10.0], matrix_12__ours=[40.0],
        roles_1__ours=[2.0], roles_10__ours=[11.0], roles_30__ours=[31.0],
        tasks_10__ours=[3.0], tasks_60__ours=[7.0],
    )  # fmt: skip
    found = {bar.name: bar.held for bar in bars(taken, containers=0)}
    assert found == {
        "nothing changed: containers started": True,
        "nothing changed": True,
        "last role changed, beyond its own work": False,
        "nothing changed: bender to ours": True,
        "nothing changed: packer to ours": True,
        "nothing changed: pyinfra to ours": False,
        "warm: ours to the Dockerfile": False,
        "cold: ours to the Dockerfile": True,
        "cold: bender to ours": True,
        "cold: packer to ours": False,
        "12 cells to one": True,
        "one more trivial role": True,
        "roles: distance from the line, of the time of 30": True,
        "one more trivial task": False,
    }


def test_a_bar_without_samples_is_not_there() -> None:
    assert bars(samples()) == ()


def test_a_bar_tells_its_limit_and_how_it_came_out() -> None:
    held, failed = bar_lines([Bar("a", 0.5, 0.5, "s"), Bar("b", 2.0, 3.0, "x", most=False)]).splitlines()
    assert held.startswith("pass  a ")
    assert held.endswith("0.50 s (at most 0.5)")
    assert failed.startswith("FAIL  b ")
    assert failed.endswith("2.00 x (at least 3)")


def test_the_table_for_the_readme_has_medians_ratios_and_what_one_more_costs() -> None:
    taken = samples(
        warm__ours=[10.0], warm__dockerfile=[5.0], tasks_10__ours=[1.0], tasks_60__ours=[6.0], last__ours=[1.0]
    )
    assert markdown(taken, CASES, TITLES).splitlines() == [
        "|  | baseimage build | Dockerfile |",
        "| --- | ---: | ---: |",
        "| cold, package cache warm | 10.0 | 5.0 (0.5 x) |",
        "| last role changed | 1.0 | - |",
        "| 10 trivial tasks | 1.0 | - |",
        "| 60 trivial tasks | 6.0 | - |",
        "| one more trivial task | 0.10 | - |",
    ]


def test_the_terminal_shows_the_spread_of_every_builder() -> None:
    taken = samples(warm__ours=[10.0, 20.0, 30.0], warm__dockerfile=[5.0, 5.0, 5.0])
    _, ours, other = detailed(taken, CASES, tuple(TITLES)).splitlines()
    assert ours.split() == ["cold,", "package", "cache", "warm", "ours", "10.00s", "20.00s", "30.00s", "1.00", "x"]
    assert other.split() == ["dockerfile", "5.00s", "5.00s", "5.00s", "0.25", "x", "(0.17", "to", "0.50)"]


def test_growth_is_told_for_whom_it_is_known() -> None:
    taken = samples(tasks_10__ours=[1.0], tasks_60__ours=[6.0])
    assert growth(taken, tuple(TITLES)).startswith("ours        0.00 s and 0.100 s for each of the tasks")
    assert growth(samples(), tuple(TITLES)) == ""


@pytest.mark.parametrize(("seconds", "words"), [(20, "less than a minute"), (100, "about 2 min")])
def test_an_estimate_promises_minutes(seconds: float, words: str) -> None:
    assert duration(seconds) == words
