"""The Dockerfile parser: BuildKit's own, through the package `dockerfile`."""

from __future__ import annotations

import re
from typing import Any

from pipeline.dockerfile_stages import Dockerfile, Heredoc, Instruction
from pipeline.errors import InputError, Problem, UsageError

_ESCAPE = re.compile(r"(?i)#\s*escape\s*=\s*(\S)\s*$")
_DIRECTIVE = re.compile(r"#\s*\w+\s*=")
_MARK = re.compile(r"<<(?P<chomp>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)(?P=quote)")


def read_dockerfile(text: str, file: str) -> Dockerfile:
    """The instructions of a Dockerfile.

    Raises InputError when it is none, UsageError where the parser is not installed.
    """
    try:
        import dockerfile  # noqa: PLC0415 - an extra: it has no wheels for every machine
    except ImportError:
        hint = 'pip install "baseimage-pipeline[import]" (it needs Go where there is no wheel)'
        raise UsageError("the Dockerfile parser is not installed", hint=hint) from None
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        raise InputError([Problem(file, 0, 0, "", str(error))]) from None
    return Dockerfile(file, tuple(_instruction(command) for command in commands), _escape(text))


def _instruction(command: Any) -> Instruction:
    marks = {match["name"]: match for match in _MARK.finditer(command.original.partition("\n")[0])}
    heredocs = tuple(_heredoc(each, marks.get(each.name)) for each in command.heredocs)
    return Instruction(
        name=command.cmd.upper(),
        words=tuple(command.value),
        line=command.start_line,
        flags=tuple(command.flags),
        json=command.json,
        text=command.original,
        heredocs=heredocs,
    )


def _heredoc(each: Any, mark: re.Match[str] | None) -> Heredoc:
    content = re.sub(r"(?m)^\t+", "", each.content) if mark and mark["chomp"] else each.content
    return Heredoc(each.name, content, literal=bool(mark and mark["quote"]))


def _escape(text: str) -> str:
    """Directives are the comments of the form NAME=VALUE that come before anything else."""
    for line in text.splitlines():
        if not _DIRECTIVE.match(line):
            break
        if match := _ESCAPE.match(line):
            return match[1]
    return "\\"
