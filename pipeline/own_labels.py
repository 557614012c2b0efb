"""The labels org.opencontainers.image.* of an image: its own, and never those of what it stands on."""

from __future__ import annotations

from dataclasses import replace

from pipeline.gitflow import PREFIX, Release
from pipeline.image_config import ImageConfig
from pipeline.recipe_model import BaseImage
from pipeline.reference import ImageReference
from pipeline.stage import Build

BASE_NAME, BASE_DIGEST, REF_NAME = f"{PREFIX}base.name", f"{PREFIX}base.digest", f"{PREFIX}ref.name"
_SAID_BY_RECIPES = tuple(f"{PREFIX}{name}" for name in ("title", "source", "url"))
"""A recipe may say in its own words what it is and where it comes from, but not of which commit it is made."""


def without_inherited(config: ImageConfig, build: Build) -> ImageConfig:
    """A finished configuration less the labels that describe the base; what recipe and roles say stays."""
    base = build.base.config.labels if build.base else {}
    said = build.service.config.labels | build.service.role_config.labels
    foreign = {
        name
        for name, text in config.labels.items()
        if name.startswith(PREFIX) and name not in said and base.get(name) == text
    }
    return replace(config, labels={name: text for name, text in config.labels.items() if name not in foreign})


def release_labels(build: Build, release: Release, name: str) -> dict[str, str]:
    """What an image says of itself when it gets its names, `name` the first of them."""
    source = release.labels.get(f"{PREFIX}source", "")
    labels = {
        f"{PREFIX}title": f"{build.project.name}.{build.service.name}",
        f"{PREFIX}url": source if source.startswith(("http://", "https://")) else "",
        REF_NAME: ImageReference.parse(name).tag,
        **release.labels,
        **_of_base(build),
    }
    labels |= {each: build.service.config.labels.get(each) or labels.get(each, "") for each in _SAID_BY_RECIPES}
    return {each: text for each, text in labels.items() if text}


def base_digest(build: Build) -> str:
    """The digest that a registry knows the base by ("sha256:…"), "" for a base that comes from none."""
    if not isinstance(build.service.base, BaseImage) or build.base is None:
        return ""
    name = ImageReference.parse(build.service.base.reference)
    known = (ImageReference.parse(each) for each in build.base.digests)
    same = (each.digest for each in known if (each.registry, each.repository) == (name.registry, name.repository))
    return name.digest or next(same, "")


def _of_base(build: Build) -> dict[str, str]:
    if not isinstance(build.service.base, BaseImage):
        return {}
    return {BASE_NAME: str(ImageReference.parse(build.service.base.reference)), BASE_DIGEST: base_digest(build)}
