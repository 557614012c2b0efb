"""Layers that are found again, and those that are not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.engine import ContainerSpec, Image, ImageId
from pipeline.errors import EngineError, InputError
from pipeline.image_config import ImageConfig
from pipeline.layer_records import LayerRecords
from pipeline.plan import LayerKey
from pipeline.recipe import RoleUse, Service, Verify
from pipeline.records import ANY, REPOSITORY, EngineRecords, Reuse
from pipeline.sources import RoleFinder
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


def test_what_the_roles_meta_files_say_is_part_of_the_finished_image_only(home: Home) -> None:
    home.built(SERVICE)
    other = replace(SERVICE, role_config=ImageConfig(stop_signal="SIGQUIT"))
    assert reused(home.keys(other)) == [True, True, False]
    home.built(other)
    assert reused(home.keys(other)) == [True, True, True]
