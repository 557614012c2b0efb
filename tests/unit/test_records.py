"""Layers that are found again, and those that are not."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.engine import ContainerSpec, Image, ImageId
from pipeline.errors import EngineError, InputError
from pipeline.image_config import ImageConfig
from pipeline.layer_records import LayerRecords
from pipeline.plan import LayerKey
from pipeline.recipe import BaseImage, ConductorSettings, RoleUse, Service, Verify
from pipeline.recipe_model import FALLBACK_CONDUCTOR_BASE
from pipeline.records import ANY, REPOSITORY, EngineRecords, Reuse
from pipeline.role_finder import RoleFinder
from tests.unit.fake_engine import FakeEngine
from tests.unit.fakes import BASE, a_build, a_service


@dataclass
class Home:
    """A project with two roles, an engine with a base, and records."""

    folder: Path
    engine: FakeEngine
    base: Image

    now: float = 1000.0

    def records(self, reuse: Reuse = ANY) -> EngineRecords:
        finder = RoleFinder(self.folder / "recipe.yml", self.folder)
        kept = LayerRecords(self.folder / "state")
        return EngineRecords(self.engine, finder, kept, reuse, seconds=lambda *_: 12.5, clock=lambda: self.now)

    def keys(self, service: Service, conductor: str = "c", reuse: Reuse = ANY) -> tuple[LayerKey, ...]:
        return self.records(reuse).keys(a_build(service), self.base, conductor)

    def why(self, service: Service, reuse: Reuse = ANY) -> list[tuple[str, ...]]:
        return [key.reasons for key in self.keys(service, reuse=reuse)]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def commit(self, below: str, name: str) -> ImageId:
        target = self.engine.start(ContainerSpec(image=below, entrypoint=("sleep", "1")))
        self.engine.run(target, ("touch", f"/etc/{name}"))
        image = self.engine.commit(target, ImageConfig(), "", f"role {name}")
        self.engine.remove_container(target)
        return image

    def built(self, service: Service) -> list[ImageId]:
        """Save a layer for every role and for the image, as a build does."""
        below, images = self.base.id, []
        for key in self.keys(service):
            below = self.commit(below, key.role) if key.role else self.engine.configure(below, service.config, {})
            self.records().save(key, below)
            images.append(below)
        return images


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    for name in ("nginx", "app"):
        (tmp_path / "roles" / name / "tasks").mkdir(parents=True)
        (tmp_path / "roles" / name / "tasks" / "main.yml").write_text("# a\n[]\n")
    engine = FakeEngine()
    engine.add_image(BASE)
    base = engine.find_image(BASE)
    assert base is not None
    return Home(tmp_path, engine, base)


SERVICE = a_service("nginx", "app", config=ImageConfig(user="www"))


def reused(keys: tuple[LayerKey, ...]) -> list[bool]:
    return [bool(key.image) for key in keys]


def test_before_a_first_build_nothing_is_there(home: Home) -> None:
    keys = home.keys(SERVICE)
    assert [key.role for key in keys] == ["nginx", "app", ""]
    assert reused(keys) == [False, False, False]
    assert [key.reasons for key in keys] == [
        ("no record of an earlier build",),
        ("no record of an earlier build", "role nginx is played again"),
        ("no record of an earlier build", "role nginx is played again"),
    ]


def test_what_was_saved_is_found_again(home: Home) -> None:
    images = home.built(SERVICE)
    assert [key.image for key in home.keys(SERVICE)] == images
    assert {key.reason for key in home.keys(SERVICE)} == {""}


def edit(home: Home) -> None:
    (home.folder / "roles" / "nginx" / "tasks" / "main.yml").write_text("# other\n")


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (replace(SERVICE, config=ImageConfig(user="root")), [True, True, False]),
        (replace(SERVICE, verify=Verify(run=False, stop_seconds=1)), [True, True, False]),
        (replace(SERVICE, roles=SERVICE.roles[::-1]), [False, False, False]),
        (replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", {"port": 1}))), [True, False, False]),
        (replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", gather_facts=False))), [True, False, False]),
        (replace(SERVICE, variables={"a": 1}), [False, False, False]),
        (replace(SERVICE, python="base"), [False, False, False]),
        (replace(SERVICE, name="another"), [True, True, True]),
    ],
)
def test_a_change_costs_its_own_layer_and_those_above(home: Home, service: Service, expected: list[bool]) -> None:
    home.built(SERVICE)
    assert reused(home.keys(service)) == expected


def test_a_changed_file_another_conductor_or_another_base_cost_everything_above(home: Home) -> None:
    home.built(SERVICE)
    assert reused(home.keys(SERVICE, "another conductor")) == [False, False, False]
    edit(home)
    assert reused(home.keys(SERVICE)) == [False, False, False]


def test_a_role_that_is_never_cached_is_played_again_with_all_above_it(home: Home) -> None:
    never = replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", cache="never")))
    home.built(never)
    assert reused(home.keys(never)) == [True, False, False]


def test_without_the_cache_nothing_is_found(home: Home) -> None:
    home.built(SERVICE)
    assert reused(home.keys(SERVICE, reuse=Reuse(use_cache=False))) == [False, False, False]


def test_a_layer_above_a_missing_one_is_not_used(home: Home) -> None:
    home.built(SERVICE)
    home.engine.remove_image(f"{REPOSITORY}:{home.keys(SERVICE)[0].key[:40]}")
    assert reused(home.keys(SERVICE)) == [False, False, False]


def test_an_image_from_ours_never_satisfies_a_lookup(home: Home) -> None:
    nginx, *_ = home.built(a_service("nginx"))
    derived = home.commit(nginx, "something of the user's")
    home.engine.tag(derived, "mine:latest")
    home.engine.remove_image(f"{REPOSITORY}:{home.keys(a_service('nginx'))[0].key[:40]}")
    assert derived in home.engine.images
    assert reused(home.keys(a_service("nginx"))) == [False, False]


def test_a_layer_has_a_tag_of_its_own_and_no_label(home: Home) -> None:
    image, *_ = home.built(SERVICE)
    stored = home.engine.images[image]
    assert stored.tags == [f"{REPOSITORY}:{home.keys(SERVICE)[0].key[:40]}"]
    assert stored.config.labels == {}


def test_a_replaced_image_is_removed(home: Home) -> None:
    key = home.keys(SERVICE)[0]
    first, second = home.commit(home.base.id, "nginx"), home.commit(home.base.id, "nginx")
    home.records().save(key, first)
    home.records().save(key, second)
    assert first not in home.engine.images
    assert home.keys(SERVICE)[0].image == second


def test_a_replaced_image_that_the_user_named_stays(home: Home) -> None:
    key = home.keys(SERVICE)[0]
    first, second = home.commit(home.base.id, "nginx"), home.commit(home.base.id, "nginx")
    home.records().save(key, first)
    home.engine.tag(first, "shop:1.0")
    home.records().save(key, second)
    assert home.engine.images[first].tags == ["shop:1.0"]


def test_saving_the_same_image_twice_keeps_it(home: Home) -> None:
    key, image = home.keys(SERVICE)[0], home.commit(home.base.id, "nginx")
    home.records().save(key, image)
    home.records().save(key, image)
    assert home.keys(SERVICE)[0].image == image


def test_a_replaced_layer_that_others_stand_on_goes_with_the_last_of_them(home: Home) -> None:
    before = home.built(SERVICE)
    after = home.built(SERVICE)
    assert not set(before) & set(home.engine.images)
    assert set(after) <= set(home.engine.images)


def test_the_inputs_are_kept_beside_the_key_as_hashes(home: Home) -> None:
    home.write("roles/nginx/templates/a.j2", "{{ password }} is not geheim\n")
    service = replace(SERVICE, variables={"password": "geheim"})
    home.built(service)
    kept = sorted((home.folder / "state").iterdir())
    assert len(kept) == 3
    assert {path.suffix for path in kept} == {".json"}
    key = home.keys(service)[0]
    text = (home.folder / "state" / f"{key.key[:40]}.json").read_text(encoding="utf-8")
    assert json.loads(text)["inputs"] == key.inputs
    assert "variable password" in text
    assert "geheim" not in text


def test_what_cannot_be_tagged_is_not_recorded(home: Home) -> None:
    home.engine.fail("tag", EngineError("no"))
    with pytest.raises(EngineError):
        home.records().save(home.keys(SERVICE)[0], home.base.id)
    assert not (home.folder / "state").exists()


def test_a_role_that_is_missing_is_an_input_error(home: Home) -> None:
    with pytest.raises(InputError, match="there is no role 'nope'"):
        home.records().role_files(RoleUse("nope", line=7))


def sees_hardware(home: Home, service: Service) -> bool:
    return any(key.hardware for key in home.keys(service))


def test_facts_about_hardware_are_wanted_when_a_file_a_parameter_or_a_variable_names_one(home: Home) -> None:
    assert not sees_hardware(home, SERVICE)
    workers = "{{ ansible_processor_vcpus }}"
    assert sees_hardware(home, replace(SERVICE, variables={"deep": [{"workers": workers}]}))
    first, *others = SERVICE.roles
    assert sees_hardware(home, replace(SERVICE, roles=(replace(first, parameters={"workers": workers}), *others)))
    home.write(f"roles/{SERVICE.roles[-1].name}/templates/a.j2", workers)
    assert sees_hardware(home, SERVICE)


def test_facts_are_wanted_by_the_role_that_can_see_one(home: Home) -> None:
    def wanted(service: Service) -> list[bool]:
        return [key.facts for key in home.keys(service)[:-1]]

    assert not any(wanted(replace(SERVICE, variables={"ansible_shell_type": "sh"})))
    home.write(f"roles/{SERVICE.roles[-1].name}/templates/a.j2", "{{ ansible_fqdn }}")
    assert wanted(SERVICE) == [*([False] * (len(SERVICE.roles) - 1)), True]
    assert all(wanted(replace(SERVICE, variables={"name": "{{ ansible_facts.fqdn }}"}))), "through a variable of all"


def test_what_the_roles_meta_files_say_is_part_of_the_finished_image_only(home: Home) -> None:
    home.built(SERVICE)
    other = replace(SERVICE, role_config=ImageConfig(stop_signal="SIGQUIT"))
    assert reused(home.keys(other)) == [True, True, False]
    home.built(other)
    assert reused(home.keys(other)) == [True, True, True]


def test_every_change_is_said_with_its_reason_and_what_is_above_it_too(home: Home) -> None:
    home.write("roles/nginx/templates/a.j2", "{{ svc }} runit s6\n")
    service = replace(SERVICE, variables={"svc": "runit", "unseen": 1})
    home.built(service)
    assert home.why(service) == [(), (), ()]
    assert home.why(replace(service, variables={"svc": "runit", "unseen": 2})) == [(), (), ()]
    again = "role nginx is played again"
    changed = replace(service, variables={"svc": "s6"})
    assert home.why(changed) == [("svc changed: runit → s6",), (again,), (again,)]
    home.write("roles/nginx/templates/a.j2", "{{ svc }} runit s6 none\n")
    home.write("roles/nginx/files/b", "")
    (home.folder / "roles/nginx/tasks/main.yml").chmod(0o755)
    assert home.why(service) == [
        (
            "roles/nginx/files/b is new",
            "roles/nginx/tasks/main.yml changed",
            "roles/nginx/templates/a.j2 changed",
        ),
        (again,),
        (again,),
    ]


def test_why_a_layer_may_not_be_used_is_said_first(home: Home) -> None:
    home.built(SERVICE)
    again = ("role app is played again",)
    never = replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", cache="never")))
    assert home.why(never) == [(), ("cache: never",), again]
    assert home.why(SERVICE, Reuse(refresh=("app",))) == [(), ("--refresh app",), again]
    assert home.why(SERVICE, Reuse(use_cache=False))[0] == ("--no-cache",)
    assert home.why(replace(SERVICE, config=ImageConfig(user="x"))) == [(), (), ("user changed",)]


def test_a_base_that_moved_and_a_layer_that_the_engine_lost_are_told_apart(home: Home) -> None:
    home.built(a_service("app"))
    home.engine.remove_image(f"{REPOSITORY}:{home.keys(a_service('app'))[0].key[:40]}")
    assert home.why(a_service("app"))[0] == ("the engine has it no longer",)
    home.base = replace(home.base, layers=("sha256:other",))
    assert home.why(a_service("app"))[0] == ("the base moved",)
    assert home.why(a_service("nginx"))[0] == ("no record of an earlier build",)


def test_a_role_that_comes_in_below_changes_what_is_below(home: Home) -> None:
    home.built(a_service("app"))
    home.built(a_service("nginx", name="another"))
    above = home.why(a_service("nginx", "app"))
    assert above == [(), ("what is below it changed",), ("role app is played again",)]


def test_a_layer_is_not_used_on_a_later_run_of_the_one_below(home: Home) -> None:
    home.built(SERVICE)
    nginx = home.keys(SERVICE)[0]
    target = home.engine.start(ContainerSpec(image=home.base.id, entrypoint=("sleep", "1")))
    home.engine.run(target, ("touch", "/etc/nginx", "/etc/more"))
    home.records().save(nginx, home.engine.commit(target, ImageConfig(), "", "role nginx"))
    home.engine.remove_container(target)
    assert home.why(SERVICE)[1] == ("it stands on an earlier run of what is below it",)
    assert reused(home.keys(SERVICE)) == [True, False, False]


def test_what_the_last_run_took_is_known_for_layers_that_are_there_and_that_are_not(home: Home) -> None:
    assert {key.last for key in home.keys(SERVICE)} == {None}
    home.built(SERVICE)
    sizes = [key.last.size if key.last else None for key in home.keys(SERVICE)]
    assert {key.last.seconds if key.last else None for key in home.keys(SERVICE)} == {12.5}
    edit(home)
    assert [key.last.size if key.last else None for key in home.keys(SERVICE)] == sizes


def test_what_changed_is_known_without_a_base_and_without_an_engine(home: Home) -> None:
    home.built(SERVICE)
    edit(home)
    home.engine.calls.clear()
    keys = home.records().unbuilt(a_build(SERVICE), "c")
    assert [key.reasons for key in keys] == [("roles/nginx/tasks/main.yml changed",), (), ()]
    assert home.engine.calls == []


def test_a_layer_that_is_used_is_noted_even_one_without_a_record(home: Home) -> None:
    home.built(SERVICE)
    keys, records = home.keys(SERVICE), LayerRecords(home.folder / "state")
    for each in keys:
        os.utime(home.folder / "state" / f"{each.key[:40]}.json", (5, 5))
    records.remove(keys[0].key)
    edit(home)
    home.records().used(home.keys(SERVICE))
    assert records.read(keys[0].key) is None  # not used: its role changed
    (home.folder / "roles/nginx/tasks/main.yml").write_text("# a\n[]\n")
    home.records().used(home.keys(SERVICE))
    found = [records.read(each.key) for each in keys]
    assert all(each and each.used > 5 for each in found)


def test_a_conductor_with_another_base_or_environment_makes_other_layers(home: Home) -> None:
    def key(conductor: ConductorSettings) -> str:
        build = a_build(SERVICE)
        return (
            home.records()
            .keys(replace(build, recipe=replace(build.recipe, conductor=conductor)), home.base, "c")[0]
            .key
        )

    own = ConductorSettings()
    assert key(own) == key(replace(own, base=FALLBACK_CONDUCTOR_BASE))
    assert key(own) != key(replace(own, base=BaseImage("debian:12")))
    assert key(own) != key(replace(own, environment={"ANSIBLE_X": "1"}))
    assert key(own) == key(replace(own, strategy="docker", engine_socket="/other.sock"))


CANARY = "canary-5f3a9c1b"


def test_no_value_that_could_be_a_secret_is_found_in_the_state_folder(home: Home) -> None:
    home.write("roles/nginx/templates/a.j2", "{{ greeting }} {{ db_password }} {{ nested }} {{ sealed }} {{ admin }}\n")
    home.write("roles/nginx/vars/main.yml", f"sealed: |\n  $ANSIBLE_VAULT;1.1;AES256\n  {CANARY}5\n")
    service = replace(
        SERVICE,
        roles=(RoleUse("nginx", {"word": f"{CANARY}1", "list": [f"{CANARY}2"]}), SERVICE.roles[1]),
        variables={"greeting": CANARY, "db_password": "admin", "nested": {"a": f"{CANARY}3"}},
        config=ImageConfig(environment={"TOKEN": f"{CANARY}4"}, labels={"x": CANARY}, command=(CANARY,)),
    )
    home.built(service)
    home.records().used(home.keys(service))
    files = [path for path in (home.folder / "state").rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        text = path.read_text()
        assert CANARY not in text
        assert '"admin"' not in text


def test_a_layer_older_than_the_recipe_wants_is_built_again_with_what_is_above_it(home: Home) -> None:
    daily = replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", cache=24 * 3600.0)))
    home.built(daily)
    home.now += 24 * 3600
    assert home.why(daily) == [(), (), ()]
    home.now += 3600
    assert home.why(daily) == [(), ("cache: 1d, built 25h ago",), ("role app is played again",)]
    assert home.why(SERVICE) == [(), (), ()]
    home.built(daily)
    assert home.why(daily) == [(), (), ()]


def test_a_layer_whose_age_nobody_knows_counts_as_too_old(home: Home) -> None:
    daily = replace(SERVICE, roles=(SERVICE.roles[0], RoleUse("app", cache=7 * 24 * 3600.0)))
    home.built(daily)
    LayerRecords(home.folder / "state").remove(home.keys(daily)[1].key)
    assert home.why(daily)[1] == ("cache: 7d, and no record of its age",)
    home.records().used(home.keys(SERVICE))
    assert home.why(daily)[1] == ("cache: 7d, and no record of its age",)


def test_a_service_that_found_anothers_layers_is_told_its_own_reasons(home: Home) -> None:
    home.built(SERVICE)
    worker = replace(SERVICE, name="worker")
    home.records().used(home.keys(worker))
    home.built(SERVICE)  # as with --no-cache
    edit(home)
    again = ("role nginx is played again",)
    assert home.why(worker) == home.why(SERVICE) == [("roles/nginx/tasks/main.yml changed",), again, again]
