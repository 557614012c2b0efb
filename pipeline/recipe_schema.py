"""The form of a recipe: every key with its type and meaning. Editors get it as a JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from pipeline.recipe_bases import BaseKeys, ServiceBaseKeys
from pipeline.recipe_keys import Keys
from pipeline.recipe_runtime import Networks, Registries, RuntimeKeys, Secrets, Volumes
from pipeline.recipe_secrets import SecretEntry
from pipeline.recipe_values import (
    AbsolutePath,
    CacheRepository,
    Duration,
    Environment,
    Exposed,
    FormatVersion,
    Freshness,
    HealthTest,
    Labels,
    Percent,
    PositiveSeconds,
    ProjectName,
    Published,
    Scalar,
    ServiceName,
    Size,
    StopSignal,
    TasksName,
    Template,
    Text,
    User,
    VolumePath,
    Words,
    choice,
    role_choice,
)

Tasks = Annotated[list[dict[str, JsonValue]], Field(min_length=1)]
ENGINE_BLOCK = "is a block of ansible-container's engines, which do not deploy from here"


class RoleKeys(Keys):
    """A role with its parameters: every key that is not listed here is one."""

    model_config = ConfigDict(extra="allow")

    role: Text
    """The role's name, or the path of its folder."""
    gather_facts: bool = True
    """Whether facts are gathered before the role is played, if it can see any; those about hardware if one is used."""
    cache: Freshness = "auto"
    """never: play the role in every build. A time such as 12h or 7d: play it again when its layer is older."""
    deployables: list[Text] = []
    """Application sources, folders of deployables/: the role finds them in /src/deployables."""
    build_secrets: list[SecretEntry] = []
    """Secrets that the role may see while it is played; the command line gives them."""
    vars: dict[str, JsonValue] = {}
    """Parameters as well; one beside `role` goes before one in here."""


class TasksKeys(Keys):
    """Tasks that are played between roles, as if they were a role of their own."""

    tasks: Annotated[
        Annotated[Text, Tag("<file>")] | Annotated[Tasks, Tag("<list>")],
        choice("a list of tasks, or the path of a file of tasks", {str: "<file>", list: "<list>"}),
    ]
    """A list of tasks, or the path of a file with one, relative to the recipe."""
    name: TasksName = "tasks"
    """What the layer is called."""
    gather_facts: bool = True
    """Whether facts are gathered before the tasks are played."""
    cache: Freshness = "auto"
    """never: play the tasks in every build. A time such as 12h or 7d: play them again when their layer is older."""
    build_secrets: list[SecretEntry] = []
    """Secrets that the tasks may see while they are played; the command line gives them."""
    vars: dict[str, JsonValue] = {}
    """Variables of the tasks."""


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


class BudgetKeys(Keys):
    """What the image may be at most."""

    size: Size | SkipJsonSchema[None] = None
    """Of all layers, unpacked: 110MB, 104MiB."""
    growth: Percent | SkipJsonSchema[None] = None
    """Against the last release: 5%."""
    packages: Annotated[int, Field(ge=0, strict=True)] | SkipJsonSchema[None] = None
    """How many may be installed."""


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
    budget: BudgetKeys = BudgetKeys()
    """Fail a build whose image is more than that."""


RoleEntry = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[RoleKeys, Tag("<map>")] | Annotated[TasksKeys, Tag("<tasks>")],
    role_choice(),
]
AxisValue = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[bool, Tag("<switch>")]
    | Annotated[int, Tag("<whole>")]
    | Annotated[float, Tag("<number>")],
    choice("a text, a number, true or false", {str: "<text>", bool: "<switch>", int: "<whole>", float: "<number>"}),
]
AxisValues = Annotated[list[AxisValue], Field(min_length=1)]
VerifyEntry = Annotated[
    Annotated[bool, Tag("<switch>")] | Annotated[VerifyKeys, Tag("<map>")],
    choice("true, false or a map", {bool: "<switch>", dict: "<map>"}),
]


