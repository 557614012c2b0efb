"""A service's keys as options for one container."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.run_keys import SAME
from pipeline.run_options import RunOptions, run_options
from pipeline.yaml_source import JsonValue


def options(keys: dict[str, JsonValue], *, detached: bool = False) -> RunOptions:
    return run_options(keys, home="/home/me", folder="/srv/shop", name="shop", detached=detached)


CREATE: list[tuple[str, JsonValue, Any]] = [
    ("command", "serve --port 80", ["serve", "--port", "80"]),
    ("entrypoint", ["a", "b"], ["a", "b"]),
    ("environment", {"A": "1"}, {"A": "1"}),
    ("environment", ["A=1=2", "B="], {"A": "1=2", "B": ""}),
    ("labels", ["a"], {"a": ""}),
    ("user", "app", "app"),
    ("healthcheck", {"disable": True}, {"test": ["NONE"]}),
    (
        "healthcheck",
        {"test": "true", "interval": "1500ms", "retries": 2},
        {"test": ["CMD-SHELL", "true"], "interval": 1_500_000_000, "retries": 2},
    ),
]


@pytest.mark.parametrize(("key", "value", "expected"), CREATE)
def test_what_the_container_itself_is_given(key: str, value: JsonValue, expected: object) -> None:
    assert options({key: value}).create == {key: expected}


HOST: list[tuple[str, JsonValue, dict[str, Any]]] = [
    ("mem_limit", "512m", {"mem_limit": "512m"}),
    ("cpuset", "0", {"cpuset_cpus": "0"}),
    ("ipc", "host", {"ipc_mode": "host"}),
    ("dns", "1.1.1.1", {"dns": ["1.1.1.1"]}),
    ("tmpfs", "/run", {"tmpfs": ["/run"]}),
    ("extra_hosts", ["a:10.0.0.1"], {"extra_hosts": {"a": "10.0.0.1"}}),
    ("sysctls", {"net.x": 1}, {"sysctls": {"net.x": "1"}}),
    ("ulimits", {"nofile": {"soft": 1, "hard": 2}}, {"ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}]}),
    ("ulimits", {"nproc": 9}, {"ulimits": [{"Name": "nproc", "Soft": 9, "Hard": 9}]}),
    (
        "logging",
        {"driver": "json-file", "options": {"max-file": "1"}},
        {"log_config": {"type": "json-file", "config": {"max-file": "1"}}},
    ),
    ("network_mode", "host", {"network_mode": "host"}),
    ("restart", "always", {}),  # what is in the foreground ends when it ends
]


@pytest.mark.parametrize(("key", "value", "expected"), HOST)
def test_what_the_engine_gives_it(key: str, value: JsonValue, expected: dict[str, Any]) -> None:
    assert options({key: value}).host == expected


def test_a_container_that_is_left_running_is_restarted() -> None:
    policy = options({"restart": "on-failure:3"}, detached=True).host["restart_policy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_volumes_are_those_of_the_compose_project_and_paths_those_of_the_project() -> None:
    volumes: JsonValue = ["data:/d:ro", "./src:/s", "~/x:/x", "$PWD/y:/y", "/data"]
    expected = ("shop_data:/d:ro", "/srv/shop/./src:/s", "/home/me/x:/x", "/srv/shop/y:/y")
    assert options({"volumes": volumes}).binds == expected


def test_what_needs_other_services_is_left_out_and_said() -> None:
    found = options({"depends_on": ["db"], "networks": ["a"], "network_mode": "service:db", "user": "app"})
    assert found.left_out == ("depends_on", "network_mode", "networks")
    assert (found.create, found.host) == ({"user": "app"}, {})


def test_the_time_to_stop_is_the_services_own() -> None:
    assert options({}).grace == 10
    assert options({"stop_grace_period": "90s"}).grace == 90


def test_no_key_is_taken_and_then_forgotten() -> None:
    samples: dict[str, JsonValue] = {
        **dict.fromkeys(SAME, "1"),
        **{key: value for key, value, _ in (*CREATE, *HOST)},
        "ports": ["80:80"],
        "volumes": ["data:/d"],
    }
    nothing = options({}, detached=True)
    without_meaning = {key for key in SAME if options({key: samples[key]}, detached=True) == nothing}
    assert without_meaning == {"expose"}  # the engine's default network lets containers reach every port
