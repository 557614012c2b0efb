"""What two images differ in, and what a budget is."""

from __future__ import annotations

import pytest

from pipeline.difference_view import difference_lines
from pipeline.engine import ImageLayer
from pipeline.errors import UsageError
from pipeline.image_difference import Change, Measured, as_json, difference, over_budget
from pipeline.recipe import Budget
from pipeline.sizes import per_cent, size_in_bytes
from pipeline.software import Package


def deb(name: str, version: str, architecture: str = "amd64") -> Package:
    return Package("deb", name, version, f"pkg:deb/debian/{name}@{version}", architecture=architecture)


def image(*packages: Package, **layers: int) -> Measured:
    made = tuple(ImageLayer(name, size) for name, size in layers.items())
    return Measured("shop:1", "sha256:0123456789abcdef", sum(layers.values()), made, packages)


OLD = image(deb("bash", "5.1"), deb("cron", "3"), root=78_000_000, app=1_000_000)
NEW = image(deb("bash", "5.2"), deb("tini", "0.19"), root=78_000_000, app=4_500_000, motd=20)


def test_two_images_differ_in_packages_that_came_went_or_changed_and_in_layers() -> None:
    found = difference(OLD, NEW)
    assert found.packages == (Change("bash", "5.1", "5.2"), Change("cron", "3", ""), Change("tini", "", "0.19"))
    assert found.layers == (Change("app", 1_000_000, 4_500_000), Change("motd", 0, 20))
    assert as_json(found)["size"] == 3_500_020
    assert as_json(found)["packages"][1] == {"name": "cron", "old": "3", "new": ""}


def test_a_package_of_two_architectures_is_told_apart_by_them() -> None:
    both = image(deb("libc6", "1"), deb("libc6", "1", "i386"))
    one = image(deb("libc6", "1"), deb("libc6", "2", "i386"))
    assert difference(both, one).packages == (Change("libc6:i386", "1", "2"),)


def test_the_difference_reads_as_a_table() -> None:
    lines = list(difference_lines(difference(OLD, NEW)))
    assert lines[0] == "old  shop:1  0123456789ab  79.0 MB  2 packages"
    assert lines[2] == "size +3.5 MB"
    assert "added    tini" in "\n".join(lines)
    assert "removed  cron" in "\n".join(lines)
    assert list(difference_lines(difference(OLD, OLD)))[-1] == "packages and layers are the same"


@pytest.mark.parametrize(
    ("budget", "over"),
    [
        (Budget(), 0),
        (Budget(size=100, packages=3, growth=25), 0),
        (Budget(size=99), 1),
        (Budget(packages=2), 1),
        (Budget(growth=24.9), 1),
        (Budget(size=1, packages=1, growth=0), 3),
    ],
)
def test_an_image_is_over_its_budget_in_each_thing_that_it_has_more_of(budget: Budget, over: int) -> None:
    assert len(list(over_budget(budget, 100, 3, 80))) == over


def test_where_there_is_no_last_release_nothing_grew() -> None:
    assert list(over_budget(Budget(growth=0), 100, None, None)) == []


@pytest.mark.parametrize(
    ("text", "size"), [("110MB", 110_000_000), ("1.5 GiB", 1_610_612_736), ("12", 12), (7, 7), ("3k", 3000)]
)
def test_a_size_is_a_number_with_a_unit(text: object, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "5%", True, "1e9", None])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(UsageError, match="is no size"):
        size_in_bytes(text)


def test_a_share_has_a_per_cent_sign() -> None:
    assert per_cent("2.5 %") == 2.5
    for bad in (5, "5", "-5%", "five%"):
        with pytest.raises(UsageError, match="is no share"):
            per_cent(bad)
