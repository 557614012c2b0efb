"""What runs in a target for build secrets: putting them there, taking them away, looking for them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pipeline.scripts import lend_secrets, search_secrets

TOKEN = b"npm_5Rk2q-Tz81w"


def script(name: str, *arguments: str, told: Any = None) -> str:
    """A script as it is run in a target: as text, by another Python."""
    source = files("pipeline").joinpath("scripts", name).read_text(encoding="utf-8")
    command = [sys.executable, "-I", "-c", source, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(json.dumps(told) + "\n")
        running.stdin.flush()  # and not closed: over TLS its end is not told
        return running.stdout.read().strip()


def a_file(target: Path, mode: str = "400") -> dict[str, str]:
    return {"name": "0", "content": base64.b64encode(TOKEN).decode(), "mode": mode, "target": str(target)}


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.allow("process")
def test_a_file_is_lent_and_taken_away_with_the_folders_that_were_made_for_it(tmp_path: Path) -> None:
    lent, root = tmp_path / "lent", tmp_path / "root"
    (root / "home").mkdir(parents=True)
    target = root / "home/.config/pip/pip.conf"
    assert script("lend_secrets.py", "lend", str(lent), told=[a_file(target)]) == "done"
    assert target.read_bytes() == TOKEN
    assert target.is_symlink(), "the layer holds no file"
    assert target.stat().st_mode & 0o777 == 0o400
    assert (root / "home/.config").stat().st_mode & 0o777 == 0o700
    assert (root / "home/.config/pip").stat().st_mode & 0o777 == 0o755
    assert script("lend_secrets.py", "take", str(lent)) == "done"
    assert below(root) == {"home"}
    assert not lent.exists()


def test_a_file_that_others_may_read_is_in_folders_that_let_them_in(tmp_path: Path) -> None:
    target = tmp_path / "home/.config/token"
    assert lend_secrets.lend(str(tmp_path / "lent"), [a_file(target, "444")]) == ""
    assert target.stat().st_mode & 0o777 == 0o444
    for folder in (*target.parents[:2], target.resolve().parent, tmp_path / "lent"):
        assert folder.stat().st_mode & 0o777 == 0o755, folder


def test_what_the_role_put_there_stays(tmp_path: Path) -> None:
    lent, root = tmp_path / "lent", tmp_path / "root"
    first, second = root / "a/one", root / "b/two"
    root.mkdir()
    assert lend_secrets.lend(str(lent), [a_file(first), a_file(second) | {"name": "1"}]) == ""
    first.unlink()
    first.write_text("of the role")
    (root / "b/own").touch()
    lend_secrets.take(str(lent))
    assert below(root) == {"a", "a/one", "b", "b/own"}


def test_a_link_elsewhere_is_not_taken_for_ours(tmp_path: Path) -> None:
    lent, target = tmp_path / "lent", tmp_path / "target"
    assert lend_secrets.lend(str(lent), [a_file(target)]) == ""
    target.unlink()
    target.symlink_to("/etc/hostname")
    lend_secrets.take(str(lent))
    assert target.is_symlink()


@pytest.mark.allow("process")
def test_what_is_there_already_is_left_alone_and_nothing_is_lent(tmp_path: Path) -> None:
    lent, root = tmp_path / "lent", tmp_path / "root"
    root.mkdir()
    (root / "there").write_text("old")
    said = script(
        "lend_secrets.py", "lend", str(lent), told=[a_file(root / "new/x"), a_file(root / "there") | {"name": "1"}]
    )
    assert said == f"{root}/there is there already"
    assert below(root) == {"there"}
    assert not lent.exists()


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = lend_secrets.lend(str(tmp_path / "lent"), [a_file(tmp_path / "file/below")])
    assert "cannot be made: Not a directory" in said


def test_nothing_to_take_is_no_error(tmp_path: Path) -> None:
    lend_secrets.take(str(tmp_path / "never"))


def found(path: Path, *forms: bytes) -> list[str]:
    return list(search_secrets.found_in(os.fsencode(path), {"token": forms or (TOKEN,)}))


def test_a_value_is_found_in_content_names_and_links(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"\0\xff" + TOKEN + b"\n")
    (tmp_path / TOKEN.decode()).touch()
    (tmp_path / "link").symlink_to(f"/{TOKEN.decode()}")
    (tmp_path / "other").write_bytes(TOKEN[:-1])
    for name, expected in (("content", 1), (TOKEN.decode(), 1), ("link", 1), ("other", 0), ("gone", 0)):
        assert len(found(tmp_path / name)) == expected, name
    assert found(tmp_path) == [], "a folder"


@pytest.mark.parametrize("offset", range(-len(TOKEN) - 1, 2))
def test_a_value_is_found_wherever_it_lies_in_a_large_file(tmp_path: Path, offset: int) -> None:
    before = search_secrets.CHUNK + offset
    (tmp_path / "large").write_bytes(b"x" * before + TOKEN + b"y" * search_secrets.CHUNK)
    assert found(tmp_path / "large") == ["token"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path / "pipe") == []


@pytest.mark.allow("process")
def test_it_answers_with_secrets_and_paths(tmp_path: Path) -> None:
    (tmp_path / "ü").write_bytes(TOKEN)
    (tmp_path / "b").write_bytes(b"other-secret")
    forms = {"token": [base64.b64encode(TOKEN).decode()], "other": [base64.b64encode(b"other-secret").decode()]}
    paths = [str(tmp_path / name) for name in ("ü", "b", "none")]
    said = script("search_secrets.py", told={"forms": forms, "paths": paths})
    assert json.loads(said) == [["token", paths[0]], ["other", paths[1]]]
