"""Services that are built on one another, and those that a matrix makes."""

from __future__ import annotations

import pytest

from pipeline.errors import InputError, Problem, UsageError
from pipeline.recipe import Base, BaseImage, Bootstrap, BuiltService, Recipe, parse_recipe
from pipeline.recipe_order import chosen

CHAIN = """
version: "2"
services:
  app: {from: middle}
  middle: {from: {service: base}}
  other: {from: debian}
  base: {from: {bootstrap: trixie}}
"""


def recipe(services: str) -> Recipe:
    return parse_recipe(f'version: "2"\nservices:\n{services}', "recipe.yml").recipe


def mistakes(services: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        recipe(services)
    return caught.value.problems


@pytest.mark.parametrize(
    ("base", "meant"),
    [
        ("base", BuiltService("base")),
        ("{service: base}", BuiltService("base")),
        ("{image: base}", BaseImage("base")),
        ("base:latest", BaseImage("base:latest")),
        ("docker.io/library/base", BaseImage("docker.io/library/base")),
        ("debian", BaseImage("debian")),
        ("web", BaseImage("web")),  # no image is built on itself: this is the web of the registry
    ],
)
def test_a_bare_name_of_another_service_is_its_image(base: str, meant: Base | BuiltService) -> None:
    built = recipe(f"  web: {{from: {base}}}\n  base: {{from: debian}}\n").services[0]
    assert built.base == meant


def test_the_conductor_is_not_built_on_a_service() -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe("version: 2\nservices: {a: {from: x}}\nsettings: {conductor_base: {service: a}}\n", "recipe.yml")
    assert caught.value.problems[0].path == "settings.conductor_base"


def test_services_are_built_after_what_they_are_built_on() -> None:
    parsed = parse_recipe(CHAIN, "recipe.yml").recipe
    assert [service.name for service in chosen(parsed, ())] == ["base", "middle", "app", "other"]


def test_a_chosen_service_brings_what_it_is_built_on() -> None:
    parsed = parse_recipe(CHAIN, "recipe.yml").recipe
    assert [service.name for service in chosen(parsed, ("middle",))] == ["base", "middle"]
    assert [service.name for service in chosen(parsed, ("other", "app"))] == ["base", "middle", "app", "other"]
    with pytest.raises(UsageError, match="has no service nope"):
        chosen(parsed, ("nope",))


def test_the_root_of_a_service_is_that_of_the_first_in_its_chain() -> None:
    parsed = parse_recipe(CHAIN, "recipe.yml").recipe
    assert {parsed.root(service) for service in parsed.services[:2]} == {Bootstrap("trixie")}


def test_a_service_that_is_not_there_is_named_with_the_nearest() -> None:
    (problem,) = mistakes("  web: {from: {service: bass}}\n  base: {from: debian}\n")
    assert (problem.path, problem.message, problem.hint) == (
        "services.web.from",
        "the recipe has no service 'bass'",
        "did you mean base?",
    )


def test_a_cycle_is_a_mistake_with_its_chain() -> None:
    problems = mistakes("  a: {from: b}\n  b: {from: c}\n  c: {from: b}\n  d: {from: {service: d}}\n")
    assert [(problem.path, problem.message) for problem in problems] == [
        ("services.b.from", "is built on itself: b -> c -> b"),
        ("services.c.from", "is built on itself: c -> b -> c"),
        ("services.d.from", "is built on itself: d -> d"),
    ]


# matrix


CELLS = """  web:
    matrix:
      suite: [trixie, bookworm]
      svc: [runit, none]
      {more}
    from: {{bootstrap: "{{{{ suite }}}}"}}
    vars: {{container_svc: "{{{{ svc }}}}", cron: "{{{{ svc != 'none' }}}}"}}
"""


def cells(more: str = "") -> Recipe:
    return recipe(CELLS.format(more=more))


def test_a_matrix_makes_a_service_of_every_combination() -> None:
    built = cells().services
    assert [service.name for service in built] == [
        "web-trixie-runit",
        "web-trixie-none",
        "web-bookworm-runit",
        "web-bookworm-none",
    ]
    assert [service.base for service in built] == [Bootstrap("trixie")] * 2 + [Bootstrap("bookworm")] * 2
    assert built[1].variables == {"suite": "trixie", "svc": "none", "container_svc": "none", "cron": False}
    assert {service.line for service in built} == {3}


def test_names_of_cells_are_made_by_a_template() -> None:
    built = cells('name: "{{ suite }}-{{ service }}-{{ svc }}"').services
    assert built[0].name == "trixie-web-runit"


def test_cells_are_left_out_and_added() -> None:
    built = cells("exclude: [{svc: none}]\n      include: [{suite: bullseye, svc: s6, extra: 1}]").services
    assert [service.name for service in built] == ["web-trixie-runit", "web-bookworm-runit", "web-bullseye-s6"]
    assert built[-1].variables["extra"] == 1


def test_services_of_a_matrix_are_bases_by_their_names() -> None:
    parsed = recipe(
        '  base:\n    matrix: {suite: [a, b]}\n    from: "debian:{{ suite }}"\n'
        '  app:\n    matrix: {suite: [a, b]}\n    from: {service: "base-{{ suite }}"}\n'
    )
    assert [service.base for service in parsed.services] == [
        BaseImage("debian:a"),
        BaseImage("debian:b"),
        BuiltService("base-a"),
        BuiltService("base-b"),
    ]


def test_a_whole_matrix_is_no_base() -> None:
    (problem,) = mistakes("  base:\n    matrix: {a: [1, 2]}\n    from: debian\n  app: {from: base}\n")
    assert (problem.path, problem.message, problem.hint) == (
        "services.app.from",
        "base is a matrix, not one service",
        "there are base-1, base-2, app",
    )


POD = """
version: "2"
services:
  shop:
    from: debian:12
    roles: [common]
    environment: {IN_DOCKER: "1"}
    containers:
      - container_name: web
        ports: ["8000"]
        roles: [common, nginx]
      - container_name: db
        from: alpine:3
  tests: {from: shop-web}
"""


def test_each_container_of_a_service_is_a_service_with_the_keys_that_all_have() -> None:
    parsed = parse_recipe(POD, "recipe.yml")
    web, database, tests = parsed.recipe.services
    assert [each.name for each in (web, database, tests)] == ["shop-web", "shop-db", "tests"]
    assert (web.base, database.base, tests.base) == (
        BaseImage("debian:12"),
        BaseImage("alpine:3"),
        BuiltService("shop-web"),
    )
    assert [[role.name for role in each.roles] for each in (web, database)] == [["common", "nginx"], ["common"]]
    assert (web.config.exposed, database.config.exposed) == (("8000/tcp",), ())
    assert web.config.environment == database.config.environment == {"IN_DOCKER": "1"}
    assert [role.line for role in web.roles] == [11, 11]
    assert parsed.warnings == ()


def test_all_mistakes_in_containers_are_told_with_their_places() -> None:
    text = POD.replace("container_name: web", "user: app").replace("from: alpine:3", "form: alpine:3")
    with pytest.raises(InputError) as caught:
        parse_recipe(text.replace("from: shop-web", "from: shop"), "recipe.yml")
    told = [(each.line, each.message) for each in caught.value.problems]
    assert told == [
        (9, "has no container_name"),
        (13, "unknown key"),
        (14, "shop is several containers, not one service"),
    ]


def test_two_containers_do_not_share_a_name() -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(POD.replace("container_name: db", "container_name: web"), "recipe.yml")
    assert "makes more than one service called shop-web" in [each.message for each in caught.value.problems]


def test_a_matrix_may_only_be_a_list_of_cells() -> None:
    built = recipe('  web:\n    matrix: {name: "w-{{ n }}", include: [{n: 1}, {n: 2}]}\n    from: debian\n').services
    assert [service.name for service in built] == ["w-1", "w-2"]


@pytest.mark.parametrize(
    ("more", "path", "message"),
    [
        ("arch: amd64", "arch", "must be a list, is a text"),
        ("arch: []", "arch", "must not be empty"),
        ("arch: [[a]]", "arch[0]", "must be a text, a number, true or false"),
        ("my-arch: [a]", "my-arch", "cannot name a variable"),
        ("exclude: [{svc: s6}]", "exclude[0]", "takes no cell away"),
        ("exclude: [{svc: none}, {svc: runit}]", "", "has no cell left"),
        ("exclude: svc", "exclude", "must be a list, is a text"),
        ("include: [{svc: s6}]", "include[0]", "gives no suite"),
        ('name: "{{ suite }}"', "", "makes more than one service called trixie"),
        ('name: "{{ suit }}"', "name", "the variable suit is not defined"),
    ],
)
def test_a_mistake_in_a_matrix_is_named(more: str, path: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        cells(more)
    wanted = ".".join(part for part in ("services.web.matrix", path) if part)
    assert (wanted, message) in [(problem.path, problem.message[: len(message)]) for problem in caught.value.problems]


def test_one_mistake_in_a_service_of_many_cells_is_one_line() -> None:
    (problem,) = mistakes("  web:\n    matrix: {a: [1, 2, 3]}\n    from: debian\n    usr: x\n")
    assert (problem.line, problem.message) == (6, "unknown key")
