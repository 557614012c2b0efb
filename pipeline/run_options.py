"""How one container of a service is started without Compose: its keys as options of the engine's create request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.image_keys import duration, health_test, host_side, volume_path, words
from pipeline.run_keys import Keys, text
from pipeline.yaml_source import JsonValue

GRACE = 10.0
"""Seconds that a container has to stop, where the recipe gives no stop_grace_period; as with Compose."""

_NANOSECONDS = 1_000_000_000
_HOST_SAME = frozenset(
    """
    cap_add cap_drop cpu_quota cpu_shares devices dns_opt mem_limit mem_reservation mem_swappiness memswap_limit
    network_mode oom_score_adj pids_limit privileged read_only security_opt shm_size userns_mode
    """.split()
)
_HOST_RENAMED = {"cpuset": "cpuset_cpus", "ipc": "ipc_mode"}
_CREATE_SAME = frozenset("user working_dir hostname domainname stop_signal stdin_open tty mac_address".split())
_NEEDS_OTHERS = frozenset("depends_on external_links links networks secrets volumes_from".split())


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Arguments of the container's creation and of its host configuration, by the names that the SDK gives them.

    `ports` and `binds` are as people write them; `left_out` are keys that only Compose can keep.
    """

    create: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    grace: float = GRACE
    left_out: tuple[str, ...] = ()


def run_options(keys: Keys, *, home: str, folder: str, name: str, detached: bool) -> RunOptions:
    """What a service's keys (`run_keys`) mean for one container.

    `folder` is where relative paths of the host begin; named volumes are those of the Compose project `name`.
    """
    mode = text(keys.get("network_mode") or "")
    needs_others = {key for key in keys if key in _NEEDS_OTHERS} | ({"network_mode"} if ":" in mode else set())
    used = {key: value for key, value in keys.items() if key not in needs_others}
    return RunOptions(
        create=_create(used),
        host=_host(used, detached=detached),
        ports=tuple(_list(used.get("ports"))),
        binds=tuple(_binds(_list(used.get("volumes")), home, folder, name)),
        grace=duration(text(used["stop_grace_period"])) if "stop_grace_period" in used else GRACE,
        left_out=tuple(sorted(needs_others)),
    )


def _create(keys: Mapping[str, JsonValue]) -> dict[str, Any]:
    options: dict[str, Any] = {key: value for key, value in keys.items() if key in _CREATE_SAME}
    options |= {key: list(words(keys[key])) for key in ("command", "entrypoint") if key in keys}
    if "environment" in keys:
        options["environment"] = _pairs(keys["environment"], "=")
    if "labels" in keys:
        options["labels"] = _pairs(keys["labels"], "=")
    if isinstance(check := keys.get("healthcheck"), dict):
        options["healthcheck"] = _healthcheck(check)
    return options


def _host(keys: Mapping[str, JsonValue], *, detached: bool) -> dict[str, Any]:
    options: dict[str, Any] = {key: value for key, value in keys.items() if key in _HOST_SAME}
    options |= {name: keys[key] for key, name in _HOST_RENAMED.items() if key in keys}
    options |= {key: _list(keys[key]) for key in ("dns", "dns_search", "tmpfs") if key in keys}
    if "extra_hosts" in keys:
        options["extra_hosts"] = _pairs(keys["extra_hosts"], ":")
    if "sysctls" in keys:
        options["sysctls"] = _pairs(keys["sysctls"], "=")
    if isinstance(limits := keys.get("ulimits"), dict):
        options["ulimits"] = [_ulimit(name, value) for name, value in limits.items()]
    if isinstance(logging := keys.get("logging"), dict):
        options["log_config"] = {"type": logging.get("driver"), "config": logging.get("options") or {}}
    if detached and "restart" in keys:
        policy, _, times = text(keys["restart"]).partition(":")
        options["restart_policy"] = {"Name": policy, "MaximumRetryCount": int(times) if times.isdecimal() else 0}
    return options


def _binds(entries: list[str], home: str, folder: str, name: str) -> list[str]:
    """What is mounted; a bare path is a VOLUME of the image, which the engine mounts by itself."""
    found = []
    for entry in entries:
        source, colon, rest = host_side(entry, home=home, folder=folder).partition(":")
        if not colon:
            continue
        if volume_path(entry):
            source = f"{name}_{source}"
        elif not source.startswith("/"):
            source = f"{folder}/{source}"
        found.append(f"{source}:{rest}")
    return found


def _healthcheck(check: Mapping[str, JsonValue]) -> dict[str, Any]:
    if check.get("disable"):
        return {"test": ["NONE"]}
    options: dict[str, Any] = {"test": list(health_test(check["test"]))} if "test" in check else {}
    for key in ("interval", "timeout", "start_period"):
        if key in check:
            options[key] = round(duration(text(check[key])) * _NANOSECONDS)
    if "retries" in check:
        options["retries"] = int(text(check["retries"]))
    return options


def _ulimit(name: str, value: JsonValue) -> dict[str, Any]:
    soft, hard = (value.get("soft"), value.get("hard")) if isinstance(value, dict) else (value, value)
    return {"Name": name, "Soft": int(text(soft)), "Hard": int(text(hard))}


def _pairs(value: JsonValue, between: str) -> dict[str, str]:
    """A map, or a list of NAME=VALUE, as a map of texts."""
    if isinstance(value, dict):
        return {name: text(each) for name, each in value.items()}
    split = [text(each).partition(between) for each in (value if isinstance(value, list) else ())]
    return {name: rest for name, _, rest in split}


def _list(value: JsonValue) -> list[str]:
    if value is None:
        return []
    return [text(each) for each in value] if isinstance(value, list) else [text(value)]
