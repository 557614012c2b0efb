"""Ranges of versions in Galaxy's words, and what ansible-galaxy says when it fails."""

from __future__ import annotations

import pytest

from pipeline.collection_ranges import meets
from pipeline.galaxy_reasons import reason


@pytest.mark.parametrize(
    ("version", "wanted", "inside"),
    [
        ("1.2.0", "", True),
        ("1.2.0", "*", True),
        ("1.2.0", "1.2.0", True),
        ("1.2.0", "==1.2", True),
        ("1.2.0", "=1.2.1", False),
        ("1.2.0", ">=1.0,<2.0", True),
        ("2.0.0", ">=1.0, <2.0", False),
        ("1.2.0", ">1.2.0", False),
        ("1.2.0", "<=1.2.0,!=1.2.0", False),
        ("1.2.0-beta.1", ">=1.2.0", False),
        ("10.0.0", ">=9.0.0", True),
        ("", ">=9.0.0", True),
        ("1.2.0", "main", True),
    ],
)
def test_a_version_is_in_a_range(version: str, wanted: str, *, inside: bool) -> None:
    assert meets(version, wanted) is inside


FAILURES = {
    "": ("", ""),
    "[ERROR]: something else\n\nsomething else\n": ("something else", ""),
    """\
[WARNING]: - x was NOT installed successfully: - the specified version (9) of x was not found in the list of \
available versions ([{'name': '1.0', 'a': 'b'}, {'name': '1.1'}]).
[ERROR]: - you can use --ignore-errors to skip failed roles and finish processing the list.
""": ("there is no version 9", "there are 1.0, 1.1"),
    """\
[WARNING]: Skipping Galaxy server http://h/. Got an unexpected error
[ERROR]: Unknown error when attempting to call Galaxy at 'http://h/api/': <urlopen error [Errno -2] Name not known>
""": ("http://h/api/ cannot be asked: Name not known", "look at the address"),
    """\
[ERROR]: Failed to resolve the requested dependencies map. Could not satisfy the following requirements:
* a.b:>=3.0 (direct request)
Hint: Pre-releases hosted on
""": ("no server that was asked has a.b >=3.0", "pre-release"),
    "[ERROR]: Error when getting the versions (HTTP Code: 401, Message: Unauthorized)\n": (
        "Error when getting the versions (HTTP Code: 401, Message: Unauthorized)",
        "",
    ),
}


@pytest.mark.parametrize(("said", "sentence"), FAILURES.items())
def test_what_it_says_becomes_one_sentence(said: str, sentence: tuple[str, str]) -> None:
    message, hint = reason(said.splitlines())
    assert message == sentence[0]
    assert sentence[1] in hint
