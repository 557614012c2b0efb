"""Images that this project did not build: what they have, and so which rows of the contract apply to them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from tests.contract.harness import LABEL, Cell, describe

PATHS = {
    "a shell": "/bin/sh",
    "services in /etc/service": "/etc/service",
    "hooks in /etc/my_init.d": "/etc/my_init.d",
    "shutdown hooks": "/etc/my_init.pre_shutdown.d",
    "/etc/container_environment": "/etc/container_environment",
    "setuser": "/usr/local/bin/setuser",
    "container-svc": "/usr/local/bin/container-svc",
}
STAYS, FLAGS, LABELLED = (
    "a container that stays up without a command",
    "the flags of my_init",
    "the label container.init",
)
EVERYTHING = frozenset({*PATHS, STAYS, FLAGS, LABELLED})

SHELL = ("a shell",)
SERVICES = ("a shell", "services in /etc/service", STAYS)
HOOKS = ("a shell", "hooks in /etc/my_init.d")
OURS = ("container-svc",)
"""What a row needs that is not named below."""

NEEDS: dict[str, tuple[str, ...]] = {
    "R1": (LABELLED,),
    "R2": SHELL,
    "R3": SHELL,
    "R4": (*SHELL, STAYS),
    **dict.fromkeys(("S1", "S2", "X1", "X2", "U8"), SHELL),
    "S7": SERVICES,
    "S14": (*HOOKS, STAYS),
    **dict.fromkeys(("X3", "X9", "X10", "K8"), (*SHELL, FLAGS)),
    "X6": HOOKS,
    **dict.fromkeys(("H1", "H2", "H6", "H8", "H9", "E8", "L1", "L2"), SERVICES),
    "H4": (*SERVICES, "shutdown hooks"),
    **dict.fromkeys(("K2", "K3", "K5", "K6"), HOOKS),
    **dict.fromkeys(("K1", "K4"), (*HOOKS, *SERVICES)),
    **dict.fromkeys(("E2", "E5"), (*SERVICES, "/etc/container_environment")),
    **dict.fromkeys(("E3", "L5"), (*SERVICES, "setuser")),
    **dict.fromkeys(("K13", "Z1", "Z3"), ()),
}


@dataclass(frozen=True)
class Guest:
    """An image under test, and what of EVERYTHING it has."""

    cell: Cell
    has: frozenset[str]

    @property
    def ours(self) -> bool:
        """Whether this project built it: then every row applies, or its test itself says why not."""
        return self.has == EVERYTHING

    def lacks(self, rows: Iterable[str]) -> str:
        """What the rows need and the image has not, in words; empty when they apply."""
        needs = dict.fromkeys(need for row in rows for need in NEEDS.get(row, OURS))
        missing = [] if self.ours else [need for need in needs if need not in self.has]
        return f"the image lacks {', '.join(missing)}" if missing else ""


def receive(client: DockerClient, entry: str) -> Guest:
    """Look at an image, named as "cell=image" or by its name alone."""
    name, _, image = entry.partition("=")
    image = image or name
    if "container.init" in client.images.get(image).labels:
        return Guest(describe(client, name, image), EVERYTHING)
    container = client.containers.create(image, labels={LABEL: "contract"})
    try:
        has = {what for what, path in PATHS.items() if _is_there(container, path)}
        options = {name for name in ("cron", "sshd", "syslog-ng") if _is_there(container, f"/etc/service/{name}/run")}
        has |= {STAYS} if _stays(container) else set()
    finally:
        container.remove(force=True)
    if _takes_flags(client, image):
        has.add(FLAGS)
    return Guest(Cell(name, image, "", "", frozenset(options)), frozenset(has))


def _is_there(container: Container, path: str) -> bool:
    try:
        stream, _ = container.get_archive(path)
    except NotFound:
        return False
    for _ in stream:
        pass
    return True


def _stays(container: Container) -> bool:
    """There is no event to wait for where nothing happens: a second is long enough for a program to end."""
    container.start()
    time.sleep(1)
    container.reload()
    return bool(container.status == "running")


def _takes_flags(client: DockerClient, image: str) -> bool:
    flags = ["--skip-startup-files", "--skip-runit", "--quiet", "--", "true"]
    container = client.containers.create(image, flags, labels={LABEL: "contract"})
    try:
        container.start()
        return int(container.wait(timeout=20)["StatusCode"]) == 0
    except Exception:  # noqa: BLE001 - the engine cannot start it, or it does not end: it does not know the flags
        return False
    finally:
        container.remove(force=True)
