"""Tag: the image gets its names from image.txt and version.txt."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.image_config import ImageConfig
from pipeline.image_names import image_names
from pipeline.own_labels import release_labels
from stages.commit import remove_nameless

if TYPE_CHECKING:
    from pipeline.engine import ImageId
    from pipeline.gitflow import Release
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Give the image every name that the project's files or the recipe's templates make.

    By gitflow the names are an image's of its own that says which commit it is made of. What was built stays as it
    is: its labels are part of no key, and neither the cache nor an image that is built on it changes with a commit.
    """
    if build.result is None:
        raise PipelineError("there is no image to tag")
    names = image_names(build.project, build.service.name, build.recipe.tags)
    if build.project.release is None:
        for name in names:
            tools.engine.tag(build.result, name)
    elif names:
        image = _labelled(build, build.result, build.project.release, names[0], tools)
        for name in names:
            give(image, name, tools)
    return replace(build, tags=names, note=", ".join(names) or "no name on this branch")


def give(image: ImageId, name: str, tools: Tools) -> None:
    """Name an image. The one that had the name before goes if that was all that it had."""
    before = tools.engine.find_image(name)
    tools.engine.tag(image, name)
    if before and before.id != image:
        remove_nameless(before.id, tools)


def _labelled(build: Build, built: ImageId, plan: Release, name: str, tools: Tools) -> ImageId:
    found = tools.engine.find_image(built)
    if found is None:
        raise PipelineError("the image that was built is gone")
    labels = ImageConfig(labels=release_labels(build, plan, name))
    image = tools.engine.configure(built, found.config.merged(labels), {})
    if image != built:
        tools.on_exit(partial(remove_nameless, image, tools))
    return image
