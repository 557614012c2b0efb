"""What is to be played for a role of a build, as far as it is known before its target is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.plan import Step
from pipeline.player import Play

if TYPE_CHECKING:
    from pipeline.image_config import ImageConfig
    from pipeline.stage import Build, Tools


def play_of(build: Build, index: int, below: ImageConfig | None, tools: Tools) -> Play:
    """The play of a service's role on an image that declares `below`. Raises InputError when there is no such role."""
    role = build.service.roles[index]
    return Play(
        role=tools.records.role_files(role),
        parameters=role.parameters,
        variables=build.service.variables,
        gather_facts=role.gather_facts and (index >= len(build.keys) or build.keys[index].facts),
        hardware_facts=any(key.hardware for key in build.keys),
        borrowed_python=build.service.python == "runtime",
        step=Step("provision", build.service.name, build.service.role_labels[index], index).id,
        path=below.environment.get("PATH", "") if below else "",
        secrets=role.secrets,
    )


def follows(build: Build, index: int) -> bool:
    """Whether the role after this one is to be played too."""
    return index + 1 < len(build.service.roles) and index + 1 < len(build.keys) and not build.keys[index + 1].image
