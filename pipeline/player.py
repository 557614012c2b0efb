"""Playing a role on a target: the Protocol that hides Ansible from the stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline.engine import ContainerId, ImageId, Mount
from pipeline.image_config import ImageConfig
from pipeline.recipe_model import SecretNeed

DEPLOYABLES = "/src/deployables"
"""Where a role finds application sources in the conductor; the variable `deployables_path` of its play."""


@dataclass(frozen=True, slots=True)
class Deployable:
    """An application source on disk, by the name of its folder."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class RoleFiles:
    """A role on disk: its folder and, beside it, the folders of the roles that its meta depends on, by name.

    `deployables` are the application sources that its use in the recipe names, `collections` the folder of the
    project's own collections, where it has any, and `variables` the files of variables that plays read themselves.
    """

    name: str
    folder: Path
    dependencies: tuple[RoleFiles, ...] = ()
    deployables: tuple[Deployable, ...] = ()
    collections: Path | None = None
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Play:
    """One role to play: its files, its parameters, the service's variables, and what the target is.

    Facts that are gathered stay for later roles of the service: `hardware_facts` is whether any of them needs those.
    `path` is the PATH that the target's image declares, "" where it declares none. `secrets` are the build secrets
    that it may see.
    """

    role: RoleFiles
    parameters: dict[str, Any]
    variables: dict[str, Any]
    gather_facts: bool
    hardware_facts: bool
    borrowed_python: bool
    step: str
    path: str = ""
    secrets: tuple[SecretNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class PlayResult:
    """How a play ended: counts of tasks by status and the image configuration that the role asked for."""

    counts: dict[str, int] = field(default_factory=dict)
    config: ImageConfig = field(default_factory=ImageConfig)


class Player(Protocol):
    """Owns the conductor. Every method raises a PipelineError; `play` raises PlayFailedError."""

    def key(self) -> str:
        """A hash of what the conductor's image is made of besides its base: the same on every machine."""
        ...

    def build(self, base: ImageId, step: str) -> ImageId:
        """The conductor's image on this base; built only when its inputs changed."""
        ...

    def start(self, image: ImageId) -> None:
        """Fill the runtime volume and have the conductor started; nothing happens when it runs already."""
        ...

    def stop(self) -> None:
        """Remove the conductor; nothing happens when there is none."""
        ...

    def keep_alive(self) -> tuple[str, ...]:
        """The command that keeps a target running: from the runtime volume, never from the target."""
        ...

    def mounts(self) -> tuple[Mount, ...]:
        """What every target borrows: the runtime (read-only) and Ansible's remote tmp."""
        ...

    def network(self) -> str:
        """The network that every target is in, as a `ContainerSpec` names it. Waits until it is there."""
        ...

    def prepare(self, play: Play) -> str:
        """Begin to get ready for a play that is likely to come next; whether that works out is told by `play`.

        Returns the name that its target is to have, "" if any will do.
        """
        ...

    def play(self, target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        """Play one role on a running target. The player may still be at it with its own affairs: see `conclude`.

        `then` is the play that is likely to come next: it is prepared meanwhile.
        """
        ...

    def conclude(self) -> None:
        """Wait until the last play has ended in every respect; nothing happens when it has."""
        ...

    def settle(self, target: ContainerId) -> tuple[str, ...]:
        """Stop what the role left running and remove what tools leave behind; says what was done.

        Raises VerificationError where a build secret is in what is left.
        """
        ...
