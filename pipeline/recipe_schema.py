"""The form of a recipe: every key with its type and meaning. Editors get it as a JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from pipeline.recipe_values import (
    AbsolutePath,
    Duration,
    Environment,
    Exposed,
    FormatVersion,
    HealthTest,
    Labels,
    PositiveSeconds,
    ProjectName,
    Published,
    Reference,
    Scalar,
    ServiceName,
    Sha256,
    StopSignal,
    Suite,
    Template,
    Text,
    User,
    VolumePath,
    Words,
    base_choice,
    choice,
)

_WITHOUT_MEANING_FOR_A_SERVICE = """
    container_name dev_overrides secrets docker k8s openshift hostname domainname links depends_on cap_add
    cap_drop devices dns dns_opt tmpfs external_links extra_hosts logging log_opt networks network_mode pids_limit
    security_opt stop_grace_period sysctls ulimits userns_mode volume_driver volumes_from cpu_shares cpu_quota
    cpuset ipc mac_address mem_limit memswap_limit mem_swappiness mem_reservation oom_score_adj privileged
    read_only restart shm_size stdin_open tty
"""
_WITHOUT_MEANING_FOR_SETTINGS = """
    volumes conductor_provider save_conductor_container deployment_output_path vars_files vault_files
    vault_password_file k8s_auth k8s_namespace
"""


def _show_ignored(schema: dict[str, Any], model: type[Any]) -> None:
    """Let editors accept the keys that are read over, and mark them."""
    for key in sorted(model.ignored):
        schema["properties"][key] = {"deprecated": True, "description": "Has no meaning for an image and is ignored."}


class Keys(BaseModel):
    """A map of the recipe; `ignored` are keys of ansible-container that have no meaning for an image."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, json_schema_extra=_show_ignored
    )
    ignored: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def known(cls) -> tuple[str, ...]:
        """The keys as they are written in YAML."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


class ImageKeys(Keys):
    """A base that is an image."""

    image: Reference
    """An image reference such as debian:12."""


class BootstrapKeys(Keys):
    """A base that is built from a distribution's packages, without a parent image."""

    bootstrap: Suite
    """The distribution's suite, such as trixie."""
    variant: Literal[
        "minbase", "apt", "essential", "required", "important", "standard", "buildd", "custom", "extract"
    ] = "minbase"
    """How much of the distribution is installed."""
    include: list[Text] = []
    """Packages to install as well."""
    exclude: list[Text] = []
    """Packages to leave out."""
    mirror: str = ""
    """Where packages come from; empty is the distribution's own address."""
    components: Annotated[list[Text], Field(min_length=1)] = ["main"]
    """Parts of the archive."""
    path_excludes: list[Text] | SkipJsonSchema[None] = None
    """Paths that packages do not install; docs, man pages and locales when not given, [] keeps everything."""
    security: bool = True
    """Whether the distribution's security updates are used."""
    architecture: str = ""
    """The architecture in the distribution's words; empty is the engine's."""


class RootfsKeys(Keys):
    """A base that is a tar file of a root."""

    rootfs: Text
    """A path, or an address of the web."""
    sha256: Sha256
    """The file's sha256."""


BaseKeys = Annotated[
    Annotated[Reference, Tag("<reference>")]
    | Annotated[ImageKeys, Tag("<image>")]
    | Annotated[BootstrapKeys, Tag("<bootstrap>")]
    | Annotated[RootfsKeys, Tag("<rootfs>")],
    base_choice(),
]


class RoleKeys(Keys):
    """A role with its parameters: every key that is not listed here is one."""

    model_config = ConfigDict(extra="allow")

    role: Text
    """The role's name, or the path of its folder."""
    gather_facts: bool = True
    """Whether facts are gathered before the role is played."""
    cache: Literal["auto", "never"] = "auto"
    """never: play the role in every build."""
    deployables: list[Text] = []
    """Application sources, folders of deployables/: the role finds them in /src/deployables."""
    vars: dict[str, JsonValue] = {}
    """Parameters as well; one beside `role` goes before one in here."""


class HealthcheckKeys(Keys):
    """How the engine asks a container whether it is well."""

    test: HealthTest = ()
    """A shell command as a text, or a list that begins with CMD, CMD-SHELL or NONE."""
    interval: Duration = 0
    timeout: Duration = 0
    start_period: Duration = 0
    retries: Annotated[int, Field(ge=1)] | SkipJsonSchema[None] = None
    disable: bool = False
    """No health check, not even the base's."""

    @model_validator(mode="after")
    def _test_or_disable(self) -> HealthcheckKeys:
        if self.disable == bool(self.test):
            reason = "disable: true leaves no test to run" if self.disable else "a health check needs a test"
            raise PydanticCustomError("mistake", "{message}", {"message": reason})
        return self


