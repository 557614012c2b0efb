"""The files of a new project: from the template that comes with the package, or from somebody's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from pipeline.errors import UsageError
from pipeline.project import check_project_name
from pipeline.reference import ImageReference

SUITES = ("trixie", "bookworm", "bullseye", "sid", "noble", "jammy")
"""What --base takes for a suite and not for an image."""

_WITH_ARCHIVES = "s6-overlay"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user decides about a new project."""

    project: str
    base: str = "trixie"
    init: str = "tini-init"
    layer: str = "runit"


def project_name(folder: str) -> str:
    """A project's name out of its folder's. Raises UsageError."""
    try:
        return check_project_name(folder)
    except UsageError as error:
        raise UsageError(error.message, hint="name the folder so") from None


def check_wishes(wishes: Wishes, cells: Mapping[str, tuple[str, ...]]) -> None:
    """Raise UsageError when the cell does not exist or the base cannot be one."""
    if wishes.base not in SUITES:
        if wishes.base == "scratch":
            raise UsageError("scratch holds nothing to provision", hint="say --base trixie")
        ImageReference.parse(wishes.base)
    known = tuple(init for init in cells if init != _WITH_ARCHIVES)
    if wishes.init not in known:
        reason = ": it needs archives, which only a recipe can name" if wishes.init == _WITH_ARCHIVES else ""
        raise UsageError(
            f"there is no init {wishes.init!r} to begin with{reason}", hint=f"known are {', '.join(known)}"
        )
    every = tuple(dict.fromkeys(layer for layers in cells.values() for layer in layers))
    if wishes.layer not in every:
        raise UsageError(f"there is no service layer {wishes.layer!r}", hint=f"known are {', '.join(every)}")
    if wishes.layer not in cells[wishes.init]:
        hint = f"{wishes.init} goes with {', '.join(cells[wishes.init])}"
        raise UsageError(f"{wishes.init} does not go with {wishes.layer}", hint=hint)


def filled(template: Mapping[str, bytes], wishes: Wishes) -> dict[str, bytes]:
    """The shipped template with its fields filled in, under the names that the files have in a project."""
    fields = {
        "@PROJECT@": wishes.project,
        '"@BASE@"': f"{{bootstrap: {wishes.base}}}" if wishes.base in SUITES else wishes.base,
        '"@INIT@"': wishes.init,
        '"@SVC@"': wishes.layer,
    }
    return {_called(name): _fill(content, fields) for name, content in template.items()}


def named(files: Mapping[str, bytes], project: str) -> dict[str, bytes]:
    """Somebody's template with the project's name in its image.txt; a bare repository there stays one."""
    text = files.get("image.txt", b"").decode()
    line = f"project = {project}"
    if re.search(r"(?m)^[ \t]*project[ \t]*=", text):
        text = re.sub(r"(?m)^[ \t]*project[ \t]*=.*$", line, text, count=1)
    else:
        bare = re.search(r"(?m)^[ \t]*([^#\s=]+)[ \t]*$", text)
        if bare and "=" not in re.sub(r"(?m)^[ \t]*#.*$", "", text):
            text = text.replace(bare[0], f"repository = {bare[1]}")
        text = f"{text.rstrip()}\n{line}\n".lstrip()
    return {**files, "image.txt": text.encode()}


def check_template(files: Mapping[str, bytes], source: str) -> None:
    """Raise UsageError when a template holds no recipe that `baseimage build` would find."""
    if not {"recipes/default.yml", "container.yml"} & files.keys():
        raise UsageError(
            f"{source} is no template of a project: it has neither recipes/default.yml nor container.yml",
            hint="name the repository or folder of a project",
        )


def _called(name: str) -> str:
    return "/".join(f".{part[4:]}" if part.startswith("dot-") else part for part in PurePath(name).parts)


def _fill(content: bytes, fields: Mapping[str, str]) -> bytes:
    for field, value in fields.items():
        content = content.replace(field.encode(), value.encode())
    return content
