"""Which cached layers go, and which stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cache_budget import DAY, Budget, CachedLayer, surplus
from pipeline.cache_cleaning import CacheCleaner
from pipeline.engine import ContainerSpec, Image, ImageId
from pipeline.errors import EngineError
from pipeline.image_config import ImageConfig
from pipeline.layer_records import LayerRecord, LayerRecords
from pipeline.plan import Home
from pipeline.records import tag_of
from tests.unit.fake_engine import FakeEngine
from tests.unit.fake_store import as_image
from tests.unit.fakes import BASE

NOW = 1000 * DAY


def layer(name: str, *, days: float, size: int = 10, needed: bool = False) -> CachedLayer:
    """A layer that was used so many days ago; "abc" stands on "ab" and "a"."""
    return CachedLayer(name, name, name, tuple(name), size, NOW - days * DAY, needed)


OLD, NEW, YOUNGEST = layer("x", days=9), layer("y", days=5), layer("z", days=1)


@pytest.mark.parametrize(
    ("cached", "budget", "expected"),
    [
        ([OLD, NEW, YOUNGEST], Budget(), ""),
        ([YOUNGEST, OLD, NEW], Budget(storage=30), ""),
        ([YOUNGEST, OLD, NEW], Budget(storage=29), "x"),
        ([YOUNGEST, OLD, NEW], Budget(storage=10), "x y"),
        ([YOUNGEST, OLD, NEW], Budget(storage=0), "x y z"),
        ([YOUNGEST, OLD, NEW], Budget(days=4), "x y"),
        ([YOUNGEST, OLD, NEW], Budget(storage=29, days=7), "x"),
        ([YOUNGEST, replace(OLD, needed=True), NEW], Budget(storage=0), "y z"),
        ([layer("a", days=9), layer("ab", days=9, needed=True)], Budget(storage=0), ""),
        ([layer("a", days=9), layer("ab", days=1)], Budget(days=4), ""),
        ([layer("a", days=9), layer("ab", days=9), layer("ac", days=8)], Budget(storage=0), "ab ac a"),
        ([layer("a", days=0.01)], Budget(storage=0, days=0), ""),
    ],
)
def test_the_least_recently_used_goes_first_and_what_others_stand_on_last(
    cached: list[CachedLayer], budget: Budget, expected: str
) -> None:
    assert " ".join(each.name for each in surplus(cached, budget, NOW)) == expected


class Cache:
    """An engine with a base and layers on it, each with a record that says it was used long ago."""

    def __init__(self, folder: Path) -> None:
        self.engine, self.records = FakeEngine(), LayerRecords(folder / "layers")
        self.base = self.engine.add_image(BASE)
        self.recipe = folder / "recipe.yml"
        self.recipe.touch()

    def add(self, key: str, below: str, role: str, *, recipe: str = "/gone.yml", on: str = "") -> ImageId:
        target = self.engine.start(ContainerSpec(image=on or self.base, entrypoint=("sleep", "1")))
        self.engine.run(target, ("touch", f"/etc/{key}"))
        image = self.engine.commit(target, ImageConfig(), "", f"role {role} {key}")
        self.engine.remove_container(target)
        self.engine.tag(image, tag_of(key))
        self.records.write(LayerRecord(key, role, "p", recipe, "web", below, image, 1.0, 10, 1.0))
        return image

    def clean(self, budget: Budget, *, dry_run: bool = False) -> list[str]:
        cleaner = CacheCleaner(self.engine, self.records, lambda: 5e9)
        return [each.name.split(" ")[0] for each in cleaner.clean(budget, dry_run=dry_run)]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


EVERYTHING = Budget(storage=0, days=0)


def test_a_layer_goes_with_its_record(cache: Cache) -> None:
    image = cache.add("a" * 64, "", "nginx")
    assert cache.clean(EVERYTHING, dry_run=True) == [tag_of("a" * 64)]
    assert image in cache.engine.images
    assert cache.clean(EVERYTHING) == [tag_of("a" * 64)]
    assert image not in cache.engine.images
    assert cache.records.everything() == ()


def test_the_engine_is_asked_once_however_many_layers_there_are(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    find = cache.engine.find_image

    def noted(reference: str) -> Image | None:
        asked.append(reference)
        return find(reference)

    monkeypatch.setattr(cache.engine, "find_image", noted)
    for letter in "abc":
        image = cache.engine.images[cache.add(letter * 64, "", "nginx")]
        record = cache.records.read(letter * 64)
        assert record
        cache.records.write(replace(record, layers=list(as_image(image).layers)))
    assert len(cache.clean(EVERYTHING, dry_run=True)) == 3
    assert asked == []
    cache.engine.tag(cache.add("b" * 64, "", "another run under the same key"), tag_of("b" * 64))
    assert len(cache.clean(EVERYTHING, dry_run=True)) == 3
    assert len(asked) == 1, "what is not as it was noted is looked at"


def test_what_a_named_image_stands_on_stays(cache: Cache) -> None:
    below = cache.add("a" * 64, "", "nginx")
    image = cache.add("b" * 64, "a" * 64, "", on=below)
    cache.engine.tag(image, "shop:1.0")
    assert cache.clean(EVERYTHING) == []
    cache.engine.remove_image("shop:1.0")
    assert cache.clean(EVERYTHING) == [tag_of("b" * 64), tag_of("a" * 64)]


def test_the_last_build_of_a_recipe_that_is_still_there_stays(cache: Cache) -> None:
    recipe = str(cache.recipe)
    cache.add("0" * 64, "", "nginx", recipe=recipe)
    below = cache.add("a" * 64, "", "nginx", recipe=recipe)
    cache.add("b" * 64, "a" * 64, "", recipe=recipe, on=below)
    assert cache.clean(EVERYTHING) == [tag_of("0" * 64)]
    cache.recipe.unlink()
    assert cache.clean(EVERYTHING) == [tag_of("b" * 64), tag_of("a" * 64)]


def test_a_projects_own_layers_go_and_those_that_another_recipe_uses_stay(cache: Cache) -> None:
    ours, other = str(cache.recipe), cache.recipe.parent / "other" / "recipe.yml"
    folder = str(cache.recipe.parent / "project")
    cleaner = CacheCleaner(cache.engine, cache.records, lambda: 5e9)
    other.parent.mkdir()
    other.touch()
    below = cache.add("a" * 64, "", "nginx", recipe=f"{folder}/recipes/default.yml")
    cache.add("b" * 64, "a" * 64, "", recipe=f"{folder}/recipes/default.yml", on=below)
    cache.add("c" * 64, "", "nginx", recipe=ours)
    shared = cache.add("d" * 64, "", "nginx", recipe=f"{folder}/recipes/default.yml")
    cache.records.touch("d" * 64, Home("other", str(other), "web"))
    assert len(cleaner.clean_of(folder, dry_run=True)) == 2
    cleaner.clean_of(folder, dry_run=False)
    assert [record.key[0] for record in cache.records.everything()] == ["d", "c"]
    assert shared in cache.engine.images
    assert below not in cache.engine.images
    other.unlink()
    assert len(cleaner.clean_of(folder, dry_run=False)) == 1


def test_what_the_engine_will_not_remove_stays_with_its_record(cache: Cache) -> None:
    cache.add("a" * 64, "", "nginx")
    cache.engine.fail("remove_image", EngineError("in use"))
    assert cache.clean(EVERYTHING) == []
    assert len(cache.records.everything()) == 1


def test_old_records_of_layers_that_are_gone_are_forgotten(cache: Cache) -> None:
    cache.add("a" * 64, "", "nginx")
    cache.engine.remove_image(tag_of("a" * 64))
    assert cache.clean(Budget(storage=0)) == []
    assert len(cache.records.everything()) == 1
    assert cache.clean(Budget(days=1)) == []
    assert cache.records.everything() == ()


def test_a_layer_without_a_record_counts_as_never_used_and_other_images_are_left_alone(cache: Cache) -> None:
    cache.add("a" * 64, "", "nginx")
    cache.records.remove("a" * 64)
    cache.engine.add_image("mine:1")
    assert cache.clean(Budget(days=1)) == [tag_of("a" * 64)]
    assert sorted(tag for stored in cache.engine.images.values() for tag in stored.tags) == [BASE, "mine:1"]
