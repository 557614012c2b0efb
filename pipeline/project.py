"""A project's name and version, from the texts of version.txt and image.txt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from string import Formatter

from pipeline.errors import InputError, Problem, UsageError
from pipeline.gitflow import ALSO, Release
from pipeline.key_values import Entry, Line, read_key_values, significant_lines
from pipeline.reference import ImageReference
from pipeline.versions import check_version

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
TEMPLATE_FIELDS = ("repository", "project", "service", "version", "major", "minor", "patch", "prefix")


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """What one source (image.txt, version.txt, a recipe, the command line) says about names; "" is "says nothing".

    The fields are also the keys of image.txt and of the long form of version.txt.
    """

    repository: str = ""
    release: str = ""
    prefix: str = ""
    ansible_distribution: str = ""
    ansible_distribution_version: str = ""
    project: str = ""
    gitflow: str = ""
    also: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's name, semantic version, and what its images are called.

    Without `repository` every service has a repository of its own; without `tags` the default names are used.
    With a `release`, the version is the release's, and its tags are given.
    """

    name: str
    version: str
    repository: str = ""
    prefix: str = ""
    tags: tuple[str, ...] = ()
    release: Release | None = None


SILENT = ImageSettings()
_KEYS = tuple(field.name for field in fields(ImageSettings))


def parse_version(text: str, file: str) -> str:
    """The version in version.txt: one line x.y.z (semver, no leading v), or `release` among key = value lines.

    Raises InputError.
    """
    release = parse_version_file(text, file).release
    if not release:
        raise InputError([Problem(file, 0, 0, "release", "no version is given", "write release = 0.1.0")])
    return release


def parse_version_file(text: str, file: str) -> ImageSettings:
    """All that version.txt says: its long form may name a repository and a prefix too. Raises InputError."""
    lines = significant_lines(text)
    if not lines:
        raise InputError([Problem(file, 0, 0, "", "the file is empty", "write one line such as 0.1.0")])
    if any("=" in line.text for line in lines):
        return _settings(lines, file)
    return _single(lines, file, "release")


def parse_image(text: str, file: str) -> ImageSettings:
    """What image.txt says: key = value lines, or one bare name, which is the repository. Raises InputError.

    Comments begin with #; a value may hold =; unknown, repeated and empty keys are mistakes. An empty file is silent.
    """
    lines = significant_lines(text)
    if lines and all("=" not in line.text for line in lines):
        return _single(lines, file, "repository")
    return _settings(lines, file)


def make_project(
    *,
    folder: str,
    cli: ImageSettings = SILENT,
    recipe: ImageSettings = SILENT,
    version_file: ImageSettings = SILENT,
    image_file: ImageSettings = SILENT,
    tags: tuple[str, ...] = (),
) -> Project:
    """Join what all sources say; the first that says something wins: command line, recipe, version.txt, image.txt.

    `folder` is the name of the project's folder, used where nobody names the project; `tags` are templates for
    `image_names.image_names`. Raises UsageError when there is no version, or a value cannot be part of an image's name.
    """
    sources = (cli, recipe, version_file, image_file)
    said = {key: next((value for source in sources if (value := getattr(source, key))), "") for key in _KEYS}
    if not said["release"]:
        raise UsageError("the project has no version", hint="write a version.txt with one line such as 0.1.0")
    for key in ("release", "repository", "prefix"):
        if said[key]:
            _CHECKS[key](said[key])
    name = check_project_name(said["project"] or folder)
    return Project(name, said["release"], said["repository"], said["prefix"], tags)


def rewritten(text: str, file: str, version: str) -> str:
    """The text of version.txt with another version; all else stays: comments, keys, line ends. Raises InputError."""
    old = parse_version(text, file)
    lines = text.splitlines(keepends=True)
    for line in significant_lines(text):
        raw = lines[line.number - 1]
        key, equals, _ = line.text.partition("=")
        start = raw.index("=") if equals else 0
        if not equals or key.strip() == "release":
            lines[line.number - 1] = raw[:start] + raw[start:].replace(old, version, 1)
    return "".join(lines)


def follows_gitflow(*settings: ImageSettings) -> bool:
    """Whether the first of these that says anything about it wants versions and tags by gitflow."""
    return next((each.gitflow for each in settings if each.gitflow), "false") == "true"


def moving_tags(*settings: ImageSettings) -> tuple[str, ...]:
    """The moving tags of a release, as the first of these says under `also`; all of them where none does."""
    words = next((each.also for each in settings if each.also), "").replace(",", " ").split()
    return tuple(word for word in ALSO if word in words) if words else ALSO


def check_template(template: str) -> str:
    """The template itself, if its fields are known. Raises UsageError."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"the braces do not match: {error}", hint="write a field as {version}") from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in TEMPLATE_FIELDS or form or conversion):
            known = ", ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
            raise UsageError(f"the field {{{field}}} is not known", hint=f"known are {known}")
    return template


def check_project_name(text: str) -> str:
    """The text itself, if it can name a project. Raises UsageError."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} cannot name a project: it begins with a letter or digit, and holds letters, digits, _ . and -",
            hint="name it in image.txt (project = NAME) or in the recipe (settings.project_name)",
        )
    return text


def _check_repository(text: str) -> str:
    reference = ImageReference.parse(text)
    if reference.tag or reference.digest:
        raise UsageError(
            f"{text!r} has a tag or digest, and a repository has none",
            hint=f"write {ImageReference(reference.registry, reference.repository).familiar}",
        )
    return text


def _check_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise UsageError(f"{text!r} cannot begin a tag: letters, digits, _ . and - are allowed, neither . nor - first")
    return text


def _check_switch(text: str) -> str:
    if text not in ("true", "false"):
        raise UsageError(f"{text!r} is neither true nor false")
    return text


def _check_also(text: str) -> str:
    unknown = [word for word in text.replace(",", " ").split() if word not in (*ALSO, "none")]
    if unknown:
        raise UsageError(f"there is no moving tag {', '.join(unknown)}", hint=f"known are {', '.join(ALSO)} and none")
    return text


def _checked_by_its_user(text: str) -> str:
    return text


_CHECKS: dict[str, Callable[[str], str]] = {
    "repository": _check_repository,
    "release": check_version,
    "prefix": _check_prefix,
    "ansible_distribution": _checked_by_its_user,
    "ansible_distribution_version": _checked_by_its_user,
    "project": check_project_name,
    "gitflow": _check_switch,
    "also": _check_also,
}


def _single(lines: tuple[Line, ...], file: str, key: str) -> ImageSettings:
    """The short form of a file: one line, the value of `key`."""
    problems = [
        Problem(file, line.number, line.column, "", "only one line is expected here, or lines of the form key = value")
        for line in lines[1:]
    ]
    return _made({key: Entry(lines[0].text, lines[0])}, file, problems)


def _settings(lines: tuple[Line, ...], file: str) -> ImageSettings:
    entries, problems = read_key_values(lines, file, _KEYS)
    return _made({key: entry for key, entry in entries.items() if key in _KEYS and entry.value}, file, problems)


def _made(entries: dict[str, Entry], file: str, problems: list[Problem]) -> ImageSettings:
    for key, entry in entries.items():
        try:
            _CHECKS[key](entry.value)
        except UsageError as error:
            problems.append(Problem(file, entry.line.number, entry.line.column, key, error.message, error.hint))
    if problems:
        raise InputError(sorted(problems, key=lambda problem: problem.line))
    return ImageSettings(**{key: entry.value for key, entry in entries.items()})
