"""Bases as images: pulled, bootstrapped by an mmdebstrap of our own, fetched."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest

from pipeline.errors import NotFoundError, PipelineError, UsageError
from pipeline.events import Event, Output, Transfer
from pipeline.image_config import ImageConfig
from pipeline.recipe import BaseImage, Bootstrap, Rootfs
from pipeline.root_archive import settled
from pipeline.roots import ROOT_CONFIG, ROOTFS_CONFIG, EngineRoots, _roomy, name_of
from tests.unit.fake_engine import FakeEngine

TRIXIE = Bootstrap("trixie")
DEBIAN = BaseImage("debian:12")
MMDEBSTRAP = """\
#!/bin/sh
echo "$TMPDIR" >> {folder}/calls
for word; do echo "I: $word"; done
{end}
for word; do case "$word" in */root.tar) cp {folder}/made.tar "$word"; esac; done
"""


@dataclass
class Home:
    """A folder with a PATH of its own, an engine, and what was emitted."""

    folder: Path
    engine: FakeEngine = field(default_factory=FakeEngine)
    events: list[Event] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    number: int = 1

    def roots(self, *, refresh: bool = False, fresh: set[str] | None = None) -> EngineRoots:
        return EngineRoots(
            self.engine,
            self.events.append,
            folder=self.folder,
            labels={"io.baseimage.owner": "us", "io.baseimage.run": "1"},
            environ={"PATH": f"{self.folder}/bin:/usr/bin:/bin"},
            lock=self.lock,
            refresh=refresh,
            number=lambda _: self.number,
            fresh=fresh,
        )

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        self.locked.append(name)
        yield

    def install(self, end: str = "") -> None:
        """An mmdebstrap that says its arguments and makes a root."""
        (self.folder / "bin").mkdir()
        program = self.folder / "bin" / "mmdebstrap"
        program.write_text(MMDEBSTRAP.format(folder=self.folder, end=end))
        program.chmod(0o755)

    def runs(self) -> int:
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def verbs(self) -> list[str]:
        return [call.split(" ")[0] for call in self.engine.calls]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("pipeline.roots._own_mounts", lambda _: ())
    monkeypatch.setattr("pipeline.roots._roomy", lambda: str(tmp_path))
    with tarfile.open(tmp_path / "made.tar", "w") as archive:
        for name in ("./bin/sh", "./var/lib/apt/lists", "./var/cache/apt"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return Home(tmp_path)


def rootfs(home: Home, source: str = "made.tar") -> Rootfs:
    return Rootfs(source, hashlib.sha256((home.folder / "made.tar").read_bytes()).hexdigest())


# images


def in_registry(home: Home) -> None:
    home.engine.registry[DEBIAN.reference] = FakeEngine().images.setdefault(
        "x", replace(home.engine.images[home.engine.add_image("template:1")])
    )
    home.engine.calls.clear()


def test_an_image_that_is_not_there_is_pulled_with_its_progress(home: Home) -> None:
    in_registry(home)
    image = home.roots().ensure(DEBIAN, "web/base")
    assert image == home.roots().find(DEBIAN)
    assert home.events == [Transfer("web/base", "layer", "Pull complete", 1, 1)]


def test_an_image_that_is_there_is_not_pulled(home: Home) -> None:
    home.engine.add_image(DEBIAN.reference)
    home.engine.calls.clear()
    home.roots().ensure(DEBIAN, "web/base")
    assert home.engine.calls == []


@pytest.mark.parametrize("there", [False, True])
def test_a_refresh_pulls_once_in_a_run_whether_it_was_there_or_not(home: Home, there: bool) -> None:  # noqa: FBT001
    in_registry(home)
    if there:
        home.engine.add_image(DEBIAN.reference)
    roots = home.roots(refresh=True)
    for _ in range(3):
        roots.ensure(DEBIAN, "web/base")
    assert home.verbs().count("pull") == 1


def test_an_image_that_nobody_has_is_an_error_of_the_engine(home: Home) -> None:
    with pytest.raises(NotFoundError):
        home.roots().ensure(DEBIAN, "web/base")
    assert home.roots().find(DEBIAN) is None


# bootstrapped


@pytest.mark.allow("process")
def test_a_bootstrapped_root_is_made_once_and_named_after_its_inputs(home: Home) -> None:
    home.install()
    image = home.roots().ensure(TRIXIE, "web/base")
    assert home.roots().ensure(TRIXIE, "web/base") == image
    assert home.runs() == 1
    assert image.tags == (name_of(TRIXIE),)
    assert image.config == ROOT_CONFIG
    assert home.engine.images[image.id].files >= {"/bin/sh"}
    assert Output("web/base", "I: --variant=minbase") in home.events
    assert Output("web/base", "I: trixie") in home.events
    assert home.locked == [name_of(TRIXIE)]


@pytest.mark.allow("process")
def test_the_scratch_folder_goes_and_was_the_tools_own(home: Home) -> None:
    home.install()
    home.roots().ensure(TRIXIE, "web/base")
    used = Path((home.folder / "calls").read_text().strip())
    assert used.name.startswith("baseimage-root-")
    assert not used.exists()


@pytest.mark.allow("process")
@pytest.mark.parametrize("there", [False, True])
def test_a_refresh_bootstraps_once_in_a_run(home: Home, there: bool) -> None:  # noqa: FBT001
    home.install()
    if there:
        home.engine.add_image(name_of(TRIXIE))
    roots = home.roots(refresh=True)
    for _ in range(3):
        roots.ensure(TRIXIE, "web/base")
    assert home.runs() == 1


@pytest.mark.allow("process")
def test_what_was_refreshed_for_one_job_is_fresh_for_the_others(home: Home) -> None:
    home.install()
    in_registry(home)
    fresh: set[str] = set()
    for base in (TRIXIE, DEBIAN):
        for _ in range(2):
            home.roots(refresh=True, fresh=fresh).ensure(base, "web/base")
    assert home.runs() == home.verbs().count("pull") == 1


@pytest.mark.allow("process")
def test_another_process_that_made_the_root_meanwhile_is_not_repeated(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.install()

    @contextmanager
    def waited(name: str) -> Iterator[None]:
        home.engine.add_image(name)
        yield

    monkeypatch.setattr(home, "lock", waited)
    home.roots().ensure(TRIXIE, "web/base")
    assert home.runs() == 0


@pytest.mark.allow("process")
def test_a_tool_that_fails_is_quoted(home: Home) -> None:
    home.install("echo 'E: no such suite' >&2; exit 25")
    with pytest.raises(PipelineError, match=r"could not make a root from trixie's packages \(exit code 25\)") as caught:
        home.roots().ensure(TRIXIE, "web/base")
    assert caught.value.detail.endswith("E: no such suite")
    assert len(caught.value.detail.splitlines()) <= 20
    assert "mirror" in caught.value.hint
    assert home.engine.images == {}
    assert list(home.folder.glob("baseimage-root-*")) == []


def test_without_the_tool_the_user_is_told_both_ways_out(home: Home) -> None:
    (home.folder / "bin").mkdir()
    roots = home.roots()
    roots._environ = {"PATH": f"{home.folder}/bin"}
    with pytest.raises(UsageError, match="needs mmdebstrap, which is not installed") as caught:
        roots.ensure(TRIXIE, "web/base")
    assert caught.value.hint == "apt-get install mmdebstrap, or use an image: from: debian:12-slim"


def test_without_the_tool_a_root_is_made_elsewhere_where_that_is_possible(home: Home) -> None:
    asked: list[object] = []

    def elsewhere(base: Bootstrap, archive: Path, step: str) -> float:
        asked.append((base, step))
        archive.write_bytes((home.folder / "made.tar").read_bytes())
        return time.time()

    roots = home.roots()
    roots._environ, roots._elsewhere = {"PATH": "/nowhere"}, elsewhere
    assert roots.ensure(TRIXIE, "web/base").config == ROOT_CONFIG
    assert asked == [(TRIXIE, "web/base")]


@pytest.mark.parametrize("late", [0, 3600])
def test_a_bootstrapped_root_is_as_old_as_its_newest_package_whatever_time_it_is_elsewhere(
    home: Home, late: float
) -> None:
    def elsewhere(_base: Bootstrap, archive: Path, _step: str) -> float:
        now = time.time() - late
        with tarfile.open(archive, "w") as files:
            for name, mtime in (("made", now), ("newer", 1_700_000_000), ("old", 5), ("also", now)):
                head = tarfile.TarInfo(name)
                head.mtime = mtime
                files.addfile(head)
        return now

    roots = home.roots()
    roots._environ, roots._elsewhere = {"PATH": "/nowhere"}, elsewhere
    roots.ensure(TRIXIE, "web/base")
    assert f"import_root {name_of(TRIXIE)} 1700000000" in home.engine.calls


def test_a_settled_root_is_in_order_and_has_no_time_of_its_making(tmp_path: Path) -> None:
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as files:
        for name, mtime in (("./made", 2_000), ("./b", 1_500), ("./a", 5)):
            head = tarfile.TarInfo(name)
            head.mtime = mtime
            files.addfile(head)
    assert settled(archive, 2_000) == 1_500
    with tarfile.open(archive) as files:
        assert [(head.name, head.mtime) for head in files] == [("a", 5), ("b", 1_500), ("made", 1_500)]


def test_the_order_in_which_packages_came_makes_no_difference_to_a_settled_root(tmp_path: Path) -> None:
    made = []
    for number, of_a_package in enumerate((1_400, 1_900)):  # a folder that two packages have
        archive = tmp_path / f"{number}.tar"
        with tarfile.open(archive, "w") as files:
            for name, mtime, kind in (("./etc", of_a_package, tarfile.DIRTYPE), ("./etc/a", 1_500, tarfile.REGTYPE)):
                head = tarfile.TarInfo(name)
                head.mtime, head.type = mtime, kind
                files.addfile(head)
        made.append((settled(archive, 2_000), archive.read_bytes()))
    assert made[0] == made[1]
    assert made[0][0] == 1_500


def test_apt_of_the_machine_that_made_a_root_leaves_no_user_in_it(tmp_path: Path) -> None:
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as files:
        for name in ("./var/lib/apt/lists/partial", "./var/lib/other"):
            head = tarfile.TarInfo(name)
            head.type, head.uid, head.gid = tarfile.DIRTYPE, 42, 7
            files.addfile(head)
    settled(archive, 2_000)
    with tarfile.open(archive) as files:
        assert [(head.uid, head.gid) for head in files] == [(0, 7), (42, 7)]


# tar files


def test_a_tar_file_beside_the_recipe_is_imported_once(home: Home) -> None:
    base = rootfs(home)
    image = home.roots().ensure(base, "web/base")
    assert image.tags == (name_of(base),)
    (home.folder / "made.tar").unlink()
    assert home.roots(refresh=True).ensure(base, "web/base") == image
    assert home.verbs().count("import_root") == 1


def test_a_tar_file_with_another_content_is_refused_with_both_sums(home: Home) -> None:
    base = replace(rootfs(home), sha256="0" * 64)
    with pytest.raises(UsageError, match="is not the expected one: its sha256 is ") as caught:
        home.roots().ensure(base, "web/base")
    assert rootfs(home).sha256 in caught.value.message
    assert caught.value.hint == f"the recipe says {'0' * 64}"
    assert home.engine.images == {}


def test_a_tar_file_that_is_missing_is_said_with_the_place_that_was_looked_at(home: Home) -> None:
    with pytest.raises(UsageError, match=r"the root nope\.tar is not there") as caught:
        home.roots().ensure(rootfs(home, "nope.tar"), "web/base")
    assert caught.value.hint == f"looked for {home.folder}/nope.tar"


URL = "https://example.org/roots/made.tar"


class Answer(io.BytesIO):
    """What a server sends."""

    headers = Message()


def serve(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], object]) -> None:
    def urlopen(url: str, timeout: float) -> object:
        assert (url, timeout) == (URL, 60)
        return answer()

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)


def test_a_tar_file_of_the_web_is_fetched_with_its_progress(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (home.folder / "made.tar").read_bytes()
    answer = Answer(content)
    answer.headers["Content-Length"] = str(len(content))
    serve(monkeypatch, lambda: answer)
    assert home.roots().ensure(rootfs(home, URL), "web/base").config == ROOTFS_CONFIG
    assert home.events == [Transfer("web/base", "made.tar", "downloading", len(content), len(content))]


def test_a_download_that_was_cut_off_is_not_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, lambda: Answer((home.folder / "made.tar").read_bytes()[:-1]))
    with pytest.raises(UsageError, match="is not the expected one"):
        home.roots().ensure(rootfs(home, URL), "web/base")


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError("timed out"), BadStatusLine("nonsense")])
def test_an_address_that_does_not_answer_is_a_failure_with_a_hint(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> Any:
        raise error

    serve(monkeypatch, fail)
    with pytest.raises(PipelineError, match=f"the root {URL} could not be fetched") as caught:
        home.roots().ensure(rootfs(home, URL), "web/base")
    assert caught.value.hint == "check the address and the network"


# names and caches


def test_a_root_is_named_after_everything_that_it_is_made_of() -> None:
    changes = (
        TRIXIE,
        replace(TRIXIE, suite="bookworm"),
        replace(TRIXIE, include=("curl",)),
        replace(TRIXIE, exclude=("nano",)),
        replace(TRIXIE, mirror="http://a.example"),
        replace(TRIXIE, mirror="http://a.example", security=False),
        replace(TRIXIE, components=("main", "contrib")),
        replace(TRIXIE, path_excludes=()),
        replace(TRIXIE, variant="apt"),
        replace(TRIXIE, architecture="arm64"),
    )
    assert len({name_of(base) for base in changes}) == len(changes)
    assert name_of(TRIXIE).startswith("baseimage/base:trixie-")
    assert name_of(Rootfs("a", "ab" * 32)) == name_of(Rootfs("b", "ab" * 32)) == f"baseimage/base:rootfs-{'ab' * 16}"
    assert name_of(DEBIAN) == "debian:12"


@pytest.mark.parametrize(
    ("base", "origin"),
    [
        (TRIXIE, "trixie"),
        (replace(TRIXIE, architecture="arm64", include=("curl",)), "trixie-arm64"),
        (BaseImage("localhost:5000/Deb_ian:12"), "localhost-5000-deb-ian-12"),
        (Rootfs("a", "ab" * 32), "ab" * 8),
    ],
)
def test_package_caches_are_volumes_named_after_the_roots_origin(
    home: Home, base: BaseImage | Bootstrap | Rootfs, origin: str
) -> None:
    image = home.engine.find_image(home.engine.import_root(home.folder / "made.tar", "a:1", ImageConfig()))
    assert image
    mounts = home.roots().caches(base, image)
    assert [(mount.source, mount.target) for mount in mounts] == [
        (f"baseimage-cache-{origin}-var-cache-apt", "/var/cache/apt"),
        (f"baseimage-cache-{origin}-var-lib-apt-lists", "/var/lib/apt/lists"),
    ]
    # Not the run's label: the volume outlives it.
    assert home.engine.volumes == {mount.source: {"io.baseimage.owner": "us"} for mount in mounts}


def test_a_run_beside_another_has_package_caches_of_its_own(home: Home) -> None:
    image = home.engine.find_image(home.engine.import_root(home.folder / "made.tar", "a:1", ImageConfig()))
    assert image
    home.number = 2
    assert [mount.source for mount in home.roots().caches(TRIXIE, image)] == [
        "baseimage-cache-trixie-beside-2-var-cache-apt",
        "baseimage-cache-trixie-beside-2-var-lib-apt-lists",
    ]


def test_a_root_without_a_package_manager_has_no_caches(home: Home) -> None:
    image = home.engine.find_image(home.engine.add_image("scratchlike:1"))
    assert image
    assert home.roots().caches(DEBIAN, image) == ()


@pytest.mark.parametrize(
    ("flags", "free", "place"),
    [(0, 8 << 30, "/dev/shm"), (os.ST_NOEXEC, 8 << 30, None), (0, 1 << 30, None)],  # noqa: S108
    ids=["roomy memory", "memory that runs no programs", "little memory"],
)
def test_roots_are_unpacked_in_memory_only_where_it_has_room_and_runs_programs(
    flags: int, free: int, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.roots.os.statvfs", lambda _: SimpleNamespace(f_flag=flags))
    monkeypatch.setattr("pipeline.roots.shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert _roomy() == place
