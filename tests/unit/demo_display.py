"""A scripted build for eyes: `python -m tests.unit.demo_display [auto|tty|plain|json|quiet] [--fail] [--many]`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from pipeline.display import Mode, open_display
from pipeline.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Event,
    ImageBuilt,
    Layer,
    Output,
    Pushed,
    Retrying,
    StepCached,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskFinished,
    TaskStarted,
    TaskStatus,
    Transfer,
    Warned,
)

ROLES = ("tini", "runit", "cron", "sshd", "syslog_ng")
MODES: dict[str, Mode] = {"auto": "auto", "tty": "tty", "plain": "plain", "json": "json", "quiet": "quiet"}
REGISTRY = "registry.example.com/acme"
DIGEST = "sha256:" + "3f2a9c81d0aa4b5e" * 4
TASKS: tuple[tuple[str, TaskStatus, float], ...] = (
    ("Install the packages", "changed", 1.2),
    ("Create the run directories", "ok", 0.3),
    ("Write the run script", "changed", 0.4),
    ("Add the service user", "skipped", 0.1),
)
Scene = Iterator[Event | float]


def script(*, fail: bool = False, many: bool = False) -> Scene:
    """The events of a build; a number is a pause in seconds."""
    services = tuple(f"app{number}" for number in range(12)) if many else ("lean", "full")
    steps = [step for service in services for step in step_ids(service)]
    yield BuildStarted("acme-base", "1.4.0", "recipes/base.yml", services, tuple(steps), "7f3c")
    for service in services:
        yield from one_service(service, fail=fail and service == services[-1])
    if not fail:
        yield BuildFinished(101.7, len(services))


def step_ids(service: str) -> list[str]:
    """The ids of the steps of a service."""
    roles = [f"{service}/{role}/{stage}" for role in ROLES for stage in ("target", "provision", "commit")]
    before, after = ("initialize", "base", "conductor"), ("commit", "verify", "tag", "push")
    return [*(f"{service}/{s}" for s in before), *roles, *(f"{service}/{s}" for s in after)]


def one_service(service: str, *, fail: bool) -> Scene:
    """All stages of one service."""
    yield from simple(service, "initialize", "modules and collections", "3 modules", 0.4)
    yield from base(service)
    yield StepCached(f"{service}/conductor", service, "conductor", "", "the image and its runtime volume are there")
    for role in ROLES:
        if fail and role == "sshd":
            yield from failed(service, role)
            return
        yield from one_role(service, role)
    yield from simple(service, "commit", "entrypoint, user, labels", "5 settings", 0.3)
    yield from simple(service, "verify", "the contract of the image", "14 checks", 1.2)
    yield from simple(service, "tag", "2 tags", "1.4.0, latest", 0.1)
    yield from push(service)


def simple(service: str, stage: str, title: str, detail: str, seconds: float) -> Scene:
    """A stage without tasks."""
    step = f"{service}/{stage}"
    yield from (StepStarted(step, service, stage, "", title), seconds, StepFinished(step, seconds, detail))


def base(service: str) -> Scene:
    """A root that is made, then fetched."""
    step = f"{service}/base"
    yield StepStarted(step, service, "base", "", "root from trixie")
    for number in range(12):
        yield Output(step, f"I: unpacking \x1b[1mlibpackage{number}\x1b[0m (1.{number}-2+deb13u1) over an older one …")
        yield Transfer(step, f"layer{number % 3}", "Downloading", 1_300_000 * (number + 1), 17_900_000)
        yield 0.2
    yield Warned("the mirror is two days old", "set `mirror:` in recipes/base.yml", "recipes/base.yml:14")
    yield StepFinished(step, 2.4, "119.8 MB")


def one_role(service: str, role: str) -> Scene:
    """A role: target, provision, commit; one role is cached."""
    if role == "runit":
        yield from (
            StepCached(f"{service}/{role}/{s}", service, s, role, "same inputs")
            for s in ("target", "provision", "commit")
        )
        return
    for stage in ("target", "provision", "commit"):
        step = f"{service}/{role}/{stage}"
        yield StepStarted(step, service, stage, role, role)
        yield from tasks(step, role) if stage == "provision" else (0.3,)
        yield StepFinished(step, 2.0 if stage == "provision" else 0.3, "12.3 MB" if stage == "commit" else "")


def tasks(step: str, role: str) -> Scene:
    """The tasks of a role."""
    for task, status, seconds in TASKS:
        yield TaskStarted(step, role, task, f"roles/{role}/tasks/main.yml:3")
        yield seconds / 2
        yield Output(step, f"[WARNING]: {role}: the module says more than anyone wants to read on one line of a tree")
        yield seconds / 2
        yield TaskFinished(step, role, task, status, seconds)


def failed(service: str, role: str) -> Scene:
    """A role whose task fails."""
    step, place, said = f"{service}/{role}/provision", f"roles/{role}/tasks/main.yml:12", "no package opensshd"
    yield StepStarted(step, service, "provision", role, role)
    yield TaskStarted(step, role, "Install the packages", place)
    yield 1.0
    yield TaskFinished(step, role, "Install the packages", "failed", 1.0, said)
    yield StepFailed(step, 1.0, said)
    detail = "Reading package lists...\nBuilding dependency tree...\nE: Unable to locate package opensshd\n"
    hint = "correct the name, or refresh the package lists with `nox -s build -- --refresh`"
    yield BuildFailed(f"role {role}: Install the packages: {said}", hint, place, detail, step)


def push(service: str) -> Scene:
    """A push that is tried twice."""
    step, tags = f"{service}/push", (f"{REGISTRY}/{service}:1.4.0", f"{REGISTRY}/{service}:latest")
    yield StepStarted(step, service, "push", "", f"{REGISTRY}/{service}")
    for number in range(10):
        yield Transfer(step, "sha256:aa", "Pushing", 4_560_000 * (number + 1), 45_600_000)
        if number == 3:
            yield Retrying("push", 2, 1.0, "503 from the registry")
        yield 0.2
    yield from (Pushed(tag, DIGEST) for tag in tags)
    yield StepFinished(step, 2.0, "2 tags")
    yield image(service, tags)


def image(service: str, tags: tuple[str, ...]) -> ImageBuilt:
    """What the build made."""
    sizes = (80_100_000, 61_000, 1_200_000, 410_000, 7_900_000, 12_300_000)
    names = ("base trixie", *(f"role {role}" for role in ROLES))
    layers = tuple(Layer(name, size, name == "role runit") for name, size in zip(names, sizes, strict=True))
    stages = {"initialize": 0.4, "base": 2.4, "provision": 95.0, "verify": 1.2, "push": 2.0}
    return ImageBuilt(service, DIGEST, tags, sum(sizes), layers, stages, f"docker run --rm -it {tags[0]} bash")


def main() -> None:
    """Play the script on this terminal."""
    words = sys.argv[1:]
    mode = next((MODES[word] for word in words if word in MODES), MODES["auto"])
    environ = os.environ  # noqa: TID251 - this is a command of its own
    with open_display(mode, stdout=sys.stdout, stderr=sys.stderr, environ=environ) as sink:
        for event in script(fail="--fail" in words, many="--many" in words):
            if isinstance(event, float):
                time.sleep(event)
            else:
                sink(event)


if __name__ == "__main__":
    main()
