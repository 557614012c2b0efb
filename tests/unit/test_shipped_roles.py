"""Every role that ships is made alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())
LONGEST = 100


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_says_what_it_takes_and_what_it_is(role: Path) -> None:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8"))
    assert specs["short_description"]
    assert set(defaults) <= set(specs["options"])
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert [option for option in defaults if f"`{option}`" not in readme] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_its_files_are_short(role: Path) -> None:
    files = [path for path in role.rglob("*") if path.is_file() and path.suffix != ".md"]
    lengths = {str(path.relative_to(role)): len(path.read_bytes().splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length >= LONGEST} == {}
