"""The bench as a program: python -m tests.bench, or nox -s bench."""

from __future__ import annotations

import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import docker

from tests.bench import base, report, selection
from tests.bench.cases import Case
from tests.bench.measuring import BuildError
from tests.bench.peers import CATALOGUE
from tests.bench.peers.peer import Peer, Place, remove_containers, remove_image
from tests.bench.running import Runner
from tests.bench.tables import duration
from tests.bench.tools import ROOT, MissingError, Tools

PATIENCE = 1800
"""Seconds for one request to the engine; a build of the classic builder is one."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    cases: tuple[Case, ...]
    peers: tuple[str, ...]
    rounds: int | None

    def seconds(self, peers: tuple[str, ...]) -> float:
        """About how long that takes with these builders."""
        return selection.estimate(self.cases, peers, self.rounds)


@click.command()
@click.option("--cases", default="", help=f"Only these, with commas between: {', '.join(selection.groups())}.")
@click.option("--peers", default="", help=f"Only these, with commas between: {', '.join(CATALOGUE)}.")
@click.option("--repeats", type=click.IntRange(min=1), help="Rounds, an odd number.  [default: 3; large cases fewer]")
@click.option("--quick", is_flag=True, help="One round of a few cases, ours and the Dockerfile.")
@click.option("--profile", is_flag=True, help="Also show where the time of our builds goes.")
@click.option("--no-install", is_flag=True, help="Install no Debian packages for the other builders.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / ".nox/bench/samples.json",
    help="Where every sample is written.  [default: .nox/bench/samples.json]",
)
def main(
    *,
    cases: str,
    peers: str,
    repeats: int | None,
    quick: bool,
    profile: bool,
    no_install: bool,
    json_file: Path,
) -> None:
    """Build the same work with every builder that this machine can have, and print times, ratios and bars."""
    try:
        wanted = _wanted(cases, peers, repeats, quick=quick)
    except selection.SelectionError as error:
        raise click.UsageError(str(error)) from error
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was made is removed
    engine = docker.DockerClient.from_env(timeout=PATIENCE)
    unique = uuid.uuid4().hex[:8]
    print(f"the whole run takes {duration(wanted.seconds(wanted.peers))} on two quiet cores", flush=True)
    with tempfile.TemporaryDirectory(prefix="baseimage-bench-") as scratch:
        try:
            reference = base.make(Path(scratch), unique)
        except BuildError as error:
            raise click.ClickException(str(error)) from error
        place = Place(Path(scratch), reference, unique, engine)
        try:
            _measure(wanted, place, Tools(ROOT / ".nox/bench", install=not no_install), json_file, profile=profile)
        finally:
            remove_containers(engine, reference)
            remove_image(engine, reference)


def _wanted(cases: str, peers: str, repeats: int | None, *, quick: bool) -> Wanted:
    names = selection.chosen(cases or (",".join(selection.QUICK) if quick else ""), selection.groups(), "case")
    builders = peers or (",".join(selection.QUICK_PEERS) if quick else "")
    rounds = selection.odd(repeats) if repeats else (1 if quick else None)
    return Wanted(selection.cases_of(names), selection.chosen(builders, tuple(CATALOGUE), "builder"), rounds)


def _measure(wanted: Wanted, place: Place, tools: Tools, json_file: Path, *, profile: bool) -> None:
    found, missing = _found(wanted.peers, place, tools)
    with _cleared(found):
        runner = Runner(found, place.unique, partial(print, flush=True))
        for name, reason in runner.begin().items():
            missing[name] = reason
            found.pop(name).clear()
        for name, reason in missing.items():
            print(f"missing: {name}: {reason}", flush=True)
        if not found:
            raise click.ClickException("no builder is left to be measured")
        peers = tuple(found)
        about = report.about(found, missing, place)
        save: Callable[[], None] = partial(report.save, json_file, about, runner.samples)
        runner.take(selection.turns(wanted.cases, peers, wanted.rounds), save)
        print(report.whole(runner.samples, wanted.cases, found, missing, profile=profile))
        print(f"\nall samples: {json_file}")


def _found(names: tuple[str, ...], place: Place, tools: Tools) -> tuple[dict[str, Peer], dict[str, str]]:
    """The builders that are here, and the reasons of those that are not."""
    found: dict[str, Peer] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            found[name] = CATALOGUE[name](place, tools)
        except MissingError as error:
            missing[name] = str(error)
    return found, missing


@contextmanager
def _cleared(peers: dict[str, Peer]) -> Iterator[None]:
    """Whatever happens, each builder removes what it made."""
    try:
        yield
    finally:
        for name, peer in peers.items():
            try:
                peer.clear()
            except (BuildError, docker.errors.APIError) as error:
                print(f"{name} could not clear up: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
