"""A Dockerfile as a recipe's service and a role: one walk over the instructions of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.dockerfile_files import Context, file_tasks
from pipeline.dockerfile_image import Declared
from pipeline.dockerfile_run import run_task
from pipeline.dockerfile_scope import Scope, Task, plain
from pipeline.dockerfile_stages import Dockerfile, Instruction, Stage, argument_values, chain_to, stages_of
from pipeline.errors import InputError, Problem, UsageError
from pipeline.yaml_source import JsonValue


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a Dockerfile. `files` are paths of the context that the role needs; `notes` what was lost."""

    base: str
    keys: dict[str, JsonValue]
    tasks: tuple[Task, ...]
    defaults: dict[str, JsonValue]
    files: tuple[str, ...]
    notes: tuple[Problem, ...]


def import_dockerfile(
    source: Dockerfile,
    *,
    role: str,
    files: frozenset[str] = frozenset(),
    stage: str = "",
    arguments: Mapping[str, str] | None = None,
) -> Imported:
    """Import one stage (the last for "") with those that it is built on.

    `files` are the paths beside the Dockerfile, `arguments` values for its ARGs, as for docker build.
    Raises InputError, UsageError.
    """
    given = arguments or {}
    before, stages = stages_of(source, given)
    chain = chain_to(stages, stage, source.file)
    base = chain[0]
    if base.base == "scratch":
        hint = "begin with FROM debian:13-slim, or write from: {bootstrap: trixie} in a recipe"
        raise InputError([source.problem(base.line, "FROM", "scratch holds nothing that a role could run in", hint)])
    walk = _Walk(Scope(source, role), Context(files), before, given)
    for each in chain:
        walk.stage(each)
    walk.leave_out(tuple(each for each in stages if each not in chain))
    return walk.result(base.base)


class _Walk:
    """Collects what the instructions of a chain of stages come to."""

    def __init__(self, scope: Scope, context: Context, before: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._scope, self._context = scope, context
        self._before, self._given = before, given
        self._declared = Declared()
        self._tasks: list[Task] = []
        self._defaults: dict[str, JsonValue] = {}

    def stage(self, stage: Stage) -> None:
        self._scope.arguments = {}
        self._declared.next_stage()
        for flag in stage.flags:
            self._scope.notes.append(
                self._scope.source.problem(stage.line, "FROM", f"{flag} is not carried over", "the engine's is taken")
            )
        for each in stage.instructions:
            self._instruction(each)

    def leave_out(self, stages: tuple[Stage, ...]) -> None:
        for stage in stages:
            self._scope.notes.append(
                self._scope.source.problem(
                    stage.line,
                    "FROM",
                    f"the stage {stage.name} is not imported",
                    f"import it into a folder of its own with --stage {stage.name}",
                )
            )

    def result(self, base: str) -> Imported:
        scope = self._scope
        for name, line in scope.written_in.items():
            variable = scope.variable(name)
            scope.notes.append(
                scope.source.problem(line, "ARG", f"the value of {name} is written in; {variable} reaches RUN only")
            )
        notes = sorted(dict.fromkeys(scope.notes), key=lambda note: note.line)
        wanted = tuple(sorted(self._context.wanted))
        return Imported(base, self._declared.keys, tuple(self._tasks), self._defaults, wanted, tuple(notes))

    def _instruction(self, each: Instruction) -> None:
        if self._declared.knows(each.name):
            self._tasks += self._declared.take(each, self._scope)
        elif each.name == "RUN":
            self._tasks.append(run_task(each, self._scope))
        elif each.name in ("COPY", "ADD"):
            self._tasks += file_tasks(each, self._scope, self._context)
        elif each.name == "ARG":
            self._arguments(each)
        elif each.name == "MAINTAINER":
            hint = f"write LABEL org.opencontainers.image.authors={each.rest!r}"
            self._scope.note(each, "has no key in a recipe", hint)
        else:
            self._scope.note(each, "is no instruction that is known", "see whether it is misspelt")

    def _arguments(self, each: Instruction) -> None:
        inherited = {name: self._before[name] for name in each.words if name in self._before}
        try:
            values = {**inherited, **argument_values(each, self._scope.expander(), self._given)}
        except UsageError as error:
            self._scope.note(each, error.message, error.hint)
            return
        for word in each.words:
            name = word.partition("=")[0]
            if name not in values:
                self._scope.note(each, f"{name} has no value", f"give one with --build-arg {name}=VALUE")
        self._scope.arguments |= values
        self._defaults |= {self._scope.variable(name): plain(value) for name, value in values.items()}
