"""Whether engines of two versions make the same images of this commit: `python -m tests.two_engines [RECIPE …]`.

Each engine is a Debian suite's own docker.io in a container (bookworm has 20.10, trixie 26.1), empty at first, with
records of its own: each makes its own roots and its own conductor, builds every recipe and pushes it to a registry,
once as it is and once as a release. What the registries have is then compared, service by service. Exit code 1 where a
digest differs; what of the image, is told.

Takes root, mmdebstrap, docker-registry, an engine on this machine, and some six minutes for each engine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from pipeline.archive_difference import compared
from pipeline.docker_engine import connect
from tests.project.far_engine import Far, reachable_from
from tests.project.harness import ROOT
from tests.project.suite_engine import suite_engine

PROJECT, REPOSITORY = "debian", "two"
FIRST, BUILT_ON = "tini-runit", "from-image"
"""A recipe, and the one that is built on its image."""
WAYS = {"plain": (), "release": ("--gitflow", "--no-sbom", "--no-provenance")}
"""How a recipe is built. What else is attached to a release is sent from here, by https only."""


@dataclass(frozen=True)
class Engine:
    """An engine, how it is called here, and the folder of its records."""

    name: str
    far: Far
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to work with it."""
        return {**os.environ, "DOCKER_HOST": self.far.address, "BASEIMAGE_STATE": str(self.folder)}


@dataclass
class Found:
    """What came of one service: image ids and manifests' digests, by engine."""

    recipe: str
    service: str
    way: str
    images: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether the registries got the same manifest from every engine."""
        return len(set(self.digests.values())) == 1


def main(arguments: list[str]) -> int:
    """Build, compare, print; 1 where something differs or cannot be built."""
    parser = argparse.ArgumentParser(prog="tests.two_engines", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engines", nargs="+", default=["bookworm", "trixie"], metavar="SUITE[+containerd]")
    parser.add_argument("recipes", nargs="*", default=shipped(), metavar="RECIPE")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baseimage-test-")))
        near = docker.from_env(timeout=600)
        stack.callback(near.close)
        engines = [Engine(name, stack.enter_context(made(near, name)), folder / name) for name in given.engines]
        for each in engines:
            each.folder.mkdir()
            version = each.far.client.version()
            print(f"{each.name}: Docker {version['Version']}, made with {version['GoVersion']}", flush=True)
        place = f"127.0.0.1:{free_port()}"
        checkout = cloned(folder, place)
        found, failed = list[Found](), list[str]()
        for recipe, way in itertools.product(given.recipes, WAYS):
            try:
                found += built(engines, checkout, place, recipe, way)
            except RuntimeError as error:  # the others are of interest all the same
                failed.append(str(error))
        print(table(found, given.engines), *failed, sep="\n\n")
        for row in (row for row in found if not row.same):
            print(f"\n{row.recipe}, {row.service}, {row.way}:", *told(engines, row), sep="\n  ")
    return 0 if not failed and all(row.same for row in found) else 1


def made(near: docker.DockerClient, name: str) -> AbstractContextManager[Far]:
    """The engine of that name."""
    suite, _, store = name.partition("+")
    return suite_engine(near, suite, containerd=bool(store))


def shipped() -> list[str]:
    """Every recipe but links to others, the one that is built on another at the end."""
    names = sorted(path.stem for path in (ROOT / "recipes").glob("*.yml") if not path.is_symlink())
    return sorted(names, key=lambda name: (name == BUILT_ON, name != FIRST))


def cloned(folder: Path, place: str) -> Path:
    """This commit, with one of the same time on top of it that gives the images their place in the registry."""
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)

    def git(*words: str, **environment: str) -> str:
        command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org", *words]
        surroundings = os.environ | environment
        return subprocess.run(
            command, cwd=checkout, env=surroundings, check=True, capture_output=True, text=True
        ).stdout

    git("checkout", "-B", "main")
    (checkout / "image.txt").write_text(f"repository = {place}/{REPOSITORY}\nproject = {PROJECT}\n")
    date = git("log", "-1", "--format=%cI").strip()
    git("commit", "--all", "--message", "A place", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    return checkout


def built(engines: list[Engine], checkout: Path, place: str, recipe: str, way: str) -> list[Found]:
    """Build and push a recipe on each engine, one after the other; what the registry has of each service.

    Each engine finds a registry of its own at the same address, so that none takes what another has pushed.
    """
    rows: dict[str, Found] = {}
    for each in engines:
        started = time.monotonic()
        with serving(each.folder / way, place), reachable_from(each.far, place):
            services = pushed(each, checkout, place, recipe, way)
        print(f"{recipe}, {way}, on {each.name}: {time.monotonic() - started:.0f} s", flush=True)
        for service, said in services.items():
            row = rows.setdefault(service, Found(recipe, service, way))
            row.images[each.name], row.digests[each.name] = said["image"], said["digest"]
    return list(rows.values())


def pushed(engine: Engine, checkout: Path, place: str, recipe: str, way: str) -> dict[str, Any]:
    """Services of a recipe that was built and pushed, as the metadata file tells of them."""
    metadata, log = engine.folder / f"{recipe}.json", engine.folder / f"{recipe}.log"
    base = ("--var", f"image={place}/{REPOSITORY}:{PROJECT}.{FIRST}.latest") if recipe == BUILT_ON else ()
    command = [sys.executable, "-m", "pipeline", "build", recipe, "--reproducible", "--push", *WAYS[way], *base]
    command += ["--log-format", "plain", "--metadata-file", str(metadata)]
    with log.open("wb") as output:
        code = subprocess.call(command, cwd=checkout, env=engine.environment, stdout=output, stderr=output)
    if code:
        raise RuntimeError(f"{recipe} on {engine.name} ended with {code}\n{log.read_text()[-5000:]}")
    services: dict[str, Any] = json.loads(metadata.read_text())["services"]
    return services


def table(found: list[Found], names: list[str]) -> str:
    """The digests in Markdown, and whether the images' ids are the same, too."""
    lines = [["recipe", "service", "as", *names, "manifest", "image id"], ["---"] * (len(names) + 5)]
    for row in found:
        digests = (row.digests[name].removeprefix("sha256:")[:12] for name in names)
        ids = "same" if len(set(row.images.values())) == 1 else "differs"
        lines.append([row.recipe, row.service, row.way, *digests, "same" if row.same else "**differs**", ids])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def told(engines: list[Engine], row: Found) -> tuple[str, ...]:
    """What differs between the images of the first engine and of the first that has another one."""
    one = engines[0]
    other = next(each for each in engines if row.digests[each.name] != row.digests[one.name])
    ours, theirs = row.images[one.name], row.images[other.name]
    archive = other.far.client.api.get_image(theirs)
    said = [str(item) for item in one.far.client.api.load_image(archive)]  # type: ignore[no-untyped-call]
    if not any(theirs in item for item in said):
        return ("the engines store images in other ways", *said)
    engine = connect(one.environment)
    try:
        return compared(engine, ours, theirs) or ("the images are the same, only the manifests differ",)
    finally:
        engine.close()


@contextmanager
def serving(folder: Path, place: str) -> Iterator[None]:
    """A registry at that address that takes everything from everybody, and keeps it in the folder."""
    folder.mkdir(exist_ok=True)
    settings = folder / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}"
    settings.write_text(f'version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: "{place}"}}\n')
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
