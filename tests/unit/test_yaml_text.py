"""Plain data written as YAML."""

from __future__ import annotations

import pytest

from pipeline.yaml_source import JsonValue, read_yaml
from pipeline.yaml_text import yaml_text


def test_it_reads_well() -> None:
    shared: JsonValue = ["22:22"]
    assert yaml_text({"b": {"ports": shared}, "a": shared, "empty": {}}, ("made by a test",)) == (
        "# made by a test\n---\nb:\n  ports:\n    - '22:22'\na:\n  - '22:22'\nempty: {}\n"
    )


@pytest.mark.parametrize("text", ["22:22", "yes", "no", "0x1", "1e3", "~", "", "a: b", "# x", "1_000", "é", "12:30:45"])
def test_a_text_stays_a_text(text: str) -> None:
    assert read_yaml(yaml_text({"key": text}), "x").data == {"key": text}
