"""Recipes: what they say, what is read over with a warning, and what is a mistake."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import InputError
from pipeline.image_config import Healthcheck, ImageConfig
from pipeline.recipe import (
    DEFAULT_CONDUCTOR_BASE,
    Base,
    BaseImage,
    Bootstrap,
    Budget,
    ConductorSettings,
    ParsedRecipe,
    Recipe,
    RoleUse,
    Rootfs,
    Service,
    Verify,
    parse_recipe,
)
from pipeline.recipe_runtime import RUNTIME_KEYS
from pipeline.recipe_schema import ENGINE_BLOCK

SHA = "0123456789abcdef" * 4


def parse(text: str) -> ParsedRecipe:
    return parse_recipe(text, "recipe.yml")


def service(keys: str, *, base: str = "debian:12") -> Service:
    """The service of a recipe that has these keys beside its base."""
    body = "\n".join(f"    {line}" for line in keys.splitlines())
    return parse(f'version: "2"\nservices:\n  web:\n    from: {base}\n{body}\n').recipe.services[0]


def test_a_small_recipe_has_sound_defaults() -> None:
    parsed = parse("version: 2\nservices: {web: {from: debian}}")
    assert parsed.warnings == ()
    assert parsed.recipe == Recipe(
        file="recipe.yml",
        project_name=None,
        conductor=ConductorSettings(DEFAULT_CONDUCTOR_BASE, "mitogen", "/var/run/docker.sock", {}),
        services=(Service("web", BaseImage("debian"), line=2),),
        tags=(),
    )


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("debian:12", BaseImage("debian:12")),
        ("{image: debian:12}", BaseImage("debian:12")),
        ("{bootstrap: trixie}", Bootstrap("trixie")),
        ("{bootstrap: trixie, path_excludes: []}", Bootstrap("trixie", path_excludes=())),
        (
            (
                "{bootstrap: noble, variant: apt, include: [curl], exclude: [nano], mirror: http://mirror.example/,"
                " components: [main, universe], path_excludes: [/usr/share/doc], security: false, architecture: arm64}"
            ),
            Bootstrap(
                "noble",
                "apt",
                ("curl",),
                ("nano",),
                "http://mirror.example/",
                ("main", "universe"),
                ("/usr/share/doc",),
                security=False,
                architecture="arm64",
            ),
        ),
        (f"{{rootfs: roots/a.tar.xz, sha256: {SHA}}}", Rootfs("roots/a.tar.xz", SHA)),
    ],
)
def test_every_kind_of_base_is_read(written: str, base: Base) -> None:
    assert service("", base=written).base == base
    settings = 'version: "2"\nservices: {a: {from: x}}\nsettings: '
    assert parse(f"{settings}{{conductor_base: {written}}}").recipe.conductor.base == base
    assert parse(f"{settings}{{conductor: {{base: {written}}}}}").recipe.conductor.base == base


def test_settings_are_read() -> None:
    recipe = parse("""
