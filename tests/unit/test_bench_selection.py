"""What the bench runs: which cases with which builders, in which order, how often."""

from __future__ import annotations

import pytest

from tests.bench.cases import CASES
from tests.bench.peers import CATALOGUE
from tests.bench.selection import SelectionError, cases_of, chosen, estimate, groups, odd, turns

PEERS = ("ours", "dockerfile")


def names(*asked: str, rounds: int | None) -> list[tuple[int, str, str]]:
    return [(turn.round, turn.case.name, turn.peer) for turn in turns(cases_of(asked), PEERS, rounds)]


def test_builders_take_turns_within_a_case_and_every_second_round_in_the_opposite_order() -> None:
    assert names("warm", "last", rounds=2) == [
        (0, "warm", "ours"), (0, "warm", "dockerfile"), (0, "last", "ours"), (0, "last", "dockerfile"),
        (1, "warm", "dockerfile"), (1, "warm", "ours"), (1, "last", "dockerfile"), (1, "last", "ours"),
    ]  # fmt: skip


def test_large_cases_have_fewer_rounds_unless_the_number_is_said() -> None:
    assert len(names("matrix", rounds=None)) == 4
    assert len(names("matrix", rounds=3)) == 12
    assert len(names("warm", rounds=None)) == 6


def test_a_group_holds_all_its_sizes() -> None:
    assert [case.name for case in cases_of(("roles",))] == ["roles-1", "roles-10", "roles-30"]
    assert groups() == ("cold", "warm", "nothing", "last", "first", "matrix", "roles", "tasks", "files")


def test_a_list_is_put_in_order_and_nothing_means_all() -> None:
    assert chosen("dockerfile, ours", PEERS, "builder") == PEERS
    assert chosen("", PEERS, "builder") == PEERS


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(SelectionError, match="there is no builder kaniko; there are: ours, dockerfile"):
        chosen("ours,kaniko", PEERS, "builder")


@pytest.mark.parametrize(("asked", "rounds"), [(1, 1), (2, 3), (5, 5)])
def test_rounds_are_odd(asked: int, rounds: int) -> None:
    assert odd(asked) == rounds


def test_every_case_and_builder_has_an_estimate() -> None:
    for case in CASES:
        for peer in CATALOGUE:
            assert estimate([case], [peer], 1) > 0
    assert estimate(CASES, PEERS, 3) > estimate(CASES, PEERS, 1)


def test_a_changed_role_is_another_one_in_every_round_and_the_others_stay() -> None:
    last = next(case for case in CASES if case.name == "last")
    (before,), (now,) = last.earlier("a").works, last.job("b").works
    assert before[:2] == now[:2]
    assert before[2] != now[2]
    first = next(case for case in CASES if case.name == "first")
    (before,), (now,) = first.earlier("a").works, first.job("b").works
    assert (before[0] == now[0], before[1:] == now[1:]) == (False, True)


def test_what_comes_before_a_case_may_use_whatever_is_there() -> None:
    assert all(case.earlier("a").reuse and case.earlier("a").packages for case in CASES)


def test_names_of_jobs_are_names_of_cases() -> None:
    assert [case.job("a").name for case in CASES] == [case.name for case in CASES]
