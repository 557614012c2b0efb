"""What a project's images are called."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import semver

from pipeline.errors import InputError, Problem, UsageError
from pipeline.gitflow import Release
from pipeline.project import Project, check_template
from pipeline.reference import ImageReference

_IN_ONE_REPOSITORY = (
    "{repository}:{prefix}{project}.{service}.{version}",
    "{repository}:{prefix}{project}.{service}.latest",
)
_ONE_REPOSITORY_EACH = ("{prefix}{project}-{service}:{version}", "{prefix}{project}-{service}:latest")


def image_names(project: Project, service: str, templates: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of one service's image, without repetition, each accepted by the engine.

    They come from `templates`, else from the project's, else they are `<repository>:<prefix><project>.<service>.`
    with the version and with `latest` behind it; without a repository `<prefix><project>-<service>:` with both. The
    + of build metadata is not allowed in a tag: 1.2.0+7 is 1.2.0-7 there. Without a repository, {repository} is the
    project's name.

    With a release, a template with {version} makes a name for each of its tags; one without a version names what
    moves from release to release, so only the newest release gets it.

    Raises InputError, one problem for each template that cannot be used.
    """
    return tuple(_names(project, service, templates))


def previous_name(project: Project, service: str, templates: tuple[str, ...] = ()) -> str:
    """What the last release's image of a service is called, "" where none is known or no name holds a version."""
    if project.release is None or not project.release.previous:
        return ""
    last = Release("release", project.release.previous, once=True, newest=True)
    names = names_once(replace(project, version=last.version, release=last), service, templates)
    return next(iter(names), "")


def names_once(project: Project, service: str, templates: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Those of `image_names` that hold a whole version that is published once."""
    return tuple(name for name, once in _names(project, service, templates).items() if once)


def _names(project: Project, service: str, templates: tuple[str, ...]) -> dict[str, bool]:
    """Every name, and whether it is published once."""
    both = _IN_ONE_REPOSITORY if project.repository else _ONE_REPOSITORY_EACH
    defaults: tuple[str, ...] = both[:1] if project.release else both  # a release brings its own `latest`
    names: dict[str, bool] = {}
    problems: list[Problem] = []
    for template in templates or project.tags or defaults:
        try:
            for version, once in _versions(project, check_template(template)):
                name = _name(template, project, service, version)
                names[name] = once or names.get(name, False)
        except UsageError as error:
            problems.append(Problem("image names", 0, 0, template, error.message, error.hint))
    if problems:
        raise InputError(problems)
    return names


def _versions(project: Project, template: str) -> tuple[tuple[str, bool], ...]:
    """What stands for {version} in a template, one after the other, and whether that name is published once."""
    plan, version = project.release, project.version.replace("+", "-")
    if plan is None:
        return ((version, False),)
    used = {field for _, field, _, _ in Formatter().parse(template)}
    if "version" in used:
        return (version, plan.once), *((tag, False) for tag in plan.moving)
    if used >= {"major", "minor", "patch"}:
        return ((version, plan.once),) if plan.kind == "release" and plan.once else ()
    return ((version, False),) if plan.newest else ()


def all_image_names(project: Project, services: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The names of every service's image. Raises InputError also when two services would get the same name."""
    names = {service: image_names(project, service) for service in services}
    owners: dict[str, str] = {}
    problems = [
        Problem("image names", 0, 0, name, f"{owners[name]} and {service} would both get it", "use {service} in `tags`")
        for service in services
        for name in names[service]
        if owners.setdefault(name, service) != service
    ]
    if problems:
        raise InputError(problems)
    return names


def _name(template: str, project: Project, service: str, tag: str) -> str:
    version = semver.Version.parse(project.version)
    name = template.format(
        repository=project.repository or project.name,
        project=project.name,
        service=service,
        version=tag,
        major=version.major,
        minor=version.minor,
        patch=version.patch,
        prefix=project.prefix,
    )
    if not ImageReference.parse(name).tag:
        raise UsageError(f"{name!r} has no tag", hint=f"write {template}:{{version}}")
    return name
