"""The closing words on a terminal: a table for each image, what was pushed, and the block of an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from pipeline.events import BuildFailed, ImageBuilt
from pipeline.summary import Results, layer_rows, stage_rows
from pipeline.wording import detail_lines, error_lines, hint_lines, megabytes, one_line, short_id

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_NARROW = 76


def print_results(console: Console, results: Results) -> None:
    """Each image with its layers and times, then what was pushed; nothing to copy is ever cut or wrapped."""
    for image in results.images:
        console.print()
        if console.width < _NARROW:
            _copyable(console, *_narrow(image, results))
        else:
            _wide(console, image, results)
    rest = [Text.assemble((what, "bold"), f"  {reference}") for what, reference in results.pushed_besides()]
    _copyable(console, *rest, *(Text(line, "red") for line in results.missed_lines()))


def _wide(console: Console, image: ImageBuilt, results: Results) -> None:
    console.print(_title(image))
    _copyable(console, *(Text.assemble(("tag     ", "bold"), tag) for tag in image.tags))
    side_by_side = Table.grid(padding=(0, 4))
    side_by_side.add_row(_layers(image), _stages(image))
    console.print()
    console.print(side_by_side)
    console.print()
    _copyable(console, *(Text.assemble((f"{what:8}", "bold"), tag) for what, tag in results.pushed_of(image)))
    if image.try_it:
        _copyable(console, Text.assemble(("try it  ", "bold"), (image.try_it, "cyan")))


def _title(image: ImageBuilt) -> Text:
    return Text.assemble(
        (image.service, "bold green"), "  ", (short_id(image.image), "yellow"), f"  {megabytes(image.size)}"
    )


def _layers(image: ImageBuilt) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("layer", overflow="ellipsis", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("", style="cyan", no_wrap=True)
    for row in layer_rows(image):
        table.add_row(*map(Text, row))
    return table


def _stages(image: ImageBuilt) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("stage", no_wrap=True, overflow="ellipsis")
    table.add_column("time", justify="right", no_wrap=True)
    for row in stage_rows(image):
        table.add_row(*map(Text, row))
    return table


def _narrow(image: ImageBuilt, results: Results) -> Iterator[Text]:
    yield Text(image.service, "bold green")
    yield _pair("image", short_id(image.image))
    yield _pair("size", megabytes(image.size))
    yield from (_pair("tag", tag) for tag in image.tags)
    for made_by, size, cached in layer_rows(image):
        yield _pair(f"layer {made_by}", f"{size}, {cached}" if cached else size)
    yield from (_pair(f"stage {stage}", time) for stage, time in stage_rows(image))
    yield from (_pair(what, reference) for what, reference in results.pushed_of(image))
    if image.try_it:
        yield _pair("try it", image.try_it, "cyan")


def _pair(key: str, value: str, style: str = "") -> Text:
    return Text.assemble((f"  {key}: ", "bold"), (value, style))


def _copyable(console: Console, *lines: Text) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)


class FailureBlock:
    """An error in red with a bar at its left: message, place, the tool's own words, and what to do next."""

    def __init__(self, failure: BuildFailed) -> None:
        self._failure = failure

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Every line behind the bar, wrapped within it."""
        bar = Segment("┃ ", Style.parse("bold red"))
        inner = options.update(width=max(1, options.max_width - 2))
        for text in self._lines():
            for line in console.render_lines(text, inner, pad=False):
                yield bar
                yield from line
                yield Segment.line()

    def _lines(self) -> Iterable[Text]:
        failure = self._failure
        for line in error_lines(BuildFailed(failure.message)):
            yield Text(line, "bold red")
        if failure.place:
            yield Text(f"  at {one_line(failure.place)}", "bold")
        if failure.step:
            yield Text(f"  in {one_line(failure.step)}")
        yield from (Text(f"    {line}", "dim") for line in detail_lines(failure))
        yield from (Text(line, "bold") for line in hint_lines(failure.hint))
