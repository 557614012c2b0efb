"""The form of a recipe's bases: an image, another service, packages of a distribution, or a tar file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag
from pydantic.json_schema import SkipJsonSchema

from pipeline.recipe_keys import Keys
from pipeline.recipe_values import Reference, ServiceName, Sha256, Suite, Text, base_choice


class ImageKeys(Keys):
    """A base that is an image."""

    image: Reference
    """An image reference such as debian:12."""


class BuiltServiceKeys(Keys):
    """A base that is the finished image of another service of this recipe."""

    service: ServiceName
    """The service's name; a bare name of one says the same."""


class BootstrapKeys(Keys):
    """A base that is built from a distribution's packages, without a parent image."""

    bootstrap: Suite
    """The distribution's suite, such as trixie."""
    variant: Literal[
        "minbase", "apt", "essential", "required", "important", "standard", "buildd", "custom", "extract"
    ] = "minbase"
    """How much of the distribution is installed."""
    include: list[Text] = []
    """Packages to install as well."""
    exclude: list[Text] = []
    """Packages to leave out."""
    mirror: str = ""
    """Where packages come from; empty is the distribution's own address."""
    components: Annotated[list[Text], Field(min_length=1)] = ["main"]
    """Parts of the archive."""
    path_excludes: list[Text] | SkipJsonSchema[None] = None
    """Paths that packages do not install; docs, man pages and locales when not given, [] keeps everything."""
    security: bool = True
    """Whether the distribution's security updates are used."""
    architecture: str = ""
    """The architecture in the distribution's words; empty is the engine's."""


class RootfsKeys(Keys):
    """A base that is a tar file of a root."""

    rootfs: Text
    """A path, or an address of the web."""
    sha256: Sha256
    """The file's sha256."""


BaseKeys = Annotated[
    Annotated[Reference, Tag("<reference>")]
    | Annotated[ImageKeys, Tag("<image>")]
    | Annotated[BootstrapKeys, Tag("<bootstrap>")]
    | Annotated[RootfsKeys, Tag("<rootfs>")],
    base_choice("image", "bootstrap", "rootfs"),
]
ServiceBaseKeys = Annotated[
    Annotated[Reference, Tag("<reference>")]
    | Annotated[ImageKeys, Tag("<image>")]
    | Annotated[BootstrapKeys, Tag("<bootstrap>")]
    | Annotated[RootfsKeys, Tag("<rootfs>")]
    | Annotated[BuiltServiceKeys, Tag("<service>")],
    base_choice("image", "bootstrap", "rootfs", "service"),
]
