"""Which build secrets roles need that are to be played, and what is said where one is not given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import InputError, Problem
from pipeline.plan import LayerKey
from pipeline.recipe_model import SecretNeed, Service


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret that a role needs when it is played; `role` is its short name in the service."""

    service: str
    role: str
    secret: SecretNeed


def all_wanted(service: Service) -> tuple[Wanted, ...]:
    """What the roles of a service need if all are played."""
    uses = zip(service.role_labels, service.roles, strict=True)
    return tuple(Wanted(service.name, label, secret) for label, role in uses for secret in role.secrets)


def wanted(service: Service, keys: Sequence[LayerKey]) -> tuple[Wanted, ...]:
    """What those of its roles need whose layers the engine does not have."""
    missing = {key.role for key in keys if key.image is None}
    return tuple(each for each in all_wanted(service) if each.role in missing)


def refuse_missing(recipe: str, needs: Iterable[Wanted], given: Collection[str]) -> None:
    """Raises InputError with every need that is not given; `recipe` is the recipe's path."""
    problems = [_problem(recipe, each, given) for each in needs if each.secret.id not in given]
    if problems:
        raise InputError(dict.fromkeys(problems))


def _problem(recipe: str, need: Wanted, given: Collection[str]) -> Problem:
    message = f"the build secret {need.secret.id} is not given, and the role {need.role} is to be played with it"
    how = f"--secret id={need.secret.id},src=FILE, or ,env=VARIABLE"
    there = f"given are: {', '.join(sorted(given))}" if given else "none is given"
    return Problem(recipe, need.secret.line, 1, f"services.{need.service}", message, f"{how} ({there})")
