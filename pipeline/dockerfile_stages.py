"""A Dockerfile's instructions as values, and the stages that they form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.dockerfile_words import Expander
from pipeline.errors import InputError, Problem, UsageError


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document that stands in the Dockerfile itself; `literal`: no variables are filled in."""

    name: str
    content: str
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its words with quotes still on, and the text that it was read from.

    `json` says that the words came from the exec form and have no quotes.
    """

    name: str
    words: tuple[str, ...]
    line: int
    flags: tuple[str, ...] = ()
    json: bool = False
    text: str = ""
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def rest(self) -> str:
        """The text behind the instruction's name."""
        return self.text.partition(self.text.split(None, 1)[0])[2].strip() if self.text else " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """All instructions of a file, and its escape character."""

    file: str
    instructions: tuple[Instruction, ...]
    escape: str = "\\"

    def problem(self, line: int, path: str, message: str, hint: str = "") -> Problem:
        """A mistake, or what could not be taken over, at a line."""
        return Problem(self.file, line, 1, path, message, hint)


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands behind one FROM; `base` is the earlier stage or the image that it starts from."""

    name: str
    base: str
    line: int
    flags: tuple[str, ...]
    instructions: tuple[Instruction, ...] = ()


def stages_of(source: Dockerfile, arguments: Mapping[str, str]) -> tuple[dict[str, str], tuple[Stage, ...]]:
    """The ARGs before the first FROM, and the stages in order; `arguments` are values given for ARGs.

    Raises InputError when there is no stage, or a FROM cannot be read.
    """
    before: dict[str, str] = {}
    stages: list[Stage] = []
    for each in source.instructions:
        if each.name == "FROM":
            stages.append(_stage(source, each, before, str(len(stages))))
        elif stages:
            stages[-1] = replace(stages[-1], instructions=(*stages[-1].instructions, each))
        elif each.name == "ARG":
            before |= argument_values(each, Expander(before, source.escape), arguments)
        else:
            raise InputError([source.problem(each.line, each.name, "stands before the first FROM")])
    if not stages:
        raise InputError([source.problem(1, "", "there is no FROM", "name the base: FROM debian:13")])
    return before, tuple(stages)


def chain_to(stages: tuple[Stage, ...], wanted: str, file: str) -> tuple[Stage, ...]:
    """The wanted stage (the last for "") below those that it is built on, lowest first. Raises UsageError."""
    names = [stage.name.lower() for stage in stages]
    if wanted and wanted.lower() not in names:
        raise UsageError(f"{file} has no stage {wanted!r}", hint=f"it has {', '.join(stage.name for stage in stages)}")
    at = names.index(wanted.lower()) if wanted else len(stages) - 1
    chain = [stages[at]]
    while chain[0].base.lower() in names[:at]:
        at = names[:at].index(chain[0].base.lower())
        chain.insert(0, stages[at])
    return tuple(chain)


def argument_values(each: Instruction, expander: Expander, given: Mapping[str, str]) -> dict[str, str]:
    """The ARGs of one instruction that have a value: the given one, or the default."""
    values = {}
    for word in each.words:
        name, equals, default = word.partition("=")
        if name in given:
            values[name] = given[name]
        elif equals:
            values[name] = expander.expand(default)
    return values


def _stage(source: Dockerfile, each: Instruction, arguments: Mapping[str, str], number: str) -> Stage:
    try:
        base = Expander(arguments, source.escape).expand(each.words[0] if each.words else "")
    except UsageError as error:
        raise InputError([source.problem(each.line, "FROM", error.message, error.hint)]) from None
    named = len(each.words) == 3 and each.words[1].lower() == "as"  # noqa: PLR2004 - FROM image AS name
    if not base or (len(each.words) > 1 and not named):
        hint = "write FROM image, or FROM image AS name; an ARG in it needs a default"
        raise InputError([source.problem(each.line, "FROM", "names no base", hint)])
    return Stage(each.words[2] if named else number, base, each.line, each.flags)
