"""Several services at once: what may overlap, what is made once, and how it ends. Threads wait for events, not time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from pipeline import side_by_side
from pipeline.engine import ContainerId, Image, ImageId
from pipeline.errors import PipelineError, PlayFailedError, PushFailedError, SeveralServicesError, StopRequested
from pipeline.events import Event, ImageBuilt, StepCached, StepFailed, StepStarted, Warned
from pipeline.halting import Halt
from pipeline.plan import LayerKey
from pipeline.player import Play, PlayResult
from pipeline.recipe import BuiltService, Service
from pipeline.registry_layer import RegistryLayer
from pipeline.runner import Entry, Rules
from pipeline.shared_records import SharedRecords
from pipeline.side_by_side import Crew
from pipeline.stage import Build, Tools
from pipeline.stopping import Stoppable
from stages import CATALOGUE
from tests.unit.fakes import FakeClock, FakePlayer, FakeRecords, World, a_build, a_service

FULL = tuple(entry for entry in CATALOGUE if entry.name not in ("share", "push"))
SOON = 30.0
"""Seconds after which a test that waits for something has failed."""


@dataclass
class Player(FakePlayer):
    """Calls `during` with the step while it plays."""

    during: Callable[[str], None] = lambda _: None

    def play(self, target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        self.during(play.step)
        return super().play(target, play, then)


@dataclass
class Yard:
    """A world for several jobs: one player each, and locks in memory. `asked` is called before a layer's lock."""

    world: World = field(default_factory=World)
    halt: Halt = field(default_factory=Halt)
    players: list[Player] = field(default_factory=list)
    during: Callable[[str], None] = lambda _: None
    asked: Callable[[], None] = lambda: None
    clear: Callable[[], None] = lambda: None
    noticed: Callable[[Event], None] = lambda _: None
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    made: dict[str, ImageId] = field(default_factory=dict)

    def hire(self, job: int) -> Tools:
        self.players.append(Player(self.world.engine, failures=self.world.player.failures, during=self.during))
        assert job == len(self.players)
        records = SharedRecords(self.world.records, self.made)
        return replace(self.world.tools, player=self.players[-1], records=records, emit=self.halt.sink(self.emit))

    def emit(self, event: Event) -> None:
        self.world.events.append(event)
        self.noticed(event)

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        self.asked()
        with self.locks.setdefault(key, threading.Lock()):
            yield

    def build(
        self, *services: Service, jobs: int = 2, keep: bool = False, catalogue: tuple[Entry, ...] = FULL
    ) -> tuple[Build, ...]:
        builds = tuple(a_build(service, *(other for other in services if other is not service)) for service in services)
        crew = Crew(jobs, self.hire, self.halt, self.clear)
        rules = Rules(keep=keep, alone=self.alone)
        tools = replace(self.world.tools, emit=self.emit)
        return side_by_side.run(builds, tools, catalogue, FakeClock(), rules, crew)

    def played(self) -> list[str]:
        return sorted(call for call in self.world.engine.calls if call.startswith("play "))

    def started(self) -> list[str]:
        return [event.step for event in self.world.emitted(StepStarted) if isinstance(event, StepStarted)]


@pytest.fixture
def yard() -> Yard:
    return Yard()


def on(other: str, *roles: str, name: str) -> Service:
    return replace(a_service(*roles, name=name), base=BuiltService(other))


def reached(event: threading.Event) -> None:
    assert event.wait(SOON), "it never came"


def meeting(calls: int = 2) -> Callable[..., None]:
    """What lets two threads that call it go on together, for as many calls."""
    barrier, left = threading.Barrier(2, timeout=SOON), iter(range(calls))

    def meet(*_: object) -> None:
        if next(left, None) is not None:
            barrier.wait()

    return meet


def test_services_play_at_the_same_time_and_come_back_in_their_order(yard: Yard) -> None:
    yard.during = meeting(6)
    done = yard.build(a_service("nginx", name="one"), a_service("app", name="two"))
    assert [build.service.name for build in done] == ["one", "two"]
    assert [build.tags[0] for build in done] == ["shop-one:1.2.0", "shop-two:1.2.0"]
    assert yard.world.engine.containers == {}
    assert [player.running for player in yard.players] == [None, None]


