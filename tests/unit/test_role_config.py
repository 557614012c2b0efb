"""What a role says about the image through set_stats."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import PlayFailedError
from pipeline.image_config import Healthcheck, ImageConfig
from pipeline.role_config import KEYS, config_from_statistics


def config(**wanted: Any) -> ImageConfig:
    return config_from_statistics({"image_config": wanted}, "web")


def refused(wanted: object) -> PlayFailedError:
    with pytest.raises(PlayFailedError) as caught:
        config_from_statistics({"image_config": wanted}, "web")
    return caught.value


@pytest.mark.parametrize(
    "statistics", [{}, {"image_config": None}, {"image_config": {}}, {"of_somebody_else": {"user": "x"}}]
)
def test_a_role_that_says_nothing_changes_nothing(statistics: dict[str, Any]) -> None:
    assert config_from_statistics(statistics, "web") == ImageConfig()


def test_every_setting_is_read() -> None:
    wanted: dict[str, Any] = {
        "entrypoint": ["/init"],
        "command": ["nginx", "-g", "daemon off;"],
        "ports": [80, "443", "53/udp"],
        "volumes": ["/data"],
        "environment": {"WORKERS": 2},
        "labels": {"org.example": "x"},
        "user": 33,
        "working_dir": "/srv",
        "stop_signal": "SIGQUIT",
        "healthcheck": {"test": ["CMD", "true"], "interval": "1m30s", "timeout": 3, "start_period": "5s", "retries": 2},
    }
    assert wanted.keys() == set(KEYS)
    assert config(**wanted) == ImageConfig(
        entrypoint=("/init",),
        command=("nginx", "-g", "daemon off;"),
        exposed=("80/tcp", "443/tcp", "53/udp"),
        volumes=("/data",),
        environment={"WORKERS": "2"},
        labels={"org.example": "x"},
        user="33",
        working_dir="/srv",
        stop_signal="SIGQUIT",
        healthcheck=Healthcheck(("CMD", "true"), 90, 3, 5, 2),
    )


def test_an_empty_entry_point_means_none_at_all() -> None:
    assert config(entrypoint=[]).entrypoint == ()
    assert config(command=["x"]).entrypoint is None


def test_an_unknown_setting_is_named_with_the_known_ones() -> None:
    error = refused({"cmd": ["x"]})
    assert error.message == "role web sets image_config.cmd, which is no image setting"
    assert error.hint.startswith("known are entrypoint, command")


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("x", "image_config to 'x'"),
        ({"command": "nginx -g"}, "image_config.command to 'nginx -g'"),
        ({"ports": 80}, "image_config.ports to 80"),
        ({"environment": ["A=1"]}, "image_config.environment to ['A=1']"),
        ({"labels": "x"}, "image_config.labels to 'x'"),
        ({"healthcheck": "true"}, "image_config.healthcheck to 'true'"),
        ({"healthcheck": {"test": "true"}}, "image_config.healthcheck to {'test': 'true'}"),
        ({"healthcheck": {"test": ["CMD", "true"], "interval": "soon"}}, "image_config.healthcheck"),
        ({"healthcheck": {"test": ["CMD", "true"], "interval": None}}, "image_config.healthcheck"),
        ({"healthcheck": {"test": ["CMD", "true"], "retries": "many"}}, "image_config.healthcheck"),
        ({"healthcheck": {"test": ["CMD", "true"], "retries": [1]}}, "image_config.healthcheck"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_failure_of_the_play(wanted: object, where: str) -> None:
    error = refused(wanted)
    assert error.message.startswith(f"role web sets {where}")
    assert error.hint.startswith("it has to be a ")
