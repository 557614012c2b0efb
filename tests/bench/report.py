"""The report of a run: on the terminal, and as a file of all samples."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench import tables
from tests.bench.bars import OURS, bars
from tests.bench.base import INCLUDED, SUITE
from tests.bench.cases import Case
from tests.bench.figures import Sample, Samples
from tests.bench.peers.ours import Ours
from tests.bench.peers.peer import Peer, Place
from tests.bench.phases import containers_started, phases

SCHEMA = 1


def about(found: Mapping[str, Peer], missing: Mapping[str, str], place: Place) -> dict[str, Any]:
    """What the samples were taken with."""
    machine = {
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "engine": place.engine.version()["Version"],
    }
    there = {name: {"title": peer.title, "version": peer.version()} for name, peer in found.items()}
    absent = {name: {"missing": reason} for name, reason in missing.items()}
    base = {"suite": SUITE, "include": INCLUDED, "image": place.engine.images.get(place.base).id}
    return {"schema": SCHEMA, "machine": machine, "base": base, "builders": there | absent}


def save(file: Path, head: Mapping[str, Any], samples: Sequence[Sample]) -> None:
    """Write everything that was measured so far."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**head, "samples": [asdict(sample) for sample in samples]}, indent=1)
    file.write_text(f"{text}\n", encoding="utf-8")


def whole(
    taken: Sequence[Sample],
    cases: Sequence[Case],
    found: Mapping[str, Peer],
    missing: Mapping[str, str],
    *,
    profile: bool,
) -> str:
    """Times, growth, bars, failures, the table for the README and, where asked for, our phases."""
    samples = Samples(taken)
    ours = found.get(OURS)
    nothing = ours.last.get("nothing") if isinstance(ours, Ours) else None
    held = bars(samples, containers=containers_started(nothing.events) if nothing else None)
    parts = [
        tables.detailed(samples, cases, tuple(found)),
        tables.growth(samples, tuple(found)),
        f"most memory of our process: {samples.peak(OURS) / 1e6:.0f} MB" if ours else "",
        tables.bar_lines(held),
        "\n".join(f"FAILED   {each.case} {each.peer}: {each.reason}" for each in taken if each.failed),
        "\n".join(f"missing  {name}: {reason}" for name, reason in missing.items()),
        tables.markdown(samples, cases, {name: peer.title for name, peer in found.items()}),
        "\n".join(f"{name:<11} {peer.title}: {peer.version()}" for name, peer in found.items()),
        _profile(ours, cases) if profile and isinstance(ours, Ours) else "",
    ]
    return "\n\n".join(part for part in ("", *parts) if part or part is parts[0])


def _profile(ours: Ours, cases: Sequence[Case]) -> str:
    """The phases of the last build of each case that is one image."""
    lines = []
    for case in cases:
        said = ours.last.get(case.name)
        if said and not case.name.startswith("matrix"):
            lines.append(f"where our time goes, {case.title}: {said.ended - said.started:.2f} s")
            found = phases(said.events, said.started, said.ended)
            lines += [f"  {name:<36} {seconds:6.2f} s" for name, seconds in found.items() if abs(seconds) >= 0.005]
    return "\n".join(lines)
