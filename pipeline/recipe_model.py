"""A recipe as values: what to build, from which base, with which roles and image configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipeline.image_config import ImageConfig
from pipeline.yaml_source import JsonValue


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A base that is an image, by its reference as the recipe writes it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A base built from a distribution's packages. "" leaves the choice to the builder.

    `path_excludes` are paths that packages do not install: None is the slim rules, () keeps everything.
    """

    suite: str
    variant: str = "minbase"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    mirror: str = ""
    components: tuple[str, ...] = ("main",)
    path_excludes: tuple[str, ...] | None = None
    security: bool = True
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Rootfs:
    """A base that is a tar file, at a path or an address, with its sha256 in hex."""

    source: str
    sha256: str


Base: TypeAlias = BaseImage | Bootstrap | Rootfs


@dataclass(frozen=True, slots=True)
class BuiltService:
    """A base that is the finished image of another service of the same recipe."""

    name: str


DEFAULT_CONDUCTOR_BASE = Bootstrap(
    "trixie", include=("python3", "git", "openssh-client", "rsync", "ca-certificates", "docker-cli", "mmdebstrap")
)
FALLBACK_CONDUCTOR_BASE = BaseImage("debian:trixie-slim")
"""What the conductor starts from where its root cannot be bootstrapped."""


@dataclass(frozen=True, slots=True)
class SecretNeed:
    """A build secret that a role may see, by its id; `line` is where the recipe says so.

    With a `target` it is a file of the target as well, for as long as the role is played, with this mode.
    """

    id: str
    target: str = ""
    mode: int = 0o400
    line: int = 0


@dataclass(frozen=True, slots=True)
class RoleUse:
    """A role with its parameters, as the recipe gives them; `line` is where it stands.

    `cache` may be the seconds after which its layer is too old.
    It may be tasks that stand in the recipe (`tasks`), or in a file that the recipe names (`tasks_file`).
    `secrets` are those of its service, too.
    """

    name: str
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    gather_facts: bool = True
    cache: Literal["auto", "never"] | float = "auto"
    line: int = 0
    tasks: tuple[JsonValue, ...] = ()
    tasks_file: str = ""
    deployables: tuple[str, ...] = ()
    secrets: tuple[SecretNeed, ...] = ()

    @property
    def label(self) -> str:
        """A short name: the last part of the role's path. `Service.role_labels` are unique."""
        return self.name.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Budget:
    """What an image may be at most: bytes, unpacked; per cent more than the last release; packages. None: anything."""

    size: int | None = None
    growth: float | None = None
    packages: int | None = None


@dataclass(frozen=True, slots=True)
class Verify:
    """How a finished image is tried; `command` replaces the image's, `allow` are paths that are no residue."""

    run: bool = True
    command: tuple[str, ...] = ()
    ready_seconds: float = 30
    stop_seconds: float = 9
    allow: tuple[str, ...] = ()
    budget: Budget = Budget()


@dataclass(frozen=True, slots=True)
class Service:
    """One image to build; `variables` are for all its roles, `python` is whose Python plays them.

    With `squash`, its layers are merged into one above the base's.

    `runtime` and `dev_overrides` hold what only matters when a container runs, as the recipe writes it;
    `role_config` is what the roles' own meta files say about the image.
    """

    name: str
    base: Base | BuiltService
    roles: tuple[RoleUse, ...] = ()
    variables: dict[str, JsonValue] = field(default_factory=dict)
    config: ImageConfig = field(default_factory=ImageConfig)
    python: Literal["runtime", "base"] = "runtime"
    squash: bool = False
    verify: Verify = field(default_factory=Verify)
    line: int = 0
    runtime: dict[str, JsonValue] = field(default_factory=dict)
    dev_overrides: dict[str, JsonValue] = field(default_factory=dict)
    role_config: ImageConfig = field(default_factory=ImageConfig)

    @property
    def role_labels(self) -> tuple[str, ...]:
        """A unique short name for each role, in order: "nginx", and "nginx-2" for its second use."""
        taken = {role.label for role in self.roles}
        uses: Counter[str] = Counter()
        labels = []
        for role in self.roles:
            uses[role.label] += 1
            label = role.label if uses[role.label] == 1 else f"{role.label}-{uses[role.label]}"
            while label in taken and uses[role.label] > 1:
                uses[role.label] += 1
                label = f"{role.label}-{uses[role.label]}"
            taken.add(label)
            labels.append(label)
        return tuple(labels)


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """The conductor: its base, how Ansible reaches targets, the engine's socket, environment of the plays."""

    base: Base = DEFAULT_CONDUCTOR_BASE
    strategy: Literal["mitogen", "docker"] = "mitogen"
    engine_socket: str = "/var/run/docker.sock"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that one recipe says. `tags` are templates of image names (`pipeline.project.image_names`).

    `runtime` holds the top-level keys that only matter when containers run, as the recipe writes them; `roles_path`
    are folders of roles, relative to the recipe; so are `vault_files`, variables that only a play can read, and
    `vault_password_file`. `cache_from` and `cache_to` are repositories of registries that share layers.
    """

    file: str
    project_name: str | None
    conductor: ConductorSettings
    services: tuple[Service, ...]
    tags: tuple[str, ...] = ()
    runtime: dict[str, JsonValue] = field(default_factory=dict)
    roles_path: tuple[str, ...] = ()
    reproducible: bool | None = None
    vault_files: tuple[str, ...] = ()
    vault_password_file: str = ""
    cache_from: tuple[str, ...] = ()
    cache_to: str = ""

    def root(self, service: Service) -> Base:
        """The base that a service, or the first one of those it is built on, starts from."""
        by_name = {each.name: each for each in self.services}
        while isinstance(service.base, BuiltService):
            service = by_name[service.base.name]
        return service.base
