"""Volumes, and finding by label what one has made."""

from __future__ import annotations

import pytest

from pipeline.engine import Mount
from pipeline.errors import EngineError
from tests.engine.conftest import LABELS, PREFIX, Bench


def test_a_volume_is_made_once_and_removed_once(bench: Bench) -> None:
    name = f"{PREFIX}-volume"
    for _ in range(2):
        bench.engine.create_volume(name, LABELS | {"of": "volume"})
    assert bench.engine.owned("volume", ["of=volume"]) == ((name, LABELS | {"of": "volume"}),)
    for _ in range(2):
        bench.engine.remove_volume(name)
    assert bench.engine.owned("volume", ["of=volume"]) == ()


def test_a_volume_in_use_stays(bench: Bench) -> None:
    name = f"{PREFIX}-used"
    bench.engine.create_volume(name, LABELS)
    container = bench.start(mounts=(Mount(name, "/cache"),))
    with pytest.raises(EngineError, match="in use"):
        bench.engine.remove_volume(name)
    bench.engine.remove_container(container)
    bench.engine.remove_volume(name)


def test_only_what_carries_all_labels_is_owned(bench: Bench) -> None:
    both = bench.start(labels=LABELS | {"one": PREFIX, "two": "2"})
    bench.start(labels=LABELS | {"one": PREFIX})
    found = bench.engine.owned("container", [f"one={PREFIX}", "two"])
    assert [identity for identity, _ in found] == [both]
    assert found[0][1] == LABELS | {"one": PREFIX, "two": "2"}
    assert bench.engine.owned("container", [f"one={PREFIX}", "two=3"]) == ()


def test_images_that_others_are_made_of_are_owned_too(bench: Bench) -> None:
    image = bench.engine.configure(bench.unique_image(), bench.config(labels={"lower": PREFIX}), {})
    upper = bench.engine.configure(image, bench.config(labels={"lower": PREFIX, "upper": "1"}), {})
    assert {identity for identity, _ in bench.engine.owned("image", [f"lower={PREFIX}"])} == {image, upper}


@pytest.mark.parametrize("kind", ["container", "image", "volume"])
def test_no_label_at_all_owns_nothing(bench: Bench, kind: str) -> None:
    with pytest.raises(EngineError, match="label"):
        bench.engine.owned(kind, [])  # type: ignore[arg-type] # one of its values
