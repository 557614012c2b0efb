"""Layers that are taken from registries and written to one: which, and what happens where that fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipeline.cache_settings import CacheSettings
from pipeline.engine import ContainerSpec, Image, ImageId
from pipeline.errors import EngineError, EngineUnreachableError, PushFailedError
from pipeline.events import Event, Warned
from pipeline.image_config import ImageConfig
from pipeline.layer_records import LayerRecords
from pipeline.plan import LayerKey
from pipeline.recipe import Bootstrap, RoleUse
from pipeline.records import EngineRecords, Reuse, tag_of
from pipeline.registry_cache import Known, RegistryCache
from pipeline.registry_layer import LABEL, image_name, note_name, noted
from pipeline.registry_store import look_up
from pipeline.role_finder import RoleFinder
from pipeline.roots import name_of
from tests.unit.fake_engine import FakeEngine
from tests.unit.fake_store import Stored, as_image
from tests.unit.fakes import BASE, a_build, a_service

REPO, OTHER = "registry.example/cache", "mirror.example/cache"
BOTH = CacheSettings((REPO,), REPO)
SERVICE = a_service("one", "two", config=ImageConfig(user="www"))


@dataclass
class Machine:
    """An engine with a base, records of its own, and the registries of the world."""

    folder: Path
    registry: dict[str, Stored]
    manifests: dict[str, Stored]
    settings: CacheSettings = BOTH
    known: Known = field(default_factory=Known)
    renew: bool = False
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = FakeEngine(registry=self.registry, manifests=self.manifests)
        self.engine.add_image(BASE)

    @property
    def cache(self) -> RegistryCache:
        records = LayerRecords(self.folder / "layers")
        return RegistryCache(
            self.engine,
            self.settings,
            records,
            self.events.append,
            self.known,
            lambda _: nullcontext(),
            renew=self.renew,
        )

    def records(self, reuse: Reuse | None = None, now: float = 1000.0) -> EngineRecords:
        finder = RoleFinder(self.folder.parent / "recipe.yml", self.folder.parent)
        kept = LayerRecords(self.folder / "layers")
        return EngineRecords(self.engine, finder, kept, reuse or Reuse(), clock=lambda: now, look_up=self.cache.look_up)

    def base(self) -> Image:
        found = self.engine.find_image(BASE)
        assert found
        return found

    def layers(self, reuse: Reuse | None = None, now: float = 1000.0) -> tuple[LayerKey, ...]:
        return self.records(reuse, now).keys(a_build(SERVICE), self.base(), "c")

    def build(self, mark: str = "", reuse: Reuse | None = None) -> None:
        """Every layer that is not there, as a build makes it."""
        below = self.base().id
        for key in self.cache.fetch(self.layers(reuse), "web/base"):
            if key.image is None:
                below = (
                    self.made(below, key.role + mark) if key.role else self.engine.configure(below, SERVICE.config, {})
                )
                self.records().save(key, below)
            else:
                below = key.image

    def made(self, below: str, name: str) -> ImageId:
        target = self.engine.start(ContainerSpec(image=below, entrypoint=("sleep", "1")))
        self.engine.run(target, ("touch", f"/etc/{name}"))
        image = self.engine.commit(target, ImageConfig(), "", f"role {name}")
        self.engine.remove_container(target)
        return image

    def share(self) -> str:
        build = replace(a_build(SERVICE), base=self.base(), keys=self.layers())
        return self.cache.share(build, "web/share")

    def warned(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """Machines that work on the same project, and reach the same registries."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"roles/{name}/tasks").mkdir(parents=True)
        (tmp_path / f"roles/{name}/tasks/main.yml").write_text("[]\n")
    registry, manifests, count = dict[str, Stored](), dict[str, Stored](), iter(range(9))
    return lambda settings=BOTH: Machine(tmp_path / f"m{next(count)}", registry, manifests, settings)


@pytest.fixture
def near(machine: Callable[..., Machine]) -> Machine:
    """One that has built all and written it."""
    made = machine()
    made.build()
    assert made.share() == "3 written, 0 there already"
    return made


@pytest.fixture
def far(near: Machine, machine: Callable[..., Machine]) -> Machine:
    """One that has nothing but the base."""
    assert near.registry
    return machine()


def images(keys: tuple[LayerKey, ...]) -> list[str | None]:
    return [key.image for key in keys]


def test_what_one_has_written_another_takes_as_its_own(near: Machine, far: Machine) -> None:
    found = far.layers()
    assert [key.shared.repository if key.shared else "" for key in found] == [REPO] * 3
    assert images(found) == [None] * 3, "looking brings nothing"
    brought = far.cache.fetch(found, "web/base")
    assert images(brought) == images(near.layers())
    assert images(far.layers()) == images(near.layers()), "they are found without the registry from now on"
    assert not [key for key in far.layers() if key.shared]
    names = {tag for stored in far.engine.images.values() for tag in stored.tags}
    assert names == {BASE, *(tag_of(key.key) for key in found)}


