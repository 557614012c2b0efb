"""Keys of a recipe that only mean something when containers run: checked, kept, and not looked at by a build."""

from __future__ import annotations

from typing import Annotated

from pydantic import JsonValue, Tag
from pydantic.json_schema import SkipJsonSchema

from pipeline.recipe_keys import Keys
from pipeline.recipe_values import Duration, Scalar, Text, choice

Map = dict[str, JsonValue]
TextOrList = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[Text], Tag("<list>")],
    choice("a text or a list of texts", {str: "<text>", list: "<list>"}),
]
ListOrMap = Annotated[
    Annotated[list[Text], Tag("<list>")] | Annotated[Map, Tag("<map>")],
    choice("a list of texts, or a map", {list: "<list>", dict: "<map>"}),
]
Amount = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[int, Tag("<whole>")] | Annotated[float, Tag("<number>")],
    choice("a number, or a text such as 512m", {str: "<text>", int: "<whole>", float: "<number>"}),
]
Maybe = SkipJsonSchema[None]
"""No value was given; in a recipe a key without a value is a mistake."""


class RuntimeKeys(Keys):
    """What a container is run with."""

    links: list[Text] | Maybe = None
    depends_on: ListOrMap | Maybe = None
    cap_add: list[Text] | Maybe = None
    cap_drop: list[Text] | Maybe = None
    devices: list[Text] | Maybe = None
    dns: TextOrList | Maybe = None
    dns_opt: list[Text] | Maybe = None
    dns_search: TextOrList | Maybe = None
    tmpfs: TextOrList | Maybe = None
    external_links: list[Text] | Maybe = None
    extra_hosts: ListOrMap | Maybe = None
    hostname: Scalar | Maybe = None
    domainname: Scalar | Maybe = None
    logging: Map | Maybe = None
    log_opt: Map | Maybe = None
    networks: ListOrMap | Maybe = None
    network_mode: Text | Maybe = None
    pids_limit: int | Maybe = None
    secrets: Map | Maybe = None
    security_opt: list[Text] | Maybe = None
    stop_grace_period: Duration | Maybe = None
    sysctls: ListOrMap | Maybe = None
    ulimits: Map | Maybe = None
    userns_mode: Text | Maybe = None
    volume_driver: Text | Maybe = None
    volumes_from: list[Text] | Maybe = None
    cpu_shares: Amount | Maybe = None
    cpu_quota: Amount | Maybe = None
    cpuset: Scalar | Maybe = None
    ipc: Text | Maybe = None
    mac_address: Text | Maybe = None
    mem_limit: Amount | Maybe = None
    memswap_limit: Amount | Maybe = None
    mem_swappiness: Amount | Maybe = None
    mem_reservation: Amount | Maybe = None
    oom_score_adj: int | Maybe = None
    privileged: bool | Maybe = None
    read_only: bool | Maybe = None
    restart: Scalar | Maybe = None
    shm_size: Amount | Maybe = None
    stdin_open: bool | Maybe = None
    tty: bool | Maybe = None


RUNTIME_KEYS = frozenset(RuntimeKeys.model_fields)


class RegistryKeys(Keys):
    """A registry by name, for those who push by hand; `baseimage push` goes by image.txt."""

    url: Text
    namespace: Text | Maybe = None
    repository_prefix: str | Maybe = None
    """"" is none; without the key it is the project's name."""
    pull_from_url: Text | Maybe = None


Volumes = dict[Text, Map]
Networks = dict[Text, Map]
Secrets = dict[Text, dict[Text, JsonValue]]
Registries = dict[Text, RegistryKeys]
