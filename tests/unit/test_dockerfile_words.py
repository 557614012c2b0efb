"""Quotes, escapes and substitutions of a Dockerfile's words."""

from __future__ import annotations

import pytest

from pipeline.dockerfile_words import Expander
from pipeline.errors import UsageError

VALUES = {"A": "1", "EMPTY": "", "PATH": "/bin"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a b", "a b"),
        ('"a b" \'c "d\'', 'a b c "d'),
        ("$A$A ${A}b", "11 1b"),
        ('"$A" \'$A\' \\$A "\\$A"', "1 $A $A $A"),
        ("a\\ b \"a\\ b\" 'a\\ b'", "a b a\\ b a\\ b"),
        ("${NO:-x} ${NO-x} ${EMPTY:-x} ${EMPTY-x} ${A:-x}", "x x x  1"),
        ("${A:+x} ${EMPTY:+x} ${EMPTY+x} ${NO+x}", "x  x "),
        ("${NO:-${A}b} ${NO:-'a}b'}", "1b a}b"),
        ("${A:?no}", "1"),
        ("$ $1 a$", "$ $1 a$"),
        ("end\\", "end\\"),
    ],
)
def test_a_word_is_expanded_as_the_builder_does(text: str, value: str) -> None:
    assert Expander(VALUES).expand(text) == value


def test_in_a_document_quotes_are_plain_letters() -> None:
    assert Expander(VALUES).expand("\"$A\" '$A' \\$A \\n", quotes=False) == "\"1\" '1' $A \\n"


def test_what_was_used_and_what_had_no_value_is_kept() -> None:
    expander = Expander(VALUES)
    expander.expand("$A ${PATH:-x} $NO ${OTHER:-x}")
    assert (expander.used, expander.missing) == ({"A", "PATH"}, {"NO"})


@pytest.mark.parametrize("text", ["${A", "${", "${}", "${A/b/c}", "${NO?why}", "${EMPTY:?why}", "${A:-x"])
def test_what_cannot_be_substituted_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        Expander(VALUES).expand(text)