def test_what_was_taken_is_on_record_with_its_age_and_inputs(near: Machine, far: Machine) -> None:
    far.cache.fetch(far.layers(), "web/base")
    for key in far.layers():
        theirs, ours = (LayerRecords(each.folder / "layers").read(key.key) for each in (near, far))
        assert theirs
        assert ours
        assert (ours.built, ours.size, ours.inputs) == (theirs.built, theirs.size, theirs.inputs)


def test_nothing_is_written_twice_and_no_name_for_the_way_stays(near: Machine) -> None:
    near.known = Known()
    assert near.share() == "0 written, 3 there already"
    assert not [tag for stored in near.engine.images.values() for tag in stored.tags if REPO in tag]


def test_the_first_writer_wins_and_nothing_is_put_on_top_of_what_differs(
    near: Machine, machine: Callable[..., Machine]
) -> None:
    other = machine(CacheSettings((), REPO))
    other.build(mark="-another")
    before = dict(near.registry)
    assert other.share() == "0 written, 0 there already"
    assert near.registry == before
    assert other.warned() == [f"{REPO} has another role one of the same inputs, and keeps it"]


def test_the_second_repository_is_asked_where_the_first_has_nothing(far: Machine) -> None:
    far.settings = CacheSettings((OTHER, REPO))
    assert [key.shared.repository if key.shared else "" for key in far.layers()] == [REPO] * 3
    assert far.warned() == []


@pytest.mark.parametrize("reuse", [Reuse(use_cache=False), Reuse(refresh=("one",))], ids=["no-cache", "refresh"])
def test_what_is_to_be_played_again_is_not_taken(far: Machine, reuse: Reuse) -> None:
    assert not [key for key in far.layers(reuse) if key.shared]
    assert not [call for call in far.engine.calls if call.startswith("pull")], "nobody is asked"


def test_a_layer_that_is_too_old_for_the_recipe_is_not_taken(far: Machine) -> None:
    service = replace(SERVICE, roles=(RoleUse("one", cache=3600.0), RoleUse("two")))
    build = a_build(service)
    for now, expected in ((1000.0 + 3000, True), (1000.0 + 4000, False)):
        found = far.records(now=now).keys(build, far.base(), "c")
        assert [bool(key.shared) for key in found] == [expected] * 3


# what is not what it should be


def derived(machine: Machine, reference: str, name: str, config: ImageConfig | None = None) -> None:
    """Somebody's image that is built on this one, under its own name in the registry."""
    stored = machine.registry[reference]
    helper = FakeEngine(registry=machine.registry, manifests=machine.manifests)
    helper.images[stored.id] = replace(stored, tags=[])
    target = helper.start(ContainerSpec(image=stored.id, entrypoint=("sleep", "1")))
    helper.run(target, ("touch", "/etc/evil"))
    helper.commit(target, config or stored.config, name, "evil")
    helper.push(name, lambda *_: None)


def test_an_image_that_is_built_on_a_layer_does_not_stand_for_it(near: Machine, far: Machine) -> None:
    for key in near.layers():
        name = image_name(REPO, key.key)
        derived(far, name, name)
    assert images(far.cache.fetch(far.layers(), "web/base")) == images(near.layers())


def test_a_layer_without_its_note_or_with_something_else_in_its_place_is_not_there(near: Machine, far: Machine) -> None:
    one, two, _ = near.layers()
    del far.registry[note_name(REPO, two.key)]
    assert [bool(key.shared) for key in far.layers()] == [True, False, False]
    far.known = Known()
    far.registry[note_name(REPO, one.key)] = far.registry[image_name(REPO, one.key)]
    assert not [key for key in far.layers() if key.shared]
    assert far.warned() == [
        f"{REPO} cannot be read as a build cache: {note_name(REPO, one.key)} is not what this program wrote"
    ]


def renoted(machine: Machine, place: str, /, **changed: object) -> None:
    """Write other things into a note."""
    name = note_name(REPO, place)
    layer = look_up(machine.engine, REPO, place)
    assert layer
    labels = noted(replace(layer, **changed))  # type: ignore[arg-type]
    machine.registry[name] = replace(machine.registry[name], config=ImageConfig(labels=labels))


def test_a_note_for_another_key_or_of_more_layers_than_a_role_makes_is_not_believed(
    near: Machine, far: Machine
) -> None:
    one, two, _ = near.layers()
    theirs = look_up(near.engine, REPO, one.key)
    assert theirs
    renoted(near, one.key, key=two.key)
    assert not [key for key in far.layers() if key.shared]
    far.known = Known()
    renoted(near, one.key, key=one.key, layers=(*theirs.layers, "sha256:evil"))
    assert not [key for key in far.layers() if key.shared]
    far.known = Known()
    renoted(near, one.key, layers=("sha256:evil", *theirs.layers[1:]))
    assert not [key for key in far.layers() if key.shared]
    assert [text.rpartition(": ")[2] for text in far.warned()] == [
        "it was noted for another key",
        "it has more layers than a role makes",
        "it stands on something else",
    ]


