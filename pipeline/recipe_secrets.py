"""How a recipe names the build secrets of a service or a role."""

from __future__ import annotations

from typing import Annotated

from pydantic import Tag

from pipeline.recipe_keys import Keys
from pipeline.recipe_values import AbsolutePath, FileMode, SecretId, choice


class SecretKeys(Keys):
    """A build secret that is a file of the target, too, while the role is played."""

    id: SecretId
    """What `baseimage build --secret id=…` calls it."""
    target: AbsolutePath
    """Where the file is."""
    mode: FileMode = "0400"
    """The file's mode; it belongs to root."""


SecretEntry = Annotated[
    Annotated[SecretId, Tag("<text>")] | Annotated[SecretKeys, Tag("<map>")],
    choice("the id of a build secret, or a map with id and target", {str: "<text>", dict: "<map>"}),
]