def test_no_more_than_so_many_run_and_a_conductor_serves_one_service_after_another(yard: Yard) -> None:
    yard.during = meeting(6)
    yard.build(*(a_service(f"role{number}", name=f"cell{number}") for number in range(6)))
    assert len(yard.players) == 2
    assert yard.world.verbs().count("start-conductor") == yard.world.verbs().count("stop-conductor") == 2


def test_no_job_is_hired_that_has_nothing_to_do(yard: Yard) -> None:
    yard.build(a_service("nginx"), on("web", "app", name="shop"), jobs=4)
    assert len(yard.players) == 1


def test_a_service_waits_for_the_one_that_it_is_built_on(yard: Yard) -> None:
    web, shop = yard.build(a_service("nginx"), on("web", "app", name="shop"))
    assert shop.base == yard.world.engine.find_image(web.image or "")
    order = [event.step if isinstance(event, StepStarted) else "built" for event in yard.world.events]
    assert yard.started()[-1] == "shop/tag"
    assert order.index("built") < order.index("shop/initialize")


def test_a_common_layer_is_made_once_and_taken_by_who_waited_for_it(yard: Yard) -> None:
    yard.asked = meeting()  # both come to the lock before one of them has it
    one, two = yard.build(a_service("shared", "one", name="one"), a_service("shared", "two", name="two"))
    assert yard.played() == ["play one", "play shared", "play two"]
    cached = [event.step for event in yard.world.emitted(StepCached) if isinstance(event, StepCached)]
    assert [step.split("/", 1)[1] for step in cached] == ["shared/target", "shared/provision", "shared/commit"]
    layers = [[layer.created_by for layer in yard.world.engine.layers(each.image or "")] for each in (one, two)]  # type: ignore[arg-type]
    assert layers == [["", "role shared", "role one"], ["", "role shared", "role two"]]
    reports = [event for event in yard.world.emitted(ImageBuilt) if isinstance(event, ImageBuilt)]
    assert sorted(report.layers[1].cached for report in reports) == [False, True]
    assert not any(report.layers[2].cached for report in reports)


def test_services_that_are_all_the_same_are_made_once(yard: Yard) -> None:
    done = yard.build(*(a_service("nginx", name=name) for name in ("one", "two", "three")), jobs=3)
    assert yard.played() == ["play nginx"]
    assert len({build.image for build in done}) == 1


class Forgetful(FakeRecords):
    """As with --no-cache: nothing of what was saved is found."""

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        return tuple(replace(key, image=None) for key in super().keys(build, base, conductor))


def test_without_the_cache_a_common_layer_is_made_once_in_the_run_too(yard: Yard) -> None:
    yard.world.records = Forgetful(yard.world.engine)
    for _ in range(2):
        yard.made = {}
        yard.asked, yard.players = meeting(), []
        yard.build(a_service("shared", "one", name="one"), a_service("shared", "two", name="two"))
    assert yard.played() == [*["play one"] * 2, *["play shared"] * 2, *["play two"] * 2]


def test_a_failure_ends_what_stands_on_it_and_nothing_else(yard: Yard) -> None:
    failed = threading.Event()
    yard.noticed = lambda event: failed.set() if isinstance(event, StepFailed) else None
    yard.during = lambda step: reached(failed) if step.startswith("mail/") else None
    yard.world.player.failures["nginx"] = PlayFailedError("no")
    services = a_service("nginx"), on("web", "app", name="shop"), on("shop", name="blog"), a_service("app", name="mail")
    with pytest.raises(PlayFailedError, match="no") as caught:
        yard.build(*services)
    assert caught.value.step == "web/nginx/provision"
    assert "mail/tag" in yard.started()
    assert not any(step.startswith(("shop/", "blog/")) for step in yard.started())
    assert [event.message for event in yard.world.emitted(Warned) if isinstance(event, Warned)] == [
        "service shop is not built, since it starts from web",
        "service blog is not built, since it starts from shop",
    ]
    assert yard.world.engine.containers == {}


