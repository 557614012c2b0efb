"""What each test says about which row of the contract, for the table in docs/contract.md and for the end of a run.

A test's docstring begins with the rows that it proves ("C2 and E1."); its sentence is what the docstring says after
them, or else the test's own name. Both travel as properties of the test's report, into the JUnit file too.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from dataclasses import dataclass

import pytest

HEAD = re.compile(r"((?:and|,|\s)*\b[A-Z]\d+\b)+[.,:]?\s*")
ROW = re.compile(r"\b[A-Z]\d+\b")


@dataclass(frozen=True)
class Entry:
    """A test as the table shows it."""

    rows: tuple[str, ...]
    sentence: str


def entry(name: str, docstring: str) -> Entry:
    """The rows and the sentence of a test."""
    text = " ".join(docstring.split())
    head = HEAD.match(text)
    rows = tuple(ROW.findall(head.group())) if head else ()
    rest = text[head.end() :] if head else text
    sentence = name.removeprefix("test_").replace("_", " ")
    return Entry(rows, f"{sentence} ({rest.rstrip('.')})" if rest else sentence)


def cell_of(item: pytest.Item) -> str:
    """The image that a test looks at, as it was named ("cell=image")."""
    call = getattr(item, "callspec", None)
    return str(call.params.get("image", "")) if call else ""


def annotate(item: pytest.Item) -> Entry:
    """Give the test its properties, and say what they are."""
    function = getattr(item, "function", None)
    name = getattr(item, "originalname", item.name)
    made = entry(name, inspect.getdoc(function) or "")
    section = inspect.getdoc(inspect.getmodule(function)) or ""
    item.user_properties += [
        ("rows", " ".join(made.rows)),
        ("sentence", made.sentence),
        ("section", " ".join(section.split())),
        ("cell", cell_of(item).split("=")[0]),
    ]
    return made


def not_applicable(reports: list[pytest.TestReport]) -> list[str]:
    """A line for each image and reason: the rows that were left out."""
    rows: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for report in reports:
        said = dict(report.user_properties)
        if said.get("rows") and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            rows[str(said["cell"]), reason].update(dict.fromkeys(str(said["rows"]).split()))
    return [f"{cell}: {' '.join(found)} do not apply: {reason}" for (cell, reason), found in rows.items()]
