"""The rows of a build drawn with rich: one line each, never wrapped, the seconds in one column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.text import Text
from rich.tree import Tree

from pipeline.console_rows import Row
from pipeline.console_state import Mark
from pipeline.wording import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, ConsoleOptions, RenderResult

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS = 8
_MARKS: dict[Mark, str] = {"pending": "·", "done": "✔", "cached": "≡", "failed": "✘", "stopped": "■"}
_STYLES: dict[Mark, str] = {
    "pending": "dim",
    "running": "yellow",
    "done": "green",
    "cached": "cyan",
    "failed": "bold red",
    "stopped": "yellow",
}
_INDENT = 4
_SECONDS = 7
_LEAST_LABEL = 16
_MOST_LABEL = 44


class Frame:
    """The tree, drawn from whatever the state is at that moment; remembers what it left on the screen."""

    def __init__(self, snapshot: Callable[[int | None], tuple[Row, float]]) -> None:
        self._snapshot = snapshot
        self._drawn: list[int] = []
        self.whole = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw within the window, or all of it once the build is over."""
        root, now = self._snapshot(None if self.whole else options.size.height - 1)
        lines = console.render_lines(_tree(root, now, options.max_width), options, pad=False)
        self._drawn = [Segment.get_line_length(line) for line in lines]
        for line in lines:
            yield from line
            yield Segment.line()

    def rows_more_at(self, width: int) -> int:
        """How many rows more the last drawing takes since the terminal, now `width` wide, wrapped its lines."""
        return sum(max(0, -(-length // width) - 1) for length in self._drawn)


def _tree(root: Row, now: float, width: int) -> Tree:
    column = _label_column(root, width)
    drawn = Tree(_label(root, now, column, depth=0), guide_style="dim", highlight=False)
    _grow(drawn, root, now, column, 1)
    return drawn


def _grow(parent: Tree, row: Row, now: float, column: int, depth: int) -> None:
    for child in row.children:
        _grow(parent.add(_label(child, now, column, depth=depth)), child, now, column, depth + 1)


def _label_column(root: Row, width: int) -> int:
    """The column where the seconds begin, the same at every depth."""
    longest = max(depth * _INDENT + cell_len(row.label) + 2 for depth, row in _walk(root, 0))
    return min(longest, max(_LEAST_LABEL, width * 2 // 5), _MOST_LABEL)


def _walk(row: Row, depth: int) -> Iterator[tuple[int, Row]]:
    yield depth, row
    for child in row.children:
        yield from _walk(child, depth + 1)


def _label(row: Row, now: float, column: int, *, depth: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    if not row.label:
        return text.append(f"↻ {row.text}", "yellow")
    text.append(f"{_mark(row.mark, now)} ", _STYLES[row.mark])
    waiting = row.mark == "pending"
    text.append(_fitted(row.label, column - depth * _INDENT - 2), _label_style(row, depth))
    seconds = "" if row.seconds is None else duration(row.seconds)
    text.append(seconds.rjust(_SECONDS), "dim" if waiting else "")
    if row.text:
        text.append(f"  {row.text}", "red" if row.mark == "failed" else "dim")
    text.rstrip()
    if row.task:
        text.append("\n  ▸ ", "yellow").append(row.task)
    if row.output:
        text.append(f"\n    {row.output}", "dim italic")
    return text


def _label_style(row: Row, depth: int) -> str:
    if depth == 0 or row.children:
        return "bold"
    return "dim" if row.mark == "pending" else ""


def _mark(mark: Mark, now: float) -> str:
    return _SPINNER[int(now * _TURNS) % len(_SPINNER)] if mark == "running" else _MARKS[mark]


def _fitted(label: str, width: int) -> str:
    if cell_len(label) <= width:
        return set_cell_size(label, width)
    return set_cell_size(label, width - 1) + "…"
