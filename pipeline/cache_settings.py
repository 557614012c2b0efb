"""Which registries share layers with other engines: by the command line, else the environment, else the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.errors import UsageError
from pipeline.gitflow import Place
from pipeline.reference import ImageReference

FROM, TO = "BASEIMAGE_CACHE_FROM", "BASEIMAGE_CACHE_TO"


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Repositories that layers are taken `sources` from and given `target` to ("": none).

    `pull_requests` allows the latter for pull requests, too; `strict` makes it an error when it fails. `refused` says
    why nothing is given to the target that was asked for.
    """

    sources: tuple[str, ...] = ()
    target: str = ""
    pull_requests: bool = False
    strict: bool = False
    refused: str = ""


NO_CACHE_SHARED = CacheSettings()


def check_repository(text: str) -> None:
    """Raise UsageError for what is no repository: the tags in it are ours to give."""
    name = ImageReference.parse(text)
    if name.tag or name.digest:
        raise UsageError(f"{text!r} is not a repository", hint="leave out the tag: layers have tags of their own")


def cache_settings(
    given: CacheSettings, recipe: CacheSettings, environ: Mapping[str, str], place: Place
) -> CacheSettings:
    """What holds for a run. Raises UsageError for a repository that cannot be one."""
    sources = given.sources or tuple(environ.get(FROM, "").replace(",", " ").split()) or recipe.sources
    target = given.target or environ.get(TO, "").strip() or recipe.target
    for repository in (*sources, *([target] if target else [])):
        check_repository(repository)
    settings = replace(given, sources=tuple(dict.fromkeys(sources)), target=target)
    if target and place.pull_request and not given.pull_requests:
        why = f"this is a pull request, so no layer is written to {target}"
        return replace(settings, target="", refused=why)
    return settings
