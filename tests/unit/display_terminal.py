"""A screen for tests of the live display, and a build to show on it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console

from pipeline import console, console_rows, console_state, console_tree
from pipeline.display import open_display
from pipeline.events import (
    BuildStarted,
    Event,
    ImageBuilt,
    Layer,
    Output,
    StepCached,
    StepFinished,
    StepStarted,
    TaskFinished,
    TaskStarted,
)

STEPS = ("base", "tini/target", "tini/provision", "tini/commit", "sshd/provision", "verify", "push")
STARTED = BuildStarted("acme", "1.4.0", "recipes/base.yml", ("full",), tuple(f"full/{step}" for step in STEPS), "r1")
RUNNING: tuple[Event, ...] = (
    STARTED,
    StepStarted("full/base", "full", "base", "", "root from trixie"),
    StepFinished("full/base", 21.3, "119.8 MB"),
    *(
        StepCached(f"full/tini/{stage}", "full", stage, "tini", "same inputs")
        for stage in ("target", "provision", "commit")
    ),
    StepStarted("full/sshd/provision", "full", "provision", "sshd", "sshd"),
    TaskFinished("full/sshd/provision", "sshd", "First", "ok", 1.0),
    TaskStarted("full/sshd/provision", "sshd", "Install [bold]packages[/]", ""),
    Output("full/sshd/provision", "\x1b[31mUnpacking\x1b[0m openssh-server"),
)
BUILT = ImageBuilt(
    "full",
    "sha256:" + "ab" * 32,
    ("registry.example.com/acme/full:1.4.0",),
    80_161_000,
    (Layer("base trixie", 80_100_000, cached=False), Layer("role tini", 61_000, cached=True)),
    {"base": 21.3, "provision": 95.0},
    "docker run --rm -it --entrypoint /bin/bash registry.example.com/acme/full:1.4.0 --login",
)


class Terminal(io.StringIO):
    """A screen of `width` columns that obeys what the display sends, and wraps its lines when it gets narrower."""

    def __init__(self, width: int = 100, *, tty: bool = False) -> None:
        super().__init__()
        self.width, self.tty, self.rows, self.row, self.cursor = width, tty, [""], 0, True

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            self._obey(piece)
        return super().write(text)

    def _obey(self, piece: str) -> None:
        if piece == "\n":
            self.row += 1
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif piece == "\x1b[1A":
            self.row = max(0, self.row - 1)
        elif piece == "\x1b[2K":
            self.rows[self.row] = ""
        elif piece in ("\x1b[?25l", "\x1b[?25h"):
            self.cursor = piece.endswith("h")
        elif not piece.startswith(("\x1b", "\r")):
            self.rows[self.row] += piece

    def narrow(self, width: int) -> None:
        wrapped = [row[i : i + width] for row in self.rows for i in range(0, max(1, len(row)), width)]
        self.rows, self.row, self.width = wrapped, len(wrapped) - 1, width

    @property
    def screen(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows).rstrip()


def drawn(*events: Event, width: int = 100, height: int = 40, later: float = 0.0) -> str:
    """One frame of the tree, `later` seconds after the events."""
    state = console_state.BuildState()
    for event in events:
        state.apply(event, 100.0)
    frame = console_tree.Frame(lambda rows: (console_rows.fitting(state, 100.0 + later, rows), 100.0 + later))
    return on_screen(lambda screen: screen.print(frame, end=""), width, height)


def on_screen(act: Callable[[Console], object], width: int, height: int) -> str:
    terminal = Terminal(width)
    environ = {"TERM": "xterm", "COLUMNS": str(width), "LINES": str(height)}
    act(console.console_on(terminal, environ))
    return terminal.screen


def played(
    *events: Event, width: int = 100, stderr: io.StringIO | None = None, **environ: str
) -> tuple[Terminal, io.StringIO]:
    """A whole build on a terminal."""
    out, err = Terminal(width), stderr or io.StringIO()
    environ = {"TERM": "xterm", "COLUMNS": str(width), "LINES": "40", **environ}
    with open_display("tty", stdout=out, stderr=err, environ=environ, clock=lambda: 100.0) as sink:
        for event in events:
            sink(event)
    return out, err