def test_all_failures_are_told_in_build_order_and_the_first_gives_the_exit_code(yard: Yard) -> None:
    second = threading.Event()
    yard.noticed = lambda event: second.set() if isinstance(event, StepFailed) else None
    yard.during = lambda step: reached(second) if step.startswith("one/") else None
    yard.world.player.failures |= {"first": PushFailedError("late"), "second": PlayFailedError("soon")}
    with pytest.raises(SeveralServicesError) as caught:
        yard.build(a_service("first", name="one"), a_service("second", name="two"), a_service("app", name="three"))
    assert [error.message for error in caught.value.errors] == ["late", "soon"]
    assert [error.step for error in caught.value.errors] == ["one/first/provision", "two/second/provision"]
    assert caught.value.exit_code == PushFailedError.exit_code
    assert "three/tag" in yard.started()


def test_after_a_failure_nothing_is_pushed(yard: Yard) -> None:
    yard.world.player.failures["nginx"] = PlayFailedError("no")
    with pytest.raises(PlayFailedError):
        yard.build(a_service("nginx"), a_service("app", name="mail"), catalogue=CATALOGUE)
    assert "push" not in yard.world.verbs()


def test_names_are_pushed_in_order_when_all_services_are_built(yard: Yard) -> None:
    yard.build(a_service("nginx", name="one"), a_service("app", name="two"), catalogue=CATALOGUE)
    assert yard.started()[-4:] == ["one/share", "one/push", "two/share", "two/push"]
    pushes = [call.split()[1] for call in yard.world.engine.calls if call.startswith("push")]
    assert pushes == ["shop-one:1.2.0", "shop-one:latest", "shop-two:1.2.0", "shop-two:latest"]


def test_keep_keeps_the_target_and_the_conductor_of_the_failed_service_only(yard: Yard) -> None:
    yard.during = meeting(6)
    yard.world.player.failures["nginx"] = PlayFailedError("no")
    with pytest.raises(PlayFailedError):
        yard.build(a_service("nginx"), a_service("app", name="mail"), keep=True)
    assert len(yard.world.engine.containers) == 1
    assert [player.running is None for player in yard.players] == [False, True]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_threads_at_once(yard: Yard, keep: bool, number: int, code: int) -> None:  # noqa: FBT001
    main, meet, cleared = threading.main_thread().ident, meeting(), threading.Event()
    assert main

    def play(step: str) -> None:
        meet()
        if step.startswith("one/"):
            signal.pthread_kill(main, number)
        reached(cleared)  # as a play ends when its container is removed
        raise PlayFailedError("the conductor has gone")

    yard.during, yard.clear = play, cleared.set
    with Stoppable(), pytest.raises(StopRequested) as stopped:
        yard.build(*(a_service(name, name=name) for name in ("one", "two", "three")), keep=keep)
    assert stopped.value.exit_code == code
    assert yard.world.emitted(StepFailed) == []
    assert not any(step.startswith("three/") for step in yard.started())
    assert yard.world.engine.containers == {}
    assert [player.running for player in yard.players] == [None, None]


def test_a_thread_that_does_not_end_is_left_behind(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "PATIENCE", 0.0)
    over, stuck = threading.Event(), threading.Event()

    def play(step: str) -> None:
        if step.startswith("one/"):
            stuck.set()
            reached(over)
        else:
            reached(stuck)
            raise ZeroDivisionError

    yard.during = play
    with pytest.raises(ZeroDivisionError):
        yard.build(a_service("nginx", name="one"), a_service("app", name="two"))
    assert [player.running is None for player in yard.players] == [False, True]
    over.set()


def test_a_defect_in_a_thread_stops_the_others(yard: Yard) -> None:
    cleared = threading.Event()

    def play(step: str) -> None:
        if step.startswith("two/"):
            raise ZeroDivisionError
        reached(cleared)

    yard.during, yard.clear = play, cleared.set
    with pytest.raises(ZeroDivisionError):
        yard.build(a_service("nginx", name="one"), a_service("app", name="two"))
    assert "one/commit" not in yard.started()
    assert yard.world.engine.containers == {}


def test_tools_that_cannot_be_had_stop_the_run(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def hire(_: int) -> Tools:
        raise PipelineError("no engine answers")

    monkeypatch.setattr(yard, "hire", hire)
    with pytest.raises(PipelineError, match="no engine answers"):
        yard.build(a_service("nginx", name="one"), a_service("app", name="two"))