version: "2"
settings:
  project_name: shop
  conductor:
    strategy: docker
    engine_socket: /run/user/1000/docker.sock
    environment: [HTTP_PROXY=http://proxy.example:3128, "B="]
tags: ["{repository}:{service}-{version}"]
services: {web: {from: debian}}
""").recipe
    assert recipe.project_name == "shop"
    assert recipe.conductor.strategy == "docker"
    assert recipe.conductor.engine_socket == "/run/user/1000/docker.sock"
    assert recipe.conductor.environment == {"HTTP_PROXY": "http://proxy.example:3128", "B": ""}
    assert recipe.tags == ("{repository}:{service}-{version}",)


def test_roles_are_names_or_maps_whose_other_keys_are_parameters() -> None:
    built = service("""roles:
  - common
  - role: nginx
    gather_facts: no
    cache: never
    nginx_port: 8000
    nginx_flag: yes
    nginx_path: "{{ root }}/x"
    nginx_none:
    nginx_list: [1, a: null]
""")
    assert built.roles == (
        RoleUse("common", line=6),
        RoleUse(
            "nginx",
            {
                "nginx_port": 8000,
                "nginx_flag": True,
                "nginx_path": "{{ root }}/x",
                "nginx_none": None,
                "nginx_list": [1, {"a": None}],
            },
            gather_facts=False,
            cache="never",
            line=7,
        ),
    )


def test_tasks_between_roles_are_a_role_of_their_own() -> None:
    built = service("""roles:
  - common
  - tasks:
      - {name: Make it, ansible.builtin.file: {path: "/srv/{{ inventory_hostname }}", state: directory}, when: null}
  - {tasks: more.yml, name: more, vars: {a: 1}, gather_facts: false, cache: never}
""")
    assert built.roles[1:] == (
        RoleUse(
            "tasks",
            line=7,
            tasks=(
                {
                    "name": "Make it",
                    "ansible.builtin.file": {"path": "/srv/{{ inventory_hostname }}", "state": "directory"},
                    "when": None,
                },
            ),
        ),
        RoleUse("more", {"a": 1}, gather_facts=False, cache="never", line=9, tasks_file="more.yml"),
    )
    assert built.role_labels == ("common", "tasks", "more")


def test_vars_of_a_role_are_parameters_too_and_those_beside_it_win() -> None:
    (role,) = service("roles: [{role: a, x: 1, vars: {x: 2, y: 3}}]").roles
    assert role.parameters == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["nginx", "nginx", "nginx"], ("nginx", "nginx-2", "nginx-3")),
        (["nginx", "a/nginx/", "../nginx"], ("nginx", "nginx-2", "nginx-3")),
        (["nginx-proxy", "nginx"], ("nginx-proxy", "nginx")),
        (["nginx", "nginx-2", "nginx"], ("nginx", "nginx-2", "nginx-3")),
        (["nginx", "nginx", "nginx-2"], ("nginx", "nginx-3", "nginx-2")),
        (["nginx-2", "nginx-2", "nginx", "nginx"], ("nginx-2", "nginx-2-2", "nginx", "nginx-3")),
    ],
)
def test_role_labels_are_unique_in_a_service(names: list[str], labels: tuple[str, ...]) -> None:
    roles = tuple(RoleUse(name) for name in names)
    assert Service("web", BaseImage("x"), roles).role_labels == labels


def test_service_variables_keep_their_types() -> None:
    assert service("vars: {a: 1, b: [yes], c: null, d: {e: 1.5}}").variables == {
        "a": 1,
        "b": [True],
        "c": None,
        "d": {"e": 1.5},
    }


def test_image_keys_become_the_image_configuration() -> None:
    built = service("""command: nginx -g "daemon off;"
entrypoint: [/entry, 1.10, yes]
environment: {RATE: 1.10, DEBUG: yes, MODE: 0644, EMPTY: ""}
user: 1000
working_dir: /srv
labels: [org.example.a=1, flag]
ports: [8000, "8080:80", 22:22, "127.0.0.1:53:53/udp", "9000-9001"]
expose: [80, "443"]
volumes: [/data, "cache:/var/cache", "./src:/src", /data]
healthcheck: {test: curl -f localhost, interval: 1m30s, timeout: 5, start_period: 500ms, retries: 4}
stop_signal: quit
shell: [/bin/bash, -c]
onbuild: [RUN true]
""")
    assert built.config == ImageConfig(  # noqa: S604 - the image's SHELL, nothing that runs here
        entrypoint=("/entry", "1.10", "yes"),
        command=("nginx", "-g", "daemon off;"),
        environment={"RATE": "1.10", "DEBUG": "yes", "MODE": "0644", "EMPTY": ""},
        exposed=("8000/tcp", "80/tcp", "22/tcp", "53/udp", "9000/tcp", "9001/tcp", "443/tcp"),
        volumes=("/data", "/var/cache"),
        labels={"org.example.a": "1", "flag": ""},
        user="1000",
        working_dir="/srv",
        healthcheck=Healthcheck(("CMD-SHELL", "curl -f localhost"), 90, 5, 0.5, 4),
        stop_signal="SIGQUIT",
        shell=("/bin/bash", "-c"),
        onbuild=("RUN true",),
    )


def test_no_entry_point_at_all_is_not_the_same_as_saying_nothing() -> None:
    assert service("entrypoint: []").config.entrypoint == ()
    assert service("entrypoint: ''").config.entrypoint == ()
    assert service("").config.entrypoint is None


@pytest.mark.parametrize("keys", ["{disable: true}", "{test: NONE}", "{test: [NONE]}"])
def test_a_health_check_can_be_switched_off(keys: str) -> None:
    assert service(f"healthcheck: {keys}").config.healthcheck == Healthcheck(("NONE",))


@pytest.mark.parametrize(
    ("keys", "verify"),
    [
        ("", Verify()),
        ("verify: true", Verify()),
        ("verify: false", Verify(run=False)),
        (
            "verify: {command: sleep 1000, ready_seconds: 5, stop_seconds: 2.5, allow: [/var/log/x*]}",
            Verify(command=("sleep", "1000"), ready_seconds=5, stop_seconds=2.5, allow=("/var/log/x*",)),
        ),
        (
            "verify: {budget: {size: 110MB, growth: 5%, packages: 120}}",
            Verify(budget=Budget(size=110_000_000, growth=5, packages=120)),
        ),
    ],
)
def test_verify_is_a_switch_or_a_map(keys: str, verify: Verify) -> None:
    assert service(keys).verify == verify


def test_a_service_is_squashed_where_it_says_so() -> None:
    assert (service("").squash, service("squash: true").squash) == (False, True)


def test_anchors_serve_several_services() -> None:
    recipe = parse("""
version: "2"
x-common: &common
  from: debian:12
  environment: &environment {A: 1}
services:
  web: {<<: *common, user: www}
  api:
    <<: *common
    environment: {<<: *environment, B: 2}
""").recipe
    web, api = recipe.services
    assert (web.base, web.config.environment, web.config.user) == (BaseImage("debian:12"), {"A": "1"}, "www")
    assert api.config.environment == {"A": "1", "B": "2"}


RUN_TIME = """
    links: [db]
    depends_on: {db: {condition: service_healthy}}
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    devices: [/dev/null:/dev/x]
    dns: 192.0.2.1
    dns_opt: [use-vc]
    tmpfs: [/run]
    external_links: [redis]
    extra_hosts: ["a:192.0.2.1"]
    logging: {driver: json-file}
    log_opt: {a: b}
    networks: [front]
    network_mode: host
    pids_limit: 5
    security_opt: [no-new-privileges]
    stop_grace_period: 1m30s
    sysctls: {net.core.somaxconn: 1024}
    ulimits: {nproc: 65535}
    userns_mode: host
    volume_driver: local
    volumes_from: [db]
    cpu_shares: 73
    cpu_quota: 50000
    cpuset: "0,1"
    ipc: host
    mac_address: 02:42:ac:11:65:43
    mem_limit: 512m
    memswap_limit: 1g
    mem_swappiness: 60
    mem_reservation: 256m
    oom_score_adj: 500
    privileged: true
    read_only: true
    restart: no
    shm_size: 64m
    stdin_open: true
    tty: true
    hostname: web
    domainname: example.org
    dev_overrides: {environment: {DEBUG: 1}, command: [serve, --reload]}
"""


@pytest.mark.parametrize("line", RUN_TIME.strip().splitlines())
def test_a_key_that_only_matters_at_run_time_is_kept_with_a_warning(line: str) -> None:
    key, _, value = line.strip().partition(": ")
    parsed = parse(f'version: "2"\nservices:\n  web:\n    from: debian\n    {key}: {value}\n')
    assert [str(warning) for warning in parsed.warnings] == [
        f"recipe.yml:5:5: services.web.{key}: only means something at run time; `baseimage compose` passes it on"
    ]
    (web,) = parsed.recipe.services
    assert web.config == ImageConfig()
    assert {**web.runtime, "dev_overrides": web.dev_overrides}[key]


def test_every_key_for_run_time_is_among_those_tried() -> None:
    tried = {line.strip().partition(": ")[0] for line in RUN_TIME.strip().splitlines()}
    assert tried | {"secrets", "dns_search"} == RUNTIME_KEYS | {"dev_overrides"}


def test_what_is_for_run_time_is_kept_as_it_is_written() -> None:
    built = service("""ports: ["8080:80", 22:22]
volumes: ["$PWD/src:/src:ro", "cache:/var/cache"]
restart: no
dev_overrides: {environment: {RATE: 1.10}, ports: [1234]}
""")
    assert built.runtime == {
        "ports": ["8080:80", "22:22"],
        "volumes": ["$PWD/src:/src:ro", "cache:/var/cache"],
        "restart": "no",
    }
    assert built.dev_overrides == {"environment": {"RATE": "1.10"}, "ports": ["1234"]}
    assert (built.config.exposed, built.config.volumes) == (("80/tcp", "22/tcp"), ("/var/cache",))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("container_name: api", "is ignored: it names a container; an image is named after its service"),
        *((f"{key}: {{state: absent}}", f"is ignored: it {ENGINE_BLOCK}") for key in ("docker", "k8s", "openshift")),
    ],
)
def test_a_key_without_a_meaning_here_is_read_over_with_its_reason(key: str, reason: str) -> None:
    parsed = parse(f'version: "2"\nservices:\n  web:\n    from: debian\n    {key}\n')
    assert [str(warning) for warning in parsed.warnings] == [
        f"recipe.yml:5:5: services.web.{key.partition(':')[0]}: {reason}"
    ]
    assert parsed.recipe.services[0].runtime == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("volumes", {"data": {"docker": {}}}),
        ("networks", {"front": {"driver": "bridge"}}),
        ("secrets", {"db": {"password": "vault_db_password"}}),
        ("registries", {"hub": {"url": "https://registry.example", "namespace": "acme"}}),
    ],
)
def test_a_top_level_key_of_ansible_container_is_kept_with_a_warning(key: str, value: dict[str, object]) -> None:
    parsed = parse(f'version: "2"\nservices: {{web: {{from: debian}}}}\n{key}: {json.dumps(value)}\n')
    (warning,) = parsed.warnings
    assert str(warning).startswith(f"recipe.yml:3:1: {key}: ")
    assert parsed.recipe.runtime == {key: value}


def test_a_secret_of_a_service_is_one_of_the_recipes() -> None:
    text = 'version: "2"\nservices: {web: {from: debian, secrets: {db: {docker: [password]}}}}\n'
    parsed = parse(text + "secrets: {db: {password: vault_db}}\n")
    assert parsed.recipe.services[0].runtime == {"secrets": {"db": {"docker": ["password"]}}}
    with pytest.raises(InputError) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == ("services.web.secrets.db", "is no secret of this recipe")


def test_a_key_read_over_in_several_services_gives_one_warning() -> None:
    parsed = parse('version: "2"\nservices:\n' + "".join(f"  s{n}:\n    from: x\n    tty: true\n" for n in range(3)))
    (warning,) = parsed.warnings
    assert str(warning).startswith("recipe.yml:5:5: services.s0.tty: ")
    assert warning.message.endswith("(also on line 8, 11)")


def test_settings_of_ansible_container_are_read_over_each_with_its_reason() -> None:
    parsed = parse("""
version: "2"
settings:
  volumes: [a:/b]
  k8s_namespace: {name: x}
  save_conductor_container: true
  conductor: {volumes: [b], save: true, provider: x}
services: {web: {from: x}}
""")
    assert [warning.path for warning in parsed.warnings] == [
        "settings.volumes",
        "settings.k8s_namespace",
        "settings.save_conductor_container",
        "settings.conductor.volumes",
        "settings.conductor.save",
        "settings.conductor.provider",
    ]
    assert all(warning.message.startswith("is ignored: it ") for warning in parsed.warnings)
    assert len({warning.message for warning in parsed.warnings}) == 5  # two of them keep the conductor


def test_vaults_and_their_password_are_read() -> None:
    settings = "{vault_files: [a.yml], vault_password_file: ../password}"
    parsed = parse(f'version: "2"\nsettings: {settings}\nservices: {{web: {{from: x}}}}\n')
    assert (parsed.recipe.vault_files, parsed.recipe.vault_password_file) == (("a.yml",), "../password")
    assert parsed.warnings == ()


def test_folders_of_roles_are_read() -> None:
    text = 'version: "2"\nsettings: {conductor: {roles_path: [../shared/roles]}}\nservices: {web: {from: x}}\n'
    parsed = parse(text)
    assert (parsed.recipe.roles_path, parsed.warnings) == (("../shared/roles",), ())
