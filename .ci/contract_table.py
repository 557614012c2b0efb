"""Turns the JUnit file of a run of tests/contract into docs/contract.md: `contract_table.py RESULTS.xml OUTPUT.md`."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MARKS = {"pass": "pass", "fail": "**FAIL**", "n/a": "n/a"}
FIGURES = {"size": "size, MB", "stop": "stop, s", "start": "start and end, s"}
HEAD = """\
# The contract, cell by cell

Every row is a test in `tests/contract` that looks at a running container from outside. `nox -s contract-table` builds
every cell, runs all of them and writes this file; a row that fails is shown as failing. `nox -s contract -- IMAGE` runs
the same tests against any image.

*stop*: `docker stop` with one service that obeys and one that ignores TERM. *start and end*: a container whose command
is `true`, the median of five. Sizes are those of the unpacked image.
"""


@dataclass(frozen=True)
class Result:
    """What one test found on one cell."""

    rows: str
    sentence: str
    section: str
    cell: str
    outcome: str
    message: str
    figures: dict[str, str]


def results(root: ET.Element) -> list[Result]:
    """All tests of the run that were about a cell."""
    return [result(case) for case in root.iter("testcase") if properties(case).get("cell")]


def result(case: ET.Element) -> Result:
    """One test."""
    said = properties(case)
    troubles = [trouble for kind in ("failure", "error") for trouble in case.findall(kind)]
    skipped = case.find("skipped")
    outcome = "fail" if troubles else "pass" if skipped is None else "n/a"
    notes = [note.get("message", "") for note in (*troubles, *([] if skipped is None else [skipped]))]
    figures = {name: said[name] for name in FIGURES if name in said}
    return Result(said["rows"], said["sentence"], said["section"], said["cell"], outcome, "; ".join(notes), figures)


def properties(case: ET.Element) -> dict[str, str]:
    """What the test's report carries."""
    return {entry.get("name", ""): entry.get("value", "") for entry in case.iter("property")}


def worst(outcomes: Iterable[str]) -> str:
    """One word for the parameters of one test: a failure counts, then a success."""
    found = set(outcomes)
    return next((outcome for outcome in ("fail", "pass", "n/a") if outcome in found), "")


def table(head: list[str], body: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def summary(found: list[Result], cells: list[str]) -> str:
    """A line for each cell."""
    body = []
    for cell in cells:
        mine = [each for each in found if each.cell == cell]
        outcomes = {(each.rows, each.sentence): worst(outcomes_of(mine, each)) for each in mine}
        count = {word: list(outcomes.values()).count(word) for word in MARKS}
        figures = {name: value for each in mine for name, value in each.figures.items()}
        body.append([cell, *map(str, count.values()), *(figures.get(name, "") for name in FIGURES)])
    return table(["cell", "pass", "fail", "not applicable", *FIGURES.values()], body)


def outcomes_of(found: list[Result], like: Result) -> list[str]:
    """The outcomes of one test, whatever its parameters."""
    return [each.outcome for each in found if (each.rows, each.sentence) == (like.rows, like.sentence)]


def matrix(found: list[Result], cells: list[str]) -> str:
    """The table of a section: tests by cells."""
    tests = dict.fromkeys((each.rows, each.sentence) for each in found)
    body = []
    for rows, sentence in sorted(tests, key=lambda test: row_order(test[0])):
        mine = [each for each in found if (each.rows, each.sentence) == (rows, sentence)]
        marks = [MARKS.get(worst(each.outcome for each in mine if each.cell == cell), "") for cell in cells]
        body.append([rows, sentence.replace("|", "\\|"), *marks])
    return table(["row", "what is seen", *cells], body)


def row_order(rows: str) -> tuple[str, int]:
    """By the letter and the number of the first row."""
    first = (rows.split() or ["Z999"])[0]
    return first[0], int(first[1:])


def failures(found: list[Result]) -> str:
    """Why tests failed, a line for each."""
    return "".join(
        f"- {each.cell}: {each.rows}, {each.sentence}: {reason(each)[:300]}\n"
        for each in found
        if each.outcome == "fail"
    )


def left_out(found: list[Result]) -> str:
    """Which rows do not apply, a line for each reason."""
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for each in found:
        if each.outcome == "n/a":
            rows.setdefault((reason(each), each.cell), {}).update(dict.fromkeys(each.rows.split()))
    cells: dict[tuple[str, str], list[str]] = {}
    for (why, cell), names in rows.items():
        cells.setdefault((why, ", ".join(sorted(names, key=row_order))), []).append(cell)
    return "".join(f"- {', '.join(where)}: {names}: {why}\n" for (why, names), where in cells.items())


def reason(result: Result) -> str:
    """The first line of what pytest says."""
    return (result.message.splitlines() or ["no reason given"])[0].removeprefix("Skipped: ")


def document(found: list[Result]) -> str:
    """The whole file."""
    cells = sorted({each.cell for each in found})
    parts = [HEAD, summary(found, cells)]
    if failing := failures(found):
        parts += ["## What fails\n", failing]
    for section in sorted({each.section for each in found}):
        parts += [f"## {section}\n", matrix([each for each in found if each.section == section], cells)]
    if absent := left_out(found):
        parts += ["## What does not apply\n", absent]
    return "\n".join(parts)


def main(source: str, target: str) -> int:
    """Write the file; the number of failing tests, at most 1, is the exit code."""
    found = results(ET.parse(source).getroot())  # noqa: S314 - pytest wrote it a moment ago
    Path(target).write_text(document(found), encoding="utf-8")
    failed = sum(each.outcome == "fail" for each in found)
    print(f"{target}: {len(found)} results, {failed} failures")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
