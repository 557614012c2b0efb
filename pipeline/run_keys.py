"""What a service's containers are run with, in the words of Compose: one service's keys, translated and complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline import image_keys
from pipeline.recipe_model import Service
from pipeline.yaml_source import JsonValue

Keys = dict[str, JsonValue]

SAME = frozenset(
    """
    cap_add cap_drop command cpu_quota cpu_shares cpuset depends_on devices dns dns_opt dns_search domainname entrypoint
    environment expose external_links extra_hosts healthcheck hostname ipc labels links logging mac_address mem_limit
    mem_reservation mem_swappiness memswap_limit network_mode networks oom_score_adj pids_limit ports privileged
    read_only restart secrets security_opt shm_size stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits
    user userns_mode volumes volumes_from working_dir
    """.split()
)
"""Keys that have the same name in Compose."""

_OTHER_ENGINES = ("k8s", "openshift")
_TIMES = ("interval", "timeout", "start_period")
_OF_A_BUILD = {"onbuild": "is for a Dockerfile", "shell": "is for a Dockerfile"}


@dataclass(frozen=True, slots=True)
class RunKeys:
    """A service's keys for Compose, the driver that its undeclared volumes are to have, and what has no meaning."""

    keys: Keys
    volume_driver: str = ""
    notes: tuple[str, ...] = ()


def run_keys(service: Service, declared_secrets: Mapping[str, JsonValue], *, production: bool) -> RunKeys:
    """What the image does not say itself: the service's run-time keys, with `dev_overrides` unless for production.

    An override replaces the key as a whole. Values are as the recipe means them; `$` is not escaped yet, and the
    host's side of volumes not filled in.
    """
    given = {**service.runtime, **({} if production else service.dev_overrides)}
    keys: Keys = {}
    notes = []
    for key, value in given.items():
        if key in SAME:
            keys[key] = _TRANSLATED.get(key, _as_it_is)(value)
        elif key in _OF_A_BUILD:
            notes.append(f"services.{service.name}.dev_overrides.{key}: {_OF_A_BUILD[key]}, and no part of a container")
    if "log_opt" in given:
        logging = keys.get("logging")
        options = logging.get("options") if isinstance(logging, dict) else {}
        merged = {**_map(options), **_map(given["log_opt"])}
        keys["logging"] = {**_map(logging), "options": {name: text(value) for name, value in merged.items()}}
    if "secrets" in keys:
        keys["secrets"] = _secrets(_map(keys["secrets"]), declared_secrets)
    return RunKeys(keys, text(given.get("volume_driver") or ""), tuple(notes))


def secret_names(name: str, declared: JsonValue) -> dict[str, str]:
    """The names that a secret of the recipe has in Compose, by its keys; {} where it is written as in Compose."""
    keys = _map(declared)
    return {} if not keys or keys.keys() <= _COMPOSE_SECRET else {key: f"{name}_{key}" for key in keys}


_COMPOSE_SECRET = {"file", "external", "name", "environment", "labels", "driver", "driver_opts", "template_driver"}


def text(value: JsonValue) -> str:
    """A scalar as Compose wants texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def references(keys: Mapping[str, JsonValue]) -> dict[str, tuple[str, ...]]:
    """The services that a service's keys name, by key."""
    found = {
        "depends_on": tuple(_names(keys.get("depends_on"))),
        "links": tuple(each.partition(":")[0] for each in _names(keys.get("links"))),
        "volumes_from": tuple(
            each.partition(":")[0] for each in _names(keys.get("volumes_from")) if not each.startswith("container:")
        ),
    }
    mode = text(keys.get("network_mode") or "")
    if mode.startswith("service:"):
        found["network_mode"] = (mode.removeprefix("service:"),)
    return {key: names for key, names in found.items() if names}


def _secrets(wanted: Keys, declared: Mapping[str, JsonValue]) -> JsonValue:
    """Secrets by name, with a block for docker or with Compose's own keys, as Compose's list."""
    found: list[JsonValue] = []
    for name, block in wanted.items():
        known = secret_names(name, declared.get(name))
        keys = {key: value for key, value in _map(block).items() if key not in _OTHER_ENGINES}
        if not keys and block:
            continue  # for engines that nothing is deployed to
        entries = keys["docker"] if "docker" in keys else [{**keys, "source": name}] if keys else list(known) or [name]
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict):
                source = text(entry.get("source") or name)
                found.append({**entry, "source": known.get(source, source)})
            else:
                found.append(known.get(text(entry), text(entry)))
    return found


def _as_it_is(value: JsonValue) -> JsonValue:
    return value


def _texts(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: text(each) for name, each in value.items()}
    return [text(each) for each in value] if isinstance(value, list) else text(value)


def _whole(value: JsonValue) -> JsonValue:
    return int(value) if isinstance(value, (str, float)) and str(value).isdecimal() else value


def _time(value: JsonValue) -> JsonValue:
    milliseconds = round(image_keys.duration(text(value)) * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{whole}s"


def _healthcheck(value: JsonValue) -> JsonValue:
    return {key: _time(each) if key in _TIMES else each for key, each in _map(value).items()}


def _map(value: JsonValue) -> Keys:
    return value if isinstance(value, dict) else {}


def _names(value: JsonValue) -> list[str]:
    return [text(each) for each in value] if isinstance(value, (list, dict)) else []


_TRANSLATED: dict[str, Callable[[JsonValue], JsonValue]] = {
    "stop_grace_period": _time,
    "healthcheck": _healthcheck,
    "mem_swappiness": _whole,
    **dict.fromkeys(
        "environment expose labels ports restart hostname domainname cpuset user stop_signal".split(), _texts
    ),
}
