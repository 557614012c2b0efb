"""What recipes for ansible-container take for granted, and what stands for it here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pipeline.errors import Problem
from pipeline.recipe_model import DEFAULT_CONDUCTOR_BASE, Base, BaseImage, Recipe, RoleUse
from pipeline.reference import ImageReference
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource

_BOOTSTRAP: tuple[str, dict[str, JsonValue]] = (
    "bootstrap",
    # It made no user of its own, and the roles played after it give 1000 to theirs.
    {"container_init": "phusion-init", "container_uid": 8378, "container_gid": 8378},
)
_STAND_INS = {
    "sa-container-bootstrap": _BOOTSTRAP,
    "softasap.sa-container-bootstrap": _BOOTSTRAP,
}
"""Roles by the name that recipes know: what stands for each, and defaults in which it was another."""

_WITHOUT_APT = frozenset(
    "alpine almalinux amazonlinux archlinux busybox centos fedora leap opensuse oraclelinux rockylinux ubi".split()
)
_DEBIANS = "wheezy jessie stretch buster bullseye"
_UBUNTUS = "precise trusty xenial artful bionic cosmic disco eoan focal groovy hirsute impish jammy kinetic"
_FIRST_WITH_ITS_PYTHON = {"debian": (12, _DEBIANS.split()), "ubuntu": (23, _UBUNTUS.split())}
"""The first release whose Python, 3.11 or newer, runs the conductor's Ansible; and the names of those before."""


def stand_in(role: str) -> str:
    """The shipped role that is played where a project lacks this one, "" for most."""
    return _STAND_INS[role][0] if role in _STAND_INS else ""


def with_its_defaults(role: RoleUse, variables: Mapping[str, JsonValue]) -> RoleUse:
    """A role that another stands for, with its own defaults where nothing in the recipe says otherwise."""
    _, defaults = _STAND_INS.get(role.name, ("", {}))
    unsaid = {name: value for name, value in defaults.items() if name not in variables}
    return replace(role, parameters={**unsaid, **role.parameters})


def with_fit_conductor(recipe: Recipe, source: YamlSource) -> tuple[Recipe, tuple[Problem, ...]]:
    """The recipe with a conductor that can be made: the usual one, and a warning, where its base is not fit for one."""
    reason = unfit_conductor(recipe.conductor.base)
    if not reason:
        return recipe, ()
    short: KeyPath = ("settings", "conductor_base")
    path = short if source.at(short) else ("settings", "conductor", "base")
    warning = source.problem(path, f"is ignored: the image {reason}; the conductor is made on its usual base")
    return replace(recipe, conductor=replace(recipe.conductor, base=DEFAULT_CONDUCTOR_BASE)), (warning,)


def unfit_conductor(base: Base) -> str:
    """Why a conductor cannot be made on this image, "" where nothing is known against it.

    Older recipes name the distribution of their targets, which a conductor no longer has to be like.
    """
    if not isinstance(base, BaseImage):
        return ""
    reference = ImageReference.parse(base.reference)
    name = reference.repository.rpartition("/")[2]
    if name in _WITHOUT_APT:
        return "has no apt"
    first, names = _FIRST_WITH_ITS_PYTHON.get(name, (0, []))
    number = re.match(r"\d+", reference.tag)
    old = int(number[0]) < first if number else reference.tag.partition("-")[0] in names
    return "has no Python 3.11, which Ansible needs" if old else ""
