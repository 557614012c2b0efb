"""How an image was made, as a predicate of SLSA's provenance v1. Names of variables are in it, values never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BUILD_TYPE = "urn:baseimage-pipeline:build:v1"
"""What the parameters mean: docs/attestations.md."""
BUILDER = "urn:baseimage-pipeline:builder"
"""Who built it where nobody says better; `:ci` or `:local` follows."""


@dataclass(frozen=True, slots=True)
class Material:
    """Something that went into the image: a name, an address, digests by algorithm, and what else is known of it."""

    name: str
    uri: str = ""
    digest: dict[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str | bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a resource descriptor."""
        body = {"name": self.name, "uri": self.uri, "digest": self.digest, "annotations": dict(self.annotations)}
        return {name: value for name, value in body.items() if value}


@dataclass(frozen=True, slots=True)
class Origin:
    """What a project's folder has checked out: a commit, and the remote's address without credentials.

    `dirty`: the tree has changes that no commit has. `revision` is what the image's labels say, "" where they do not.
    """

    commit: str
    dirty: bool = False
    address: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class PlayedRole:
    """A role as it was used: names of its parameters, and its tasks by how they ended; None: its layer was there.

    `secrets` are the ids of the build secrets that it may see.
    """

    label: str
    parameters: tuple[str, ...] = ()
    counts: Mapping[str, int] | None = None
    secrets: tuple[str, ...] = ()

    def as_parameter(self) -> dict[str, Any]:
        """What was asked for: names only."""
        secrets = {"secrets": sorted(self.secrets)} if self.secrets else {}
        return {"role": self.label, "parameters": sorted(self.parameters), **secrets}

    def to_json(self) -> dict[str, Any]:
        """Its name and what its tasks came to."""
        if self.counts is None:
            return {"role": self.label, "cached": True}
        return {"role": self.label, "tasks": dict(sorted(self.counts.items()))}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a provenance tells. Times are RFC 3339; `recipe` is the recipe's path in the project.

    `built_earlier`: the image was published by an earlier run at the same commit, which did not tell.
    """

    recipe: str
    recipe_digest: str
    project: str
    version: str
    service: str
    platform: str
    variables: tuple[str, ...]
    roles: tuple[PlayedRole, ...]
    materials: tuple[Material, ...]
    tools: Mapping[str, str]
    builder: str
    run: str
    started: str
    finished: str
    built_earlier: bool = False


def provenance(facts: Facts) -> dict[str, Any]:
    """The predicate."""
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "recipe": {"path": facts.recipe, "digest": {"sha256": facts.recipe_digest}},
                "project": facts.project,
                "version": facts.version,
                "service": facts.service,
                "variables": sorted(facts.variables),
                "roles": [role.as_parameter() for role in facts.roles],
            },
            "internalParameters": {
                "platform": facts.platform,
                "tasks": [role.to_json() for role in facts.roles],
                **({"builtEarlier": True} if facts.built_earlier else {}),
            },
            "resolvedDependencies": [material.to_json() for material in facts.materials],
        },
        "runDetails": {
            "builder": {"id": facts.builder, "version": dict(sorted(facts.tools.items()))},
            "metadata": {"invocationId": facts.run, "startedOn": facts.started, "finishedOn": facts.finished},
        },
    }


def material(predicate: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The resolved dependency of this name, {} where a provenance has none."""
    found = (predicate.get("buildDefinition") or {}).get("resolvedDependencies") or ()
    return next((dict(each) for each in found if isinstance(each, dict) and each.get("name") == name), {})


def parameter(predicate: Mapping[str, Any], name: str) -> str:
    """An external parameter that is a text, "" where there is none."""
    return str(((predicate.get("buildDefinition") or {}).get("externalParameters") or {}).get(name) or "")
