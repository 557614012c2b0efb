"""The file .projmodules: git's grammar, our keys, and mistakes with their lines."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.git import Git
from pipeline.modules import Module, masked, parse_modules, path_mistake, without_credentials
from pipeline.processes import Workers

pytestmark = pytest.mark.allow("process")

FILE = ".projmodules"


def parse(folder: Path, text: str) -> tuple[Module, ...]:
    file = folder / FILE
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    listing = Git({"PATH": os.environ["PATH"]}, Workers()).config(file, FILE)  # noqa: TID251 - a test's edge
    return parse_modules(file.read_text(encoding="utf-8"), listing, FILE)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(folder, text)
    return [f"{problem}{f' ({problem.hint})' if problem.hint else ''}" for problem in caught.value.problems]


def test_path_and_url_are_enough(tmp_path: Path) -> None:
    assert parse(tmp_path, '[submodule "roles/x"]\n\tpath = roles/x/\n\turl = https://example.org/x.git\n') == (
        Module('submodule "roles/x"', "roles/x", "https://example.org/x.git", file=FILE, line=1),
    )


def test_comments_quotes_continued_lines_and_a_key_beside_its_section_are_git_s_business(tmp_path: Path) -> None:
    text = """\
        # a comment
        [submodule "x.path.y"] path = "deployables/with space" ; another
            URL = https://example.org/\\
        long.git
        [submodule "quoted \\" name"]
            path = roles/second   # and another
            url = "https://example.org/a;b.git"
            Depth = 3
    """
    first, second = parse(tmp_path, text)
    assert (first.path, first.url, first.line) == ("deployables/with space", "https://example.org/long.git", 2)
    assert (second.label, second.path) == ('submodule "quoted " name"', "roles/second")
    assert (second.url, second.depth, second.line) == ("https://example.org/a;b.git", 3, 5)


@pytest.mark.parametrize("key", ["branch", "tag", "commit"])
def test_which_state_is_wanted_can_be_said(tmp_path: Path, key: str) -> None:
    (module,) = parse(tmp_path, f'[submodule "x"]\npath = roles/x\nurl = u\n{key} = abcdef012\n')
    assert module.wanted == f"{key} abcdef012"


def test_the_three_entries_of_which_one_has_no_url_give_one_mistake_with_its_line(tmp_path: Path) -> None:
    text = '[submodule "x.path.y"]\npath = roles/x\nurl = u\n[submodule "y"]\npath = roles/a b\nurl = v\n'
    assert [module.path for module in parse(tmp_path, text)] == ["roles/x", "roles/a b"]
    assert mistakes(tmp_path, f'{text}[submodule "z"]\n\tpath = roles/z\n') == [
        '.projmodules:7:1: submodule "z": has no url (add url = https://…/NAME.git)'
    ]


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """\
        [core]
            bare = true
        [submodule "a"]
            path = roles/a
            ulr = u
            brunch = main
            path = roles/b
        [submodule "b"]
            path =
            url = u
            branch = main
            tag = 1.0
        [submodule "c"]
            path = roles/c
            url = --upload-pack=x
            commit = main
            depth = all
        [submodule "d"]
        [submodule "e"]
            path = roles/e
            url = u
            branch = +refs/heads/*
        [submodule "f"]
            path = roles/e/f
            url = u
    """
    assert mistakes(tmp_path, text) == [
        '.projmodules:2:1: [core] bare: unknown section (every section is of the form [submodule "NAME"])',
        '.projmodules:3:1: submodule "a": has no url (add url = https://…/NAME.git)',
        '.projmodules:5:1: submodule "a" ulr: unknown key (did you mean url?)',
        '.projmodules:6:1: submodule "a" brunch: unknown key (did you mean branch?)',
        '.projmodules:7:1: submodule "a" path: this key stands on line 4 already (keep one of the two)',
        '.projmodules:9:1: submodule "b" path: has no value (give it one, or take the line away)',
        '.projmodules:12:1: submodule "b": branch and tag name different things (keep one of them)',
        '.projmodules:15:1: submodule "c": an address does not begin with -',
        ".projmodules:16:1: submodule \"c\": 'main' is no commit (write 7 to 64 digits of it, in lower case)",
        ".projmodules:17:1: submodule \"c\": 'all' is no number of commits (write depth = 1)",
        '.projmodules:18:1: submodule "d": has no path (add path = roles/NAME)',
        '.projmodules:18:1: submodule "d": has no url (add url = https://…/NAME.git)',
        ".projmodules:22:1: submodule \"e\": '+refs/heads/*' is no name of a branch",
    ]


def test_modules_that_lie_in_one_another_are_a_mistake(tmp_path: Path) -> None:
    text = "".join(f'[submodule "{path}"]\npath = {path}\nurl = u\n' for path in ("roles/a", "roles/ab", "roles/a/b"))
    (mistake,) = mistakes(tmp_path, text)
    assert mistake.startswith('.projmodules:7:1: submodule "roles/a/b": roles/a/b overlaps with roles/a of submodule')


def test_what_git_cannot_read_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, '[submodule "x"]\npath = roles/x\n[submodule "y\n')
    assert mistake.startswith(".projmodules:3:1: this is not in git's configuration grammar")


def test_an_include_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text('[submodule "x"]\npath = roles/x\nurl = u\n')
    assert "unknown section" in mistakes(tmp_path, "[include]\npath = other\n")[0]


def test_without_git_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git is not installed"):
        Git({"PATH": "/nowhere"}, Workers()).config(tmp_path / FILE, FILE)


@pytest.mark.parametrize("path", ["roles/x", "deployables/a b", "roles/vendor.name", "roles/..x", "x"])
def test_paths_inside_the_project_are_accepted(path: str) -> None:
    assert not path_mistake(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../x",
        "roles/../../x",
        "/etc/x",
        "~/x",
        "roles//x",
        "./x",
        ".git/x",
        "roles/.GIT",
        "a\\b",
        "a\nb",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    assert path_mistake(path)


@pytest.mark.parametrize(
    ("url", "shown", "kept"),
    [
        ("https://user:pa:ss@example.org/x", "https://***@example.org/x", "https://example.org/x"),
        ("https://token@example.org/x", "https://***@example.org/x", "https://example.org/x"),
        ("http://u:p@ss@example.org/x", "http://***@example.org/x", "http://example.org/x"),
        ("ssh://git:secret@example.org/x", "ssh://git:***@example.org/x", "ssh://git@example.org/x"),
        ("ssh://git@example.org/x", "ssh://git@example.org/x", "ssh://git@example.org/x"),
        ("git@example.org:x", "git@example.org:x", "git@example.org:x"),
        ("https://example.org/a@b", "https://example.org/a@b", "https://example.org/a@b"),
    ],
)
def test_credentials_are_masked_in_messages_and_left_out_of_files(url: str, shown: str, kept: str) -> None:
    assert masked(f"no {url} and {url}!") == f"no {shown} and {shown}!"
    assert without_credentials(url) == kept