class MatrixKeys(Keys):
    """Variables with the values that each may take; one service is made for every combination."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, AxisValues] = Field(init=False)  # type: ignore[mutable-override]

    name: Text | SkipJsonSchema[None] = None
    """A template of the services' names; without it the service's name and all values, joined by -."""
    exclude: list[dict[str, JsonValue]] = []
    """Combinations that are left out; each may name some of the variables only."""
    include: list[dict[str, JsonValue]] = []
    """Combinations as well; each gives every variable, and may give more."""

    def axes(self) -> dict[str, list[JsonValue]]:
        """The variables with their values."""
        return {name: list(values) for name, values in (self.model_extra or {}).items()}


class ContainerKeys(RuntimeKeys):
    """What an image declares, and what its containers are run with."""

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
    """Volumes as for running the image; paths of the host are no part of the image."""
    healthcheck: HealthcheckKeys | SkipJsonSchema[None] = None
    stop_signal: StopSignal | SkipJsonSchema[None] = None
    shell: Annotated[list[Scalar], Field(min_length=1)] | SkipJsonSchema[None] = None
    """The shell of a Dockerfile that is built on this image."""
    onbuild: list[Text] = []
    """Instructions for a Dockerfile that is built on this image."""


class ServiceKeys(ContainerKeys):
    """One image to build."""

    ignored = {
        "container_name": "names a container; an image is named after its service",
        **dict.fromkeys(("docker", "k8s", "openshift"), ENGINE_BLOCK),
    }

    base: Annotated[ServiceBaseKeys, Field(alias="from")]
    """The root that the image starts from."""
    roles: list[RoleEntry] = []
    """Roles to play, in order; each becomes one layer."""
    vars: dict[str, JsonValue] = {}
    """Variables for all roles of this service."""
    build_secrets: list[SecretEntry] = []
    """Secrets that all roles of this service may see while they are played; the command line gives them."""
    matrix: MatrixKeys | SkipJsonSchema[None] = None
    """Make one service of this for each combination of values."""
    python: Literal["runtime", "base"] = "runtime"
    """Which Python plays the roles: one borrowed for the time of the build, or the base's own."""
    squash: bool = False
    """Whether the layers above the base are merged into one when the image is finished."""
    verify: VerifyEntry = True
    """How the finished image is tried; false: not at all."""
    dev_overrides: ContainerKeys = ContainerKeys()
    """What replaces the keys above when a container runs in development."""


class ConductorKeys(Keys):
    """The container that runs Ansible."""

    ignored = {
        "volumes": "mounts folders of the host in the conductor, which mounts none",
        "save": "keeps the conductor; `baseimage build --keep` does, when a role fails",
        "provider": "names where finished conductors come from; the conductor is made on its base",
    }

    base: BaseKeys | SkipJsonSchema[None] = None
    strategy: Literal["mitogen", "docker"] = "mitogen"
    """How Ansible reaches the target."""
    engine_socket: AbsolutePath = "/var/run/docker.sock"
    """The engine's socket on the engine's machine."""
    roles_path: list[Text] = []
    """Folders of roles, relative to the recipe."""
    environment: Environment = {}
    """Environment of the plays; it is not in the image."""


class SettingsKeys(Keys):
    """What holds for all services."""

    ignored = {
        "volumes": "has no meaning; what travels between roles goes through their files",
        "conductor_provider": "names where finished conductors come from; the conductor is made on its base",
        "save_conductor_container": "keeps the conductor; `baseimage build --keep` does, when a role fails",
        "deployment_output_path": "is where playbooks for a deployment go; none are written",
        "k8s_auth": "is for a cluster, which nothing is deployed to",
        "k8s_namespace": "is for a cluster, which nothing is deployed to",
    }

    project_name: ProjectName | SkipJsonSchema[None] = None
    conductor_base: BaseKeys | SkipJsonSchema[None] = None
    """The same as conductor.base."""
    conductor: ConductorKeys = ConductorKeys()
    reproducible: bool | SkipJsonSchema[None] = None
    """Whether images are rewritten so that they have the same digest whenever they are built."""
    vars_files: list[Text] = []
    """Files of variables for the templates of this recipe, in YAML or JSON, relative to the recipe."""
    vault_files: list[Text] = []
    """Files of variables that ansible-vault has encrypted, for all roles, relative to the recipe."""
    vault_password_file: Text | SkipJsonSchema[None] = None
    """Holds, or prints, the password of encrypted files, relative to the recipe."""
    cache_from: list[CacheRepository] = []
    """Repositories of registries that finished layers are taken from."""
    cache_to: CacheRepository | SkipJsonSchema[None] = None
    """A repository that finished layers are written to."""

    @model_validator(mode="after")
    def _one_conductor_base(self) -> SettingsKeys:
        if self.conductor_base is not None and self.conductor.base is not None:
            message = "conductor_base and conductor.base say the same thing"
            raise PydanticCustomError("mistake", "{message}", {"message": message, "hint": "keep one of the two"})
        return self


class RecipeKeys(Keys):
    """A recipe: a superset of ansible-container's container.yml, version 2."""

    version: FormatVersion
    settings: SettingsKeys = SettingsKeys()
    defaults: dict[str, JsonValue] = {}
    """Variables for the templates of this recipe; vars files, AC_NAME and -e go before them."""
    tags: list[Template] = []
    """Templates of image names; their fields are repository, project, service, version, major, minor, patch, prefix."""
    services: Annotated[dict[ServiceName, ServiceKeys], Field(min_length=1)]
    """The images to build, by name."""
    volumes: Volumes = {}
    networks: Networks = {}
    secrets: Secrets = {}
    registries: Registries = {}
