"""Image references as values, held to the grammar that the engine itself enforces."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.errors import UsageError

_HUB = "docker.io"
_HUB_NAMES = (_HUB, "index.docker.io")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|(?!sha256:)[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9A-Fa-f]{32,}")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME = 255
_REGISTRY_ALLOWED = "it is a host name, with :port if need be, as in registry.example:5000"
_REPOSITORY_ALLOWED = (
    "lower case letters and digits are allowed, with one of . _ __ or any number of - between them,"
    " in parts divided by /"
)
_TAG_ALLOWED = "letters, digits, _ . and - are allowed, at most 128 of them, and neither . nor - comes first"
_DIGEST_ALLOWED = "it is sha256: and 64 hexadecimal digits in lower case"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The name of an image: registry, repository, and a tag or digest ("" where there is none).

    `parse` fills in what the engine fills in: the registry docker.io, and `library/` for its official images.
    A tag is never made up. Raises UsageError when a part is not what the engine accepts.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        """Refuse what the engine would refuse, naming the part."""
        for part, value, fits, allowed in self._rules():
            if not fits:
                raise UsageError(f"the {part} {value!r} of an image reference is not valid: {allowed}")

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read `[registry[:port]/]repository[:tag][@digest]`. Raises UsageError, its hint a correction if obvious."""
        if not text:
            raise UsageError("an image reference is empty", hint="write one such as debian:12")
        if text[-1] in ":@":
            raise UsageError(f"nothing follows the {text[-1]} in {text!r}", hint=f"take the {text[-1]} away")
        try:
            return cls(*_split(text))
        except UsageError as error:
            raise UsageError(error.message, hint=_correction(text)) from None

    def with_tag(self, tag: str) -> ImageReference:
        """The same repository under another tag, without a digest. Raises UsageError for a tag that is not valid."""
        return replace(self, tag=tag, digest="")

    @property
    def familiar(self) -> str:
        """The short form that people write: without docker.io/ and library/ ("debian:12")."""
        name = self.repository.removeprefix("library/")
        short = _joined("", name, self.tag, self.digest)
        return short if _divide(name) == (self.registry, self.repository) else str(self)

    def __str__(self) -> str:
        """The full form, which every engine understands the same way ("docker.io/library/debian:12")."""
        return _joined(self.registry, self.repository, self.tag, self.digest)

    def _rules(self) -> tuple[tuple[str, str, bool, str], ...]:
        name = f"{self.registry}/{self.repository}"
        shown = self.repository.removeprefix("library/")
        return (
            ("registry", self.registry, _fits(_REGISTRY, self.registry), _REGISTRY_ALLOWED),
            ("repository", shown, _fits(_REPOSITORY, self.repository), _REPOSITORY_ALLOWED),
            ("repository", shown, not _looks_like_an_id(self.repository), "this would be an image id"),
            ("name", name, len(name) <= _LONGEST_NAME, f"it has more than {_LONGEST_NAME} characters"),
            ("tag", self.tag, not self.tag or _fits(_TAG, self.tag), _TAG_ALLOWED),
            ("digest", self.digest, not self.digest or _fits(_DIGEST, self.digest), _DIGEST_ALLOWED),
        )


def _split(text: str) -> tuple[str, str, str, str]:
    """Registry, repository, tag and digest as the engine divides them."""
    name, _, digest = text.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return (*_divide(head + slash + last), tag, digest)


def _divide(name: str) -> tuple[str, str]:
    """Registry and repository: the first part is a registry if it has a dot or a port, or is localhost."""
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or set(first) & set(".:[")):
        first, rest = _HUB, name
    if first not in _HUB_NAMES:
        return first, rest
    return _HUB, rest if "/" in rest else f"library/{rest}"


def _joined(registry: str, repository: str, tag: str, digest: str) -> str:
    name = f"{registry}/{repository}" if registry else repository
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _correction(text: str) -> str:
    """What was meant, where that is obvious: no scheme, no spaces around it, lower case."""
    plain = re.sub(r"^[a-z]+://", "", text.strip())
    registry, repository, tag, digest = _split(plain)
    for parts in ((registry, repository, tag, digest), (registry, repository.lower(), tag, digest.lower())):
        try:
            return f"write {ImageReference(*parts).familiar}"
        except UsageError:
            continue
    return ""


def _fits(form: re.Pattern[str], text: str) -> bool:
    return bool(form.fullmatch(text))


def _looks_like_an_id(repository: str) -> bool:
    return _fits(_IDENTIFIER, repository.removeprefix("library/"))
