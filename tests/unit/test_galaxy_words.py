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


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("", "", ""),
        ("[ERROR]: something else\n\nsomething else\n", "something else", ""),
        (
            (
                "[WARNING]: - role was NOT installed successfully: - the specified version (9) of role was not found in "
                "the list of available versions ([{'name': '1.0', 'x': 'y'}, {'name': '1.1'}]).\n"
                "[ERROR]: - you can use --ignore-errors to skip failed roles and finish processing the list.\n"
            ),
            "there is no version 9",
            "there are 1.0, 1.1",
        ),
        (
            (
                "[WARNING]: Skipping Galaxy server http://h/. Got an unexpected error\n"
                "[ERROR]: Unknown error when attempting to call Galaxy at 'http://h/api/': "
                "<urlopen error [Errno -2] Name or service not known>\n"
            ),
            "http://h/api/ cannot be asked: Name or service not known",
            "look at the address",
        ),
        (
            (
                "[ERROR]: Failed to resolve the requested dependencies map. Could not satisfy the following requirements:\n"
                "* a.b:>=3.0 (direct request)\nHint: Pre-releases hosted on …\n"
            ),
            "no server that was asked has a.b >=3.0",
            "pre-release",
        ),
        (
            (
                "[ERROR]: Error when getting available collection versions for a.b from ours (http://h/api) "
                "(HTTP Code: 401, Message: Unauthorized Code: Unknown)\n"
            ),
            (
                "Error when getting available collection versions for a.b from ours (http://h/api) (HTTP Code: 401, "
                "Message: Unauthorized Code: Unknown)"
            ),
            "",
        ),
    ],
)
def test_what_it_says_becomes_one_sentence(said: str, message: str, hint: str) -> None:
    found, hinted = reason(said.splitlines())
    assert found == message
    assert hint in hinted
