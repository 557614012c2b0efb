"""Which files and templates tasks name, found without running anything; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.yaml_source import JsonValue

_NOT_FROM_HERE = frozenset({"name", "dest", "path", "msg"})
"""Keys whose whole text is no name of a file here; what Jinja quotes in it may be one."""

_QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"")
_JINJA = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SOURCE = re.compile(r"\bsrc=[\"']?([^\s\"']+)")
_OF_A_TEMPLATE = re.compile(r"\{%-?\s*(?:include|import|extends|from)\s+[\"']([^\"']+)[\"']")


def named_in_tasks(tasks: JsonValue) -> tuple[str, ...]:
    """Relative paths that stand in tasks, in order; a part that is only known in the play is *, as in a pattern.

    More may be found than files that are meant: what there is no file for means none.
    """
    found = (path for key, text in _texts("", tasks) for word in _words(key, text) if (path := _path(word)))
    return tuple(dict.fromkeys(found))


def named_in_template(text: str) -> tuple[str, ...]:
    """The other templates that a template names."""
    return tuple(dict.fromkeys(_OF_A_TEMPLATE.findall(text)))


def _texts(key: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(name, each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(key, each)
    elif isinstance(value, str):
        yield key, value


def _words(key: str, text: str) -> Iterator[str]:
    if key not in _NOT_FROM_HERE and "\n" not in text:
        yield text
    yield from _SOURCE.findall(text)
    for part in _JINJA.findall(text):
        yield from (single or double for single, double in _QUOTED.findall(part))


def _path(word: str) -> str:
    """A relative path out of a word, "" where it is none."""
    text = _JINJA.sub("*", word.strip())
    if "://" in text or text.startswith(("/", "~")) or not text.strip("*/. "):
        return ""
    path = PurePosixPath(text)
    return "" if ".." in path.parts else str(path)
