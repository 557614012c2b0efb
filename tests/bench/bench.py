"""Times the same work done by a Dockerfile and by the pipeline, side by side: python -m tests.bench.bench [ROUNDS].

Every case runs once in each round, in turn, so that a slow minute of the machine hits all of them. The
printed ratio is that of the medians. Base root and conductor image are there before the clock starts; the
package cache of the pipeline is warm (one run before the first round).
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import docker

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ROUNDS = 3
NAME = "baseimage-bench"


def baseimage(*arguments: str, state: str) -> str:
    """Run the command in the bench's project; its output. Ends the bench when it fails."""
    command = [sys.executable, "-m", "pipeline", "build", "--project", str(HERE), "--log-format", "plain", *arguments]
    environment = {**os.environ, "BASEIMAGE_STATE": state, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout


def dockerfile(client: docker.APIClient, base: str) -> None:
    """Build the Dockerfile with the classic builder and no cache, through the same API."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        archive.add(HERE / "Dockerfile", "Dockerfile")
    context.seek(0)
    lines = client.build(
        fileobj=context, custom_context=True, nocache=True, rm=True, forcerm=True, decode=True,
        buildargs={"BASE": base}, tag=f"{NAME}/dockerfile",
    )  # fmt: skip
    for line in lines:
        if "error" in line:
            raise RuntimeError(line["error"])


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def stage_times(output: str) -> str:
    """The table of seconds per stage out of a plain log, on one line."""
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.split()[:1] == ["STAGE"])
    rows = [line.split() for line in lines[start + 1 :]]
    return ", ".join(f"{row[0]} {row[1]}" for row in rows[: rows.index([])])


def main() -> None:
    """Run all cases and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    client = docker.APIClient(timeout=600)
    with tempfile.TemporaryDirectory(prefix="baseimage-bench-") as state:
        baseimage("--no-cache", state=state)
        history: list[dict[str, Any]] = cast("Any", client).history(f"{NAME}/pipeline:bench.bench.latest")
        base = next(tag for entry in history for tag in entry["Tags"] or () if tag.startswith("baseimage/base:"))
        last: list[str] = []
        cases: dict[str, Callable[[], object]] = {
            "docker build --no-cache": lambda: dockerfile(client, base),
            "pipeline, cold": lambda: last.append(baseimage("--no-cache", state=state)),
            "pipeline, cold, mitogen off": lambda: baseimage("--no-cache", "--strategy", "docker", state=state),
            "pipeline, nothing changed": lambda: baseimage(state=state),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, work in cases.items():
                times[name].append(timed(work))
    report(times, last[-1])


def report(times: dict[str, list[float]], log: str) -> None:
    """Print minimum, median, maximum and the ratio to the Dockerfile."""
    reference = statistics.median(times["docker build --no-cache"])
    print(f"{'case':<30} {'min':>7} {'median':>7} {'max':>7}  ratio")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<30} {min(values):6.2f}s {median:6.2f}s {max(values):6.2f}s  {median / reference:.2f} x")
    print(f"\nwhere the cold build's time goes: {stage_times(log)}")


if __name__ == "__main__":
    main()
