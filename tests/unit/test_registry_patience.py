"""How long a registry is waited for is the user's to say."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.registry_patience import USUAL, Patience, registry_patience


def test_without_a_word_in_the_environment_the_patience_is_the_usual_one() -> None:
    assert registry_patience({"BASEIMAGE_REGISTRY_TIMEOUT": ""}) == USUAL == Patience(600, 60)


def test_the_environment_says_how_long_silence_and_failures_are_borne() -> None:
    said = {"BASEIMAGE_REGISTRY_TIMEOUT": "20", "BASEIMAGE_REGISTRY_PATIENCE": "5"}
    assert registry_patience(said) == Patience(silence=20, trying=5)


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "²"])
@pytest.mark.parametrize("name", ["BASEIMAGE_REGISTRY_TIMEOUT", "BASEIMAGE_REGISTRY_PATIENCE"])
def test_what_is_no_number_of_seconds_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        registry_patience({name: text})
