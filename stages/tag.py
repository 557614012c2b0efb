"""Tag: the image gets its names from image.txt and version.txt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.image_names import image_names

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Give the image every name that the project's files or the recipe's templates make."""
    if build.image is None:
        raise PipelineError("there is no image to tag")
    names = image_names(build.project, build.service.name, build.recipe.tags)
    for name in names:
        tools.engine.tag(build.image, name)
    return replace(build, tags=names, note=", ".join(names))
