"""A registry for a command that names an image, and needs no engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from pipeline.events import Event, Retrying
from pipeline.reference import ImageReference

if TYPE_CHECKING:
    from pipeline.oci import Store


def open_registry(image: str, environ: Mapping[str, str]) -> tuple[Store, ImageReference]:
    """The repository of an image, and its name. Raises UsageError for what is no name."""
    from pipeline.oci_registry import OciRegistry  # noqa: PLC0415 - the client is loaded only where it is used

    name = ImageReference.parse(image)
    return OciRegistry(name, environ, _say), name


def wanted_tag(name: ImageReference) -> str:
    """What of the repository is meant: a digest before a tag, `latest` where nothing is said."""
    return name.digest or name.tag or "latest"


def _say(event: Event) -> None:
    if isinstance(event, Retrying):
        click.echo(f"{event.what}: {event.reason}; again in {event.wait:.0f} s", err=True)
