"""A recipe read: YAML, templates and matrices become values (`recipe_model`), or a list of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

from pydantic import ValidationError

from pipeline.errors import InputError, Problem
from pipeline.image_config import Healthcheck, ImageConfig
from pipeline.inherited import with_fit_conductor
from pipeline.recipe_bases import BootstrapKeys, BuiltServiceKeys, ImageKeys, RootfsKeys
from pipeline.recipe_containers import unpack
from pipeline.recipe_draft import Draft
from pipeline.recipe_filling import fill_in, name_bases
from pipeline.recipe_matrix import expand
from pipeline.recipe_model import (
    DEFAULT_CONDUCTOR_BASE,
    Base,
    BaseImage,
    Bootstrap,
    Budget,
    BuiltService,
    ConductorSettings,
    Recipe,
    RoleUse,
    Rootfs,
    SecretNeed,
    Service,
    Verify,
)
from pipeline.recipe_order import cycle
from pipeline.recipe_problems import in_order, prepare, problems_of
from pipeline.recipe_runtime import RUNTIME_KEYS
from pipeline.recipe_schema import (
    ContainerKeys,
    HealthcheckKeys,
    RecipeKeys,
    RoleKeys,
    ServiceKeys,
    SettingsKeys,
    TasksKeys,
    VerifyKeys,
)
from pipeline.recipe_secrets import SecretKeys
from pipeline.recipe_variables import NOTHING_GIVEN, Given, recipe_variables
from pipeline.yaml_source import JsonValue, KeyPath, YamlSource, read_yaml

__all__ = [
    "DEFAULT_CONDUCTOR_BASE",
    "Base",
    "BaseImage",
    "Bootstrap",
    "Budget",
    "BuiltService",
    "ConductorSettings",
    "ParsedRecipe",
    "Recipe",
    "RoleUse",
    "Rootfs",
    "Service",
    "Verify",
    "parse_recipe",
]

_KEPT_FOR_RUN_TIME = ("volumes", "networks", "secrets", "registries")


@dataclass(frozen=True, slots=True)
class ParsedRecipe:
    """A recipe, and what its author should know without it being a mistake."""

    recipe: Recipe
    warnings: tuple[Problem, ...]


def parse_recipe(text: str, file: str, given: Given = NOTHING_GIVEN) -> ParsedRecipe:
    """Read a recipe: YAML, a superset of ansible-container's container.yml version 2 (keys: `recipe_schema`).

    Templates are filled in from the recipe's defaults and what is `given`; in variables and parameters of roles,
    what is not known here is left for Ansible. Raises InputError with all mistakes, each with its place and key
    path, where possible with a hint.
    """
    written = read_yaml(text, file)
    _refuse_other_forms(written)
    draft = Draft(written)
    variables, problems = recipe_variables(written, given)
    wrong_containers = unpack(draft)
    cells, wrong_cells = expand(draft, variables)
    undefined = fill_in(draft, variables, cells)
    name_bases(draft)
    source = draft.source()
    prepared = prepare(source)
    problems = (
        *problems,
        *written.problems,
        *wrong_containers,
        *wrong_cells,
        *undefined,
        *_wrong_bases(written, source),
        *prepared.problems,
    )
    try:
        keys = RecipeKeys.model_validate(prepared.data)
    except ValidationError as error:
        raise InputError(in_order((*problems, *problems_of(error, source)))) from error
    if problems:
        raise InputError(in_order(problems))
    recipe, replaced = with_fit_conductor(_recipe(keys, source, prepared.data), source)
    return ParsedRecipe(recipe, in_order((*prepared.warnings, *replaced)))


def _refuse_other_forms(source: YamlSource) -> None:
    """Files of the tools before this one that are no recipe of version 2, said in one line."""
    match source.data:
        case list():
            message, hint = "is a list, and a recipe is a map", "this may be a playbook; write version, services"
        case dict(keys) if not {"version", "services", "settings"} & keys.keys() and _only_services(keys):
            message = "is a map of services without the rest of a recipe"
            hint = 'write version: "2", and put the services under services:'
        case _:
            return
    raise InputError([source.problem((), message, hint)])


def _only_services(keys: dict[str, JsonValue]) -> bool:
    return bool(keys) and all(
        isinstance(each, dict) and {"from", "image", "build"} & each.keys() for each in keys.values()
    )


def _wrong_bases(written: YamlSource, source: YamlSource) -> Iterator[Problem]:
    """Services that are to be built on one that is not there, on a whole matrix, or in the end on themselves."""
    names = _names(source)
    matrices = [name for name in _names(written) if name not in names]
    for name in names:
        if source.at(("services", name, "from")) in matrices:
            above = source.at(("services", name, "from"))
            kind = "a matrix" if written.at(("services", str(above), "matrix")) else "several containers"
            message = f"{above} is {kind}, not one service"
            yield source.problem(("services", name, "from"), message, f"there are {', '.join(names)}")
    given = {name: source.at(("services", name, "from", "service")) for name in names}
    parents = {name: parent for name, parent in given.items() if isinstance(parent, str)}
    for name, parent in parents.items():
        path: KeyPath = ("services", name, "from")
        if parent not in names:
            near = get_close_matches(parent, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
            yield source.problem(path, f"the recipe has no service {parent!r}", hint)
        elif circle := cycle(parents, name):
            yield source.problem(path, f"is built on itself: {' -> '.join(circle)}", "start one of them from an image")


def _names(source: YamlSource) -> list[str]:
    services = source.at(("services",))
    return list(services) if isinstance(services, dict) else []


def _recipe(keys: RecipeKeys, source: YamlSource, data: JsonValue) -> Recipe:
    top = data if isinstance(data, dict) else {}
    return Recipe(
        file=source.file,
        project_name=keys.settings.project_name,
        conductor=_conductor(keys.settings),
        services=tuple(_service(name, service, source, data) for name, service in keys.services.items()),
        tags=tuple(keys.tags),
        runtime={key: top[key] for key in _KEPT_FOR_RUN_TIME if key in top},
        roles_path=tuple(keys.settings.conductor.roles_path),
        reproducible=keys.settings.reproducible,
        vault_files=tuple(keys.settings.vault_files),
        vault_password_file=keys.settings.vault_password_file or "",
        cache_from=tuple(keys.settings.cache_from),
        cache_to=keys.settings.cache_to or "",
    )


def _conductor(settings: SettingsKeys) -> ConductorSettings:
    keys = settings.conductor
    given = settings.conductor_base if keys.base is None else keys.base
    base = DEFAULT_CONDUCTOR_BASE if given is None else _base(given)
    return ConductorSettings(base, keys.strategy, keys.engine_socket, dict(keys.environment))


def _service(name: str, keys: ServiceKeys, source: YamlSource, data: JsonValue) -> Service:
    path: KeyPath = ("services", name)
    written = YamlSource("", data).at(path)
    given = written if isinstance(written, dict) else {}
    overrides = given.get("dev_overrides")
    return Service(
        name=name,
        base=BuiltService(keys.base.service) if isinstance(keys.base, BuiltServiceKeys) else _base(keys.base),
        roles=_roles(keys, source, path),
        variables=dict(keys.vars),
        config=image_config(keys),
        python=keys.python,
        squash=keys.squash,
        verify=_verify(keys.verify),
        line=source.line(path),
        runtime={key: value for key, value in given.items() if key in RUNTIME_KEYS or key in ("ports", "volumes")},
        dev_overrides=dict(overrides) if isinstance(overrides, dict) else {},
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


def _roles(keys: ServiceKeys, source: YamlSource, path: KeyPath) -> tuple[RoleUse, ...]:
    """The roles, each with the service's secrets but for those that it names itself."""
    of_all = _secrets(keys.build_secrets, source, path)
    roles = []
    for index, each in enumerate(keys.roles):
        place = (*path, "roles", index)
        own = () if isinstance(each, str) else _secrets(each.build_secrets, source, place)
        named = {secret.id for secret in own}
        secrets = (*(secret for secret in of_all if secret.id not in named), *own)
        roles.append(replace(_role(each, source.line(place)), secrets=secrets))
    return tuple(roles)


