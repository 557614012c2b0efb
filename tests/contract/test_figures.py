"""Figures: how large an image is, how long it takes to start and to stop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from tests.contract.harness import STOP_BAR, Lab, eventually, obedient, stubborn

Record = Callable[[str, float], None]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Put a figure into the test's report, for the table."""
    return lambda name, value: request.node.user_properties.append((name, value))


@pytest.mark.services
def test_it_stops_in_time_with_a_service_that_ignores_term(lab: Lab, record: Record) -> None:
    """H2, measured."""
    box = lab.box(files=obedient("good") | stubborn("bad"))
    assert eventually(lambda: {"good runs", "bad runs"} <= set(box.log().splitlines()))
    seconds, outcome = box.stop()
    record("stop", round(seconds, 1))
    assert seconds < STOP_BAR
    assert outcome.code != 137
    assert "good is clean" in outcome.output


def test_a_command_of_nothing_takes_little_time(lab: Lab, record: Record) -> None:
    """K13, measured: from the start of a container with `true` to its end, the median of five."""
    times = []
    for _ in range(5):
        box = lab.make("true")
        begun = time.monotonic()
        code = box.start().wait().code
        times.append(time.monotonic() - begun)
        assert code == 0
    record("start", round(statistics.median(times), 2))


def test_the_image_has_a_size(lab: Lab, record: Record) -> None:
    """Z1, measured."""
    size = lab.client.images.get(lab.cell.image).attrs["Size"]
    record("size", round(size / 1e6, 1))
    assert size > 0
