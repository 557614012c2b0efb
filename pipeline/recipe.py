"""A recipe as values: what to build, from which base, with which roles and image configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import ValidationError

from pipeline.errors import InputError, Problem
from pipeline.image_config import Healthcheck, ImageConfig
from pipeline.recipe_problems import in_order, prepare, problems_of
from pipeline.recipe_schema import (
    BootstrapKeys,
    HealthcheckKeys,
    ImageKeys,
    RecipeKeys,
    RoleKeys,
    RootfsKeys,
    ServiceKeys,
    SettingsKeys,
    VerifyKeys,
)
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, read_yaml


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

DEFAULT_CONDUCTOR_BASE = Bootstrap(
    "trixie", include=("python3", "git", "openssh-client", "rsync", "ca-certificates", "docker-cli", "mmdebstrap")
)


@dataclass(frozen=True, slots=True)
class RoleUse:
    """A role with its parameters, as the recipe gives them; `line` is where it stands."""

    name: str
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    gather_facts: bool = True
    cache: Literal["auto", "never"] = "auto"
    line: int = 0
    deployables: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A short name: the last part of the role's path. `Service.role_labels` are unique."""
        return self.name.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Verify:
    """How a finished image is tried; `command` replaces the image's, `allow` are paths that are no residue."""

    run: bool = True
    command: tuple[str, ...] = ()
    ready_seconds: float = 30
    stop_seconds: float = 9
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One image to build; `variables` are for all its roles, `python` is whose Python plays them."""

    name: str
    base: Base
    roles: tuple[RoleUse, ...] = ()
    variables: dict[str, JsonValue] = field(default_factory=dict)
    config: ImageConfig = field(default_factory=ImageConfig)
    python: Literal["runtime", "base"] = "runtime"
    verify: Verify = field(default_factory=Verify)
    line: int = 0

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
    """All that one recipe says. `tags` are templates of image names (`pipeline.project.image_names`)."""

    file: str
    project_name: str | None
    conductor: ConductorSettings
    services: tuple[Service, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedRecipe:
    """A recipe, and what its author should know without it being a mistake."""

    recipe: Recipe
    warnings: tuple[Problem, ...]


def parse_recipe(text: str, file: str) -> ParsedRecipe:
    """Read a recipe: YAML, a superset of ansible-container's container.yml version 2 (keys: `recipe_schema`).

    Variables and parameters are kept as they are, since Ansible templates them; image keys are taken literally.
    Raises InputError with all mistakes, each with its place and key path, where possible with a hint.
    """
    source = read_yaml(text, file)
    prepared = prepare(source)
    problems = (*source.problems, *prepared.problems)
    try:
        keys = RecipeKeys.model_validate(prepared.data)
    except ValidationError as error:
        raise InputError(in_order((*problems, *problems_of(error, source)))) from error
    if problems:
        raise InputError(in_order(problems))
    return ParsedRecipe(_recipe(keys, source), prepared.warnings)


def _recipe(keys: RecipeKeys, source: YamlSource) -> Recipe:
    services = tuple(_service(name, service, source) for name, service in keys.services.items())
    return Recipe(source.file, keys.settings.project_name, _conductor(keys.settings), services, tuple(keys.tags))


def _conductor(settings: SettingsKeys) -> ConductorSettings:
    keys = settings.conductor
    given = settings.conductor_base if keys.base is None else keys.base
    base = DEFAULT_CONDUCTOR_BASE if given is None else _base(given)
    return ConductorSettings(base, keys.strategy, keys.engine_socket, dict(keys.environment))


def _service(name: str, keys: ServiceKeys, source: YamlSource) -> Service:
    path: KeyPath = ("services", name)
    return Service(
        name=name,
        base=_base(keys.base),
        roles=tuple(_role(role, source.line((*path, "roles", index))) for index, role in enumerate(keys.roles)),
        variables=dict(keys.vars),
        config=_config(keys),
        python=keys.python,
        verify=_verify(keys.verify),
        line=source.line(path),
    )


def _base(keys: str | ImageKeys | BootstrapKeys | RootfsKeys) -> Base:
    match keys:
        case str():
            return BaseImage(keys)
        case ImageKeys():
            return BaseImage(keys.image)
        case RootfsKeys():
            return Rootfs(keys.rootfs, keys.sha256)
        case BootstrapKeys():
            return Bootstrap(
                suite=keys.bootstrap,
                variant=keys.variant,
                include=tuple(keys.include),
                exclude=tuple(keys.exclude),
                mirror=keys.mirror,
                components=tuple(keys.components),
                path_excludes=None if keys.path_excludes is None else tuple(keys.path_excludes),
                security=keys.security,
                architecture=keys.architecture,
            )


def _role(keys: str | RoleKeys, line: int) -> RoleUse:
    if isinstance(keys, str):
        return RoleUse(keys, line=line)
    parameters = {**keys.vars, **(keys.model_extra or {})}
    return RoleUse(keys.role, parameters, keys.gather_facts, keys.cache, line, tuple(keys.deployables))


def _verify(keys: bool | VerifyKeys) -> Verify:  # noqa: FBT001 - the YAML value itself
    if isinstance(keys, bool):
        return Verify(run=keys)
    return Verify(keys.run, keys.command, keys.ready_seconds, keys.stop_seconds, tuple(keys.allow))


def _config(keys: ServiceKeys) -> ImageConfig:
    ports = [port for ports in (*keys.ports, *keys.expose) for port in ports]
    return ImageConfig(
        entrypoint=keys.entrypoint,
        command=keys.command,
        environment=dict(keys.environment),
        exposed=tuple(dict.fromkeys(ports)),
        volumes=tuple(dict.fromkeys(path for path in keys.volumes if path)),
        labels=dict(keys.labels),
        user=keys.user,
        working_dir=keys.working_dir,
        healthcheck=None if keys.healthcheck is None else _healthcheck(keys.healthcheck),
        stop_signal=keys.stop_signal,
        shell=None if keys.shell is None else tuple(keys.shell),
        onbuild=tuple(keys.onbuild),
    )


def _healthcheck(keys: HealthcheckKeys) -> Healthcheck:
    if keys.disable:
        return Healthcheck(("NONE",))
    return Healthcheck(keys.test, keys.interval, keys.timeout, keys.start_period, keys.retries or 0)
