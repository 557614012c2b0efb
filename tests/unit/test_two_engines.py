"""The check of two engines: what it builds, and what it says of the outcome."""

from __future__ import annotations

from tests.project.harness import ROOT
from tests.two_engines import BUILT_ON, FIRST, Found, shipped, table


def row(digests: dict[str, str], images: dict[str, str]) -> Found:
    """What came of the recipe `web`."""
    return Found("web", "app", "plain", images, digests)


def test_every_recipe_is_built_once_and_the_one_that_needs_another_image_after_it() -> None:
    recipes = shipped()
    assert (recipes[0], recipes[-1]) == (FIRST, BUILT_ON)
    assert {(ROOT / f"recipes/{name}.yml").resolve() for name in recipes} == {
        path.resolve() for path in (ROOT / "recipes").iterdir()
    }
    assert len(set(recipes)) == len(recipes) == len({path.resolve() for path in (ROOT / "recipes").iterdir()})


def test_a_manifest_that_differs_stands_out_and_the_images_id_is_told_by_itself() -> None:
    same = row({"old": "sha256:a", "new": "sha256:a"}, {"old": "sha256:1", "new": "sha256:1"})
    packed_otherwise = row({"old": "sha256:a", "new": "sha256:b"}, {"old": "sha256:1", "new": "sha256:1"})
    another = row({"old": "sha256:a", "new": "sha256:b"}, {"old": "sha256:1", "new": "sha256:2"})
    assert [found.same for found in (same, packed_otherwise, another)] == [True, False, False]
    assert table([same, packed_otherwise, another], ["old", "new"]).splitlines() == [
        "| recipe | service | as | old | new | manifest | image id |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| web | app | plain | a | a | same | same |",
        "| web | app | plain | a | b | **differs** | same |",
        "| web | app | plain | a | b | **differs** | differs |",
    ]
