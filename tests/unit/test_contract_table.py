"""The table of the contract, from the tests' own words to Markdown."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.contract.foreign import EVERYTHING, Guest
from tests.contract.harness import Cell
from tests.contract.report import entry

CASE = """
  <testcase name="test_it[{cell}]"><properties>
    <property name="rows" value="{rows}"/><property name="sentence" value="it works"/>
    <property name="section" value="Rows X: ends."/><property name="cell" value="{cell}"/>{more}</properties>{end}
  </testcase>"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script, imported by its path."""
    spec = importlib.util.spec_from_file_location("contract_table", Path(__file__).parents[2] / ".ci/contract_table.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def written(script: ModuleType, tmp_path: Path, *cases: str) -> tuple[int, str]:
    """What the script makes of a run."""
    (tmp_path / "in.xml").write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    code = script.main(str(tmp_path / "in.xml"), str(tmp_path / "out.md"))
    return code, (tmp_path / "out.md").read_text()


def case(cell: str, rows: str = "X1", end: str = "", more: str = "") -> str:
    """One test of the run."""
    return CASE.format(cell=cell, rows=rows, end=end, more=more)


@pytest.mark.parametrize(
    ("docstring", "rows", "sentence"),
    [
        ("R1.", ("R1",), "it works"),
        ("C2 and E1.", ("C2", "E1"), "it works"),
        ("N1, N2, N4, N5.", ("N1", "N2", "N4", "N5"), "it works"),
        ("H9, from the first moment.", ("H9",), "it works (from the first moment)"),
        ("Z3: nothing is left.", ("Z3",), "it works (nothing is left)"),
        ("Its name says it.", (), "it works (Its name says it)"),
        ("", (), "it works"),
    ],
)
def test_a_docstring_names_the_rows_first(docstring: str, rows: tuple[str, ...], sentence: str) -> None:
    made = entry("test_it_works", docstring)
    assert (made.rows, made.sentence) == (rows, sentence)


def test_every_cell_has_its_line_and_its_figures(script: ModuleType, tmp_path: Path) -> None:
    size = '<property name="size" value="80.1"/>'
    code, text = written(script, tmp_path, case("a"), case("b", "Z1", more=size))
    assert code == 0
    assert "| a | 1 | 0 | 0 |  |  |  |" in text
    assert "| b | 1 | 0 | 0 | 80.1 |  |  |" in text
    assert "| X1 | it works | pass |  |" in text
    assert "fails" not in text.split("## ", 1)[1]


def test_a_failure_is_shown_as_one(script: ModuleType, tmp_path: Path) -> None:
    code, text = written(script, tmp_path, case("a"), case("a", end='<failure message="assert 1 == 2&#10;more"/>'))
    assert code == 1
    assert "| X1 | it works | **FAIL** |" in text
    assert "- a: X1, it works: assert 1 == 2\n" in text


def test_what_does_not_apply_is_named_with_its_reason(script: ModuleType, tmp_path: Path) -> None:
    skipped = '<skipped message="no cron"/>'
    cases = [case(cell, row, skipped) for cell in "ab" for row in ("C10", "C2")]
    code, text = written(script, tmp_path, *cases)
    assert code == 0
    assert "| C2 | it works | n/a | n/a |" in text
    assert "- a, b: C2, C10: no cron\n" in text


def test_rows_apply_to_what_an_image_has() -> None:
    foreign = Guest(Cell("a", "a", "", "", frozenset()), frozenset({"a shell", "hooks in /etc/my_init.d"}))
    assert foreign.lacks(["X1", "K2"]) == ""
    assert foreign.lacks(["X1", "V7"]) == "the image lacks container-svc"
    ours = Guest(Cell("a", "a", "tini-init", "runit", frozenset()), EVERYTHING)
    assert ours.lacks(["V7", "D1"]) == ""
