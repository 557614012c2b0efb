"""Image configuration and inspection as the Docker API writes them, and `ImageConfig` and `Image` made of them."""

from __future__ import annotations

from typing import Any

from pipeline.engine import Image, ImageId
from pipeline.image_config import Healthcheck, ImageConfig

SECOND = 1_000_000_000
"""The API counts times in nanoseconds."""

_OWN_MACHINE = ("127.0.0.0/8", "::1/128")

Json = dict[str, Any]


def to_api(config: ImageConfig) -> Json:
    """The configuration as the API's `Config` object; what it says nothing about is left out."""
    body: Json = {
        "Entrypoint": None if config.entrypoint is None else list(config.entrypoint),
        "Cmd": None if config.command is None else list(config.command),
        "Env": [f"{name}={value}" for name, value in config.environment.items()] or None,
        "ExposedPorts": {_with_protocol(port): {} for port in config.exposed} or None,
        "Volumes": {path: {} for path in config.volumes} or None,
        "Labels": dict(config.labels) or None,
        "User": config.user,
        "WorkingDir": config.working_dir,
        "Healthcheck": None if config.healthcheck is None else _healthcheck_to_api(config.healthcheck),
        "StopSignal": config.stop_signal,
        "Shell": None if config.shell is None else list(config.shell),
        "OnBuild": list(config.onbuild) or None,
    }
    return {key: value for key, value in body.items() if value is not None}


def from_api(body: Json | None) -> ImageConfig:
    """The API's `Config` object as a configuration; absent, null and "" all say nothing."""
    body = body or {}
    return ImageConfig(
        entrypoint=_words(body.get("Entrypoint")),
        command=_words(body.get("Cmd")),
        environment=dict(_pair(entry) for entry in body.get("Env") or ()),
        exposed=tuple(body.get("ExposedPorts") or ()),
        volumes=tuple(body.get("Volumes") or ()),
        labels=dict(body.get("Labels") or {}),
        user=body.get("User") or None,
        working_dir=body.get("WorkingDir") or None,
        healthcheck=_healthcheck_from_api(body.get("Healthcheck")),
        stop_signal=body.get("StopSignal") or None,
        shell=_words(body.get("Shell")),
        onbuild=tuple(body.get("OnBuild") or ()),
    )


def image_from_api(body: Json) -> Image:
    """An image as the API's inspection describes it."""
    return Image(
        id=ImageId(str(body["Id"])),
        tags=tuple(body.get("RepoTags") or ()),
        digests=tuple(dict.fromkeys(body.get("RepoDigests") or ())),
        size=int(body.get("Size") or 0),
        platform="/".join(filter(None, (body.get("Os"), body.get("Architecture"), body.get("Variant")))),
        layers=tuple((body.get("RootFS") or {}).get("Layers") or ()),
        config=from_api(body.get("Config")),
        parent=str(body.get("Parent") or ""),
    )


def insecure_from_api(info: Json) -> tuple[str, ...]:
    """The insecure registries that the engine's information names; its own machine always is one and is left out."""
    said = info.get("RegistryConfig") or {}
    named = (name for name, index in (said.get("IndexConfigs") or {}).items() if not index.get("Secure", True))
    networks = (each for each in said.get("InsecureRegistryCIDRs") or () if each not in _OWN_MACHINE)
    return (*named, *networks)


def _with_protocol(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def _words(value: list[str] | str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _healthcheck_to_api(check: Healthcheck) -> Json:
    body: Json = {"Test": list(check.test)}
    times = {"Interval": check.interval, "Timeout": check.timeout, "StartPeriod": check.start_period}
    body.update({name: round(seconds * SECOND) for name, seconds in times.items() if seconds})
    return body | ({"Retries": check.retries} if check.retries else {})


def _healthcheck_from_api(body: Json | None) -> Healthcheck | None:
    if not body or not body.get("Test"):
        return None
    return Healthcheck(
        test=tuple(body["Test"]),
        interval=(body.get("Interval") or 0) / SECOND,
        timeout=(body.get("Timeout") or 0) / SECOND,
        start_period=(body.get("StartPeriod") or 0) / SECOND,
        retries=int(body.get("Retries") or 0),
    )
