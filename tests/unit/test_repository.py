"""What is handed on of a repository. What git does is looked at in test_cli_release."""

from __future__ import annotations

import pytest

from pipeline.repository import without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/shop.git", "https://example.org/shop.git"),
        ("https://alice:s3cret@example.org:8443/shop.git", "https://example.org:8443/shop.git"),
        ("https://s3cret@example.org/shop.git?private_token=s3cret#s3cret", "https://example.org/shop.git"),
        ("ssh://git@example.org:22/shop.git", "ssh://example.org:22/shop.git"),
        ("git@example.org:acme/shop.git", "git@example.org:acme/shop.git"),
        ("../shop.git", "../shop.git"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
