"""Rows K13 and Z1: what an image costs, in time and in space."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from tests.contract.harness import Lab

BUDGETS = yaml.safe_load(Path(__file__).with_name("budgets.yml").read_text(encoding="utf-8"))
ROUNDS = 15


def seconds(lab: Lab, *command: str, entrypoint: str | None = None) -> float:
    """The time that a container takes from its start to its end."""
    box = lab.make(*command, entrypoint=entrypoint)
    begun = time.monotonic()
    box.start().wait()
    taken = time.monotonic() - begun
    box.remove()
    return taken


def test_a_command_starts_hardly_later_than_without_the_contract(lab: Lab) -> None:
    """K13, by the least of several times, since other tests run beside this one."""
    bare, whole = [seconds(lab, entrypoint="true")], [seconds(lab, "true")]
    while min(whole) - min(bare) >= 0.15 and len(whole) < ROUNDS:
        bare.append(seconds(lab, entrypoint="true"))
        whole.append(seconds(lab, "true"))
    assert min(whole) - min(bare) < 0.15


def test_the_image_keeps_its_budget(lab: Lab) -> None:
    """Z1."""
    cell = lab.cell
    allowed = [
        budget["megabytes"]
        for budget in BUDGETS
        if budget["svc"] in {cell.svc, "any"}
        and cell.options <= set(budget["options"])
        and cell.applications == set(budget.get("applications", ()))
    ]
    if not allowed:
        pytest.skip("no budget is set for these options")
    assert lab.client.images.get(cell.image).attrs["Size"] / 1e6 <= allowed[0]
