"""Build secrets in a plan: which are needed, which are given, and which are missing for certain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.plan_view import PlannedService, planned
from pipeline.recipe_model import BuiltService, Service
from pipeline.secret_needs import Wanted, all_wanted, refuse_missing
from pipeline.stage import Build, Tools

NEEDED = "roles that are to be played need these secrets (--secret id=NAME,src=FILE or id=NAME,env=VARIABLE):"


@dataclass(frozen=True, slots=True)
class PlannedSecret:
    """A secret that a role needs; `needed`: the role is to be played. `given`: the command line has it."""

    wanted: Wanted
    needed: bool
    given: bool

    def to_json(self) -> dict[str, Any]:
        """The documented form (docs/cache.md)."""
        secret = self.wanted.secret
        return {
            "id": secret.id,
            "role": self.wanted.role,
            "line": secret.line,
            "needed": self.needed,
            "given": self.given,
        }


def planned_secrets(service: Service, plan: PlannedService, given: Collection[str]) -> tuple[PlannedSecret, ...]:
    """What the roles of one service need, in order."""
    played = _played(plan)
    return tuple(PlannedSecret(each, each.role in played, each.secret.id in given) for each in all_wanted(service))


def lines(secrets: Iterable[PlannedSecret]) -> tuple[str, ...]:
    """For a terminal: those that are needed, and who needs them."""
    needed: dict[str, list[PlannedSecret]] = {}
    for each in secrets:
        if each.needed:
            needed.setdefault(each.wanted.secret.id, []).append(each)
    said = [
        f"  {secret}  {'given' if each[0].given else 'not given'}, for "
        + ", ".join(dict.fromkeys(f"role {one.wanted.role} of {one.wanted.service}" for one in each))
        for secret, each in needed.items()
    ]
    return ("", NEEDED, *said) if said else ()


def refuse_before(builds: tuple[Build, ...], tools: Tools) -> None:
    """Before anything is built: raises InputError for needs of roles that will certainly be played.

    Where it is not known yet, since a base is not there, the service's stage `base` looks again.
    """
    given = tools.secrets
    if given is None or all(each.secret.id in given for build in builds for each in all_wanted(build.service)):
        return
    plans = planned(builds, tools)
    needs = tuple(_certain(builds, plans))
    refuse_missing(builds[0].recipe.file, needs, given)


def _played(plan: PlannedService) -> set[str]:
    """The roles that would be played."""
    return {step.role for step in plan.steps if step.kind == "role" and not step.hit}


def _certain(builds: tuple[Build, ...], plans: tuple[PlannedService, ...]) -> Iterator[Wanted]:
    rebuilt: set[str] = set()
    for build, plan in zip(builds, plans, strict=True):
        base, *above = plan.steps
        below = build.service.base
        on_rebuilt = isinstance(below, BuiltService) and below.name in rebuilt
        if not (base.hit or on_rebuilt):
            continue
        if not all(step.hit for step in above):
            rebuilt.add(plan.name)
        played = _played(plan)
        yield from (each for each in all_wanted(build.service) if each.role in played)
