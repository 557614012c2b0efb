"""A commit that takes longer than the client waits is looked for before it counts as failed."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.docker_images import _commit_body, _committed_after_all
from pipeline.engine import ContainerId
from pipeline.errors import EngineError
from pipeline.image_config import ImageConfig

TARGET = {"Id": "target", "Image": "sha256:base", "Created": "2026-01-01T10:00:00Z"}
DONE = {"Id": "sha256:done", "Container": "target"}
NEWER = {"Id": "sha256:newer", "Parent": "sha256:base", "Comment": "role x", "Created": "2026-01-01T10:05:00Z"}


class Client:
    """An engine that shows one more image at each look."""

    def __init__(self, *appearing: dict[str, Any]) -> None:
        self.found = {entry["Id"]: entry for entry in appearing}
        self.looks = 0

    def inspect_container(self, _: str) -> dict[str, Any]:
        return TARGET

    def images(self, **_: object) -> list[dict[str, Any]]:
        self.looks += 1
        return list(self.found.values())[: self.looks - 1]

    def inspect_image(self, image: str) -> dict[str, Any]:
        return self.found[image]


def after_all(client: Client, waits: list[float]) -> str:
    return _committed_after_all(client, ContainerId("target"), "role x", waits.append)  # type: ignore[arg-type] # enough


@pytest.mark.parametrize("done", [DONE, NEWER])
def test_a_commit_that_ends_later_is_found(done: dict[str, Any]) -> None:
    waits: list[float] = []
    assert after_all(Client(done), waits) == done["Id"]
    assert len(waits) == 1


@pytest.mark.parametrize(
    "other",
    [
        DONE | {"Container": "another"},
        NEWER | {"Comment": "role y"},
        NEWER | {"Parent": "sha256:other"},
        NEWER | {"Created": "2026-01-01T09:59:59Z"},
    ],
)
def test_another_image_is_not_taken_for_it(other: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="did not finish it in time"):
        after_all(Client(other), [])


def test_the_engine_is_told_that_there_is_no_entry_point() -> None:
    assert _commit_body(ImageConfig(command=("x",))) == {"Entrypoint": [], "Cmd": ["x"]}
    assert _commit_body(ImageConfig(entrypoint=("e",))) == {"Entrypoint": ["e"]}
