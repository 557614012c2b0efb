"""Initialize: everything that the service's roles are made of is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import InputError, Problem

if TYPE_CHECKING:
    from pipeline.plan import Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Find the files of every role. Raises InputError that names all the missing ones."""
    problems: list[Problem] = []
    for role in build.service.roles:
        try:
            tools.records.role_files(role)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    count = len(build.service.roles)
    return replace(build, note=f"{count} role{'' if count == 1 else 's'}")