def test_an_image_that_is_not_as_it_was_noted_is_not_used_and_does_not_stay(near: Machine, far: Machine) -> None:
    one, *_ = near.layers()
    evil = image_name(REPO, "evil")
    derived(far, image_name(REPO, one.key), evil)
    stored = far.registry[evil]
    (digest,) = [name.partition("@")[2] for name, each in far.manifests.items() if each.id == stored.id]
    renoted(near, one.key, digest=digest)
    assert images(far.cache.fetch(far.layers(), "web/base")) == [None] * 3
    assert "is not what was noted for it" in far.warned()[0]
    assert [tag for each in far.engine.images.values() for tag in each.tags] == [BASE]
    assert as_image(stored).layers


# what fails


def test_a_registry_that_fails_is_left_alone_after_one_warning(far: Machine) -> None:
    far.engine.fail("pull", EngineError("pulling: 503 Service Unavailable"))
    far.build()
    far.build()
    assert len(far.warned()) == 1
    assert len([call for call in far.engine.calls if call.startswith("pull")]) == 1
    assert far.share() == "not written"
    assert len(far.warned()) == 1


def test_a_layer_that_cannot_be_had_is_built_with_all_that_stands_on_it(far: Machine) -> None:
    found = far.layers()
    one, two, _ = found
    assert two.shared
    del far.manifests[two.shared.pinned]
    brought = far.cache.fetch(found, "web/base")
    assert [bool(key.image) for key in brought] == [True, False, False]
    assert not [key for key in brought[1:] if key.shared]
    assert len(far.warned()) == 1
    assert brought[0].key == one.key


def test_a_layer_that_was_not_had_counts_as_missing_when_it_is_looked_at_again(far: Machine) -> None:
    found = far.layers()
    far.engine.fail("pull", EngineError("pulling: unexpected EOF"))
    far.cache.fetch(found, "web/base")
    assert far.layers()[0].shared is None


def test_writing_that_fails_is_a_warning_unless_it_must_not(machine: Callable[..., Machine]) -> None:
    made = machine()
    made.build()
    made.engine.fail("push", PushFailedError("denied", hint="docker login"))
    assert made.share() == "not written"
    assert made.warned() == [f"{REPO} does not take the build cache: denied"]
    assert not [tag for stored in made.engine.images.values() for tag in stored.tags if REPO in tag]

    strict = machine(replace(BOTH, strict=True))
    strict.build()
    strict.engine.fail("push", PushFailedError("denied", hint="docker login"))
    with pytest.raises(PushFailedError, match="denied"):
        strict.share()


def test_an_engine_that_is_gone_is_no_trouble_of_the_cache(far: Machine) -> None:
    far.engine.fail("pull", EngineUnreachableError("gone"))
    with pytest.raises(EngineUnreachableError):
        far.layers()


# roots


def test_a_root_that_was_made_is_shared_under_what_it_is_made_of(machine: Callable[..., Machine]) -> None:
    base = Bootstrap("trixie")
    service = replace(a_service(), base=base)
    near, far = machine(), machine()
    root = near.engine.add_image(name_of(base))
    found = near.engine.find_image(root)
    build = a_build(service)
    build = replace(build, base=found, keys=near.records().keys(build, near.base(), "c"))
    assert near.cache.share(build, "web/share") == "1 written, 0 there already"
    assert far.cache.root(base)
    assert far.cache.bring_root(base, "web/base") == far.engine.find_image(name_of(base))
    brought = far.engine.find_image(name_of(base))
    assert brought
    assert brought.id == root
    assert far.cache.bring_root(Bootstrap("sid"), "web/base") is None


def test_a_root_that_is_made_anew_replaces_the_one_of_the_registry(machine: Callable[..., Machine]) -> None:
    base = Bootstrap("trixie")
    old, new = machine(), machine()
    build = a_build(replace(a_service(), base=base))
    first = old.engine.add_image(name_of(base))
    old.cache.share(build, "web/share")
    second = new.engine.add_image(name_of(base), ImageConfig(user="new"))
    assert new.cache.share(build, "web/share") == "0 written, 0 there already"
    assert new.warned() == [f"{REPO} has another root from trixie's packages of the same inputs, and keeps it"]
    new.renew = True
    assert new.cache.bring_root(base, "web/base") is None
    assert new.cache.share(build, "web/share") == "1 written, 0 there already"
    old.known = Known()
    brought = old.cache.bring_root(base, "web/base")
    assert brought
    assert (brought.id, first in old.engine.images) == (second, False)


def test_a_base_that_is_an_image_is_pulled_from_where_it_is(far: Machine) -> None:
    assert far.cache.root(SERVICE.base) is None  # type: ignore[arg-type]
    assert not [call for call in far.engine.calls if call.startswith("pull")]


@pytest.mark.parametrize("labels", [{}, {LABEL: ""}, {LABEL: "[]"}, {LABEL: '{"key": 1}'}, {LABEL: "{"}])
def test_labels_that_are_no_note_are_none(far: Machine, labels: dict[str, str]) -> None:
    name = note_name(REPO, "k")
    image = far.engine.add_image("x:1", ImageConfig(labels=labels))
    far.registry[name] = far.engine.images[image]
    with pytest.raises(EngineError, match="not what this program wrote"):
        look_up(far.engine, REPO, "k")
