"""What is written as YAML is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.yaml_source import read_yaml
from pipeline.yaml_text import yaml_text

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t :#'\"\\{}%-"))


@given(st.lists(TEXTS), st.dictionaries(TEXTS, TEXTS))
@example(
    ["no", "1", "1.0", "null", "0x1", "22:22", "2026-01-01", "a\n b\n", " a\n", "a: b", "- a", "{{ a }}", "x" * 300], {}
)
def test_any_text_survives(items: list[str], pairs: dict[str, str]) -> None:
    data = {"items": items, "pairs": pairs}
    assert read_yaml(yaml_text(data), "x").data == data


def test_it_is_written_as_the_linters_ask() -> None:
    assert yaml_text({"a": ["1", "b"], "c": "x\ny\n", "d": "'\""}) == (
        "a:\n  - \"1\"\n  - b\nc: |\n  x\n  y\nd: '''\"'\n"
    )


@pytest.mark.parametrize("text", ["22:22", "yes", "no", "0x1", "1e3", "~", "", "a: b", "# x", "1_000", "é", "12:30:45"])
def test_a_text_stays_a_text(text: str) -> None:
    assert read_yaml(yaml_text({"key": text}), "x").data == {"key": text}