def _secrets(entries: list[str | SecretKeys], source: YamlSource, path: KeyPath) -> tuple[SecretNeed, ...]:
    lines = (source.line((*path, "build_secrets", index)) for index in range(len(entries)))
    return tuple(
        SecretNeed(each, line=line)
        if isinstance(each, str)
        else SecretNeed(each.id, each.target, int(each.mode, 8), line)
        for each, line in zip(entries, lines, strict=True)
    )


def _role(keys: str | RoleKeys | TasksKeys, line: int) -> RoleUse:
    if isinstance(keys, str):
        return RoleUse(keys, line=line)
    if isinstance(keys, TasksKeys):
        file = keys.tasks if isinstance(keys.tasks, str) else ""
        tasks = () if isinstance(keys.tasks, str) else tuple(keys.tasks)
        return RoleUse(keys.name, dict(keys.vars), keys.gather_facts, keys.cache, line, tasks, file)
    parameters = {**keys.vars, **(keys.model_extra or {})}
    return RoleUse(keys.role, parameters, keys.gather_facts, keys.cache, line, deployables=tuple(keys.deployables))


def _verify(keys: bool | VerifyKeys) -> Verify:  # noqa: FBT001 - the YAML value itself
    if isinstance(keys, bool):
        return Verify(run=keys)
    budget = Budget(keys.budget.size, keys.budget.growth, keys.budget.packages)
    return Verify(keys.run, keys.command, keys.ready_seconds, keys.stop_seconds, tuple(keys.allow), budget)


def image_config(keys: ContainerKeys) -> ImageConfig:
    """What keys of a recipe say about an image."""
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