class VerifyKeys(Keys):
    """How the finished image is tried."""

    run: bool = True
    """Whether the image is started at all."""
    command: Words = ()
    """Run this in place of the image's command."""
    ready_seconds: PositiveSeconds = 30
    """How long it may take to come up."""
    stop_seconds: PositiveSeconds = 9
    """How long it may take to stop."""
    allow: list[Text] = []
    """Patterns of paths that are no residue."""


RoleEntry = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[RoleKeys, Tag("<map>")],
    choice("a role's name, or a map with the key role", {str: "<text>", dict: "<map>"}),
]
VerifyEntry = Annotated[
    Annotated[bool, Tag("<switch>")] | Annotated[VerifyKeys, Tag("<map>")],
    choice("true, false or a map", {bool: "<switch>", dict: "<map>"}),
]


class ServiceKeys(Keys):
    """One image to build."""

    ignored = frozenset(_WITHOUT_MEANING_FOR_A_SERVICE.split())

    base: Annotated[BaseKeys, Field(alias="from")]
    """The root that the image starts from."""
    roles: list[RoleEntry] = []
    """Roles to play, in order; each becomes one layer."""
    vars: dict[str, JsonValue] = {}
    """Variables for all roles of this service."""
    python: Literal["runtime", "base"] = "runtime"
    """Which Python plays the roles: one borrowed for the time of the build, or the base's own."""
    verify: VerifyEntry = True
    """How the finished image is tried; false: not at all."""
    command: Words | SkipJsonSchema[None] = None
    entrypoint: Words | SkipJsonSchema[None] = None
    environment: Environment = {}
    user: User | SkipJsonSchema[None] = None
    working_dir: AbsolutePath | SkipJsonSchema[None] = None
    labels: Labels = {}
    ports: list[Published] = []
    """Ports as for running the image; the container's side is exposed."""
    expose: list[Exposed] = []
    volumes: list[VolumePath] = []
    """Volumes as for running the image; paths of the host are left out."""
    healthcheck: HealthcheckKeys | SkipJsonSchema[None] = None
    stop_signal: StopSignal | SkipJsonSchema[None] = None
    shell: Annotated[list[Scalar], Field(min_length=1)] | SkipJsonSchema[None] = None
    """The shell of a Dockerfile that is built on this image."""
    onbuild: list[Text] = []
    """Instructions for a Dockerfile that is built on this image."""


class ConductorKeys(Keys):
    """The container that runs Ansible."""

    ignored = frozenset({"roles_path", "volumes", "save", "provider"})

    base: BaseKeys | SkipJsonSchema[None] = None
    strategy: Literal["mitogen", "docker"] = "mitogen"
    """How Ansible reaches the target."""
    engine_socket: AbsolutePath = "/var/run/docker.sock"
    """The engine's socket on the engine's machine."""
    environment: Environment = {}
    """Environment of the plays; it is not in the image."""


class SettingsKeys(Keys):
    """What holds for all services."""

    ignored = frozenset(_WITHOUT_MEANING_FOR_SETTINGS.split())

    project_name: ProjectName | SkipJsonSchema[None] = None
    conductor_base: BaseKeys | SkipJsonSchema[None] = None
    """The same as conductor.base."""
    conductor: ConductorKeys = ConductorKeys()

    @model_validator(mode="after")
    def _one_conductor_base(self) -> SettingsKeys:
        if self.conductor_base is not None and self.conductor.base is not None:
            message = "conductor_base and conductor.base say the same thing"
            raise PydanticCustomError("mistake", "{message}", {"message": message, "hint": "keep one of the two"})
        return self


class RecipeKeys(Keys):
    """A recipe: a superset of ansible-container's container.yml, version 2."""

    ignored = frozenset({"defaults", "volumes", "registries", "secrets", "networks"})

    version: FormatVersion
    settings: SettingsKeys = SettingsKeys()
    tags: list[Template] = []
    """Templates of image names; their fields are repository, project, service, version, major, minor, patch, prefix."""
    services: Annotated[dict[ServiceName, ServiceKeys], Field(min_length=1)]
    """The images to build, by name."""


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe; keys that begin with x- are free at the top level, to hold anchors."""
    schema = RecipeKeys.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "patternProperties": {"^x-": True}}
