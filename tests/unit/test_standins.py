"""The stand-ins that answer without an engine: how systemctl reads units, and how gpg takes armour off."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.conductor_context import image_files


def functions(name: str) -> dict[str, Any]:
    """What a stand-in defines, without its last line, which runs it."""
    source = image_files()[f"standins/{name}"].decode()
    head, _, last = source.rstrip().rpartition("\n")
    assert "main()" in last
    found: dict[str, Any] = {}
    exec(compile(head, name, "exec"), found)  # noqa: S102 - a program without .py, as it is in the conductor
    return found


@pytest.fixture
def systemctl(tmp_path: Path) -> dict[str, Any]:
    found = functions("first/systemctl")
    found |= {"FOLDERS": (f"{tmp_path}/etc", f"{tmp_path}/lib"), "NOTES": f"{tmp_path}/notes"}
    for name, text in {
        "lib/nginx.service": "[Install]\nWantedBy=multi-user.target\nAlias=www.service\n",
        "lib/plain.service": "[Service]\n",
        "lib/pg@.service": "[Install]\nWantedBy=multi-user.target\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "www.service").symlink_to(tmp_path / "lib" / "nginx.service")
    (tmp_path / "etc" / "gone.service").symlink_to("/dev/null")
    return found


WANTS = "/etc/systemd/system/multi-user.target.wants"


@pytest.mark.parametrize(
    ("name", "links"),
    [
        ("nginx", [f"{WANTS}/nginx.service", "/etc/systemd/system/www.service"]),
        ("nginx.service", [f"{WANTS}/nginx.service", "/etc/systemd/system/www.service"]),
        ("www", [f"{WANTS}/nginx.service", "/etc/systemd/system/www.service"]),
        ("pg@17-main", [f"{WANTS}/pg@17-main.service"]),
        ("plain", []),
        ("gone", []),
        ("nowhere", []),
    ],
)
def test_a_unit_is_enabled_by_the_links_that_it_asks_for(
    systemctl: dict[str, Any], name: str, links: list[str]
) -> None:
    assert list(systemctl["links"](name)) == links


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("nginx", "disabled"),
        ("plain", "static"),
        ("gone", "masked"),
        ("gone.service", "masked"),
        ("nowhere", "disabled"),
    ],
)
def test_a_units_state_is_systemds_word_for_it(systemctl: dict[str, Any], name: str, state: str) -> None:
    assert systemctl["enabled_state"](name) == state


def test_what_was_asked_for_is_what_is_answered(systemctl: dict[str, Any]) -> None:
    assert systemctl["is_active"]("plain") is False
    systemctl["act"]("start", "plain.service")
    assert systemctl["is_active"]("plain") is True
    systemctl["act"]("stop", "plain")
    assert systemctl["is_active"]("plain") is False
    assert systemctl["notes"]("plain")["provided"] is True
    systemctl["note"]("nowhere", enabled=True)
    assert systemctl["enabled_state"]("nowhere") == "enabled"
    assert systemctl["notes"]("nowhere")["provided"] is False


@pytest.mark.parametrize("head", ["", "Version: 1\nComment: a key\n"])
def test_armour_comes_off_and_what_has_none_stays(head: str) -> None:
    key = bytes(range(200))
    body = base64.encodebytes(key).decode()
    armoured = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n{head}\r\n{body}=njUN\n-----END PGP PUBLIC KEY BLOCK-----\n"
    dearmor = functions("gpg")["dearmor"]
    assert dearmor(armoured.encode()) == key
    assert dearmor(key) == key


@pytest.fixture
def apt_mark(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """The stand-in over a made-up system with an apt-mark of its own; what it prints, and its exit code."""
    places = {"APT_MARK": "apt-mark", "STATES": "extended_states", "INSTALLED": "info"}
    lines = image_files()["standins/first/apt-mark"].decode().splitlines()
    lines = [
        f"{name}={tmp_path / places[name]}" if (name := line.partition("=")[0]) in places else line for line in lines
    ]
    (tmp_path / "stand-in").write_text("\n".join(lines) + "\n")
    (tmp_path / "apt-mark").write_text('#!/bin/sh\necho real "$@"\nexit 7\n')
    (tmp_path / "apt-mark").chmod(0o755)
    (tmp_path / "info").mkdir()
    for name in ("tini", "libc6:amd64", "zlib1g"):
        (tmp_path / "info" / f"{name}.list").touch()
    (tmp_path / "extended_states").write_text("Package: zlib1g\nArchitecture: amd64\nAuto-Installed: 1\n\n")

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(["sh", tmp_path / "stand-in", *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return run


@pytest.mark.allow("process")
def test_a_package_that_was_asked_for_needs_no_mark(apt_mark: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    said = "tini was already set to manually installed.\nlibc6 was already set to manually installed.\n"
    assert apt_mark("manual", "tini", "libc6") == (0, said)
    (tmp_path / "extended_states").unlink()
    assert apt_mark("manual", "zlib1g") == (0, "zlib1g was already set to manually installed.\n")


@pytest.mark.allow("process")
@pytest.mark.parametrize(
    "words",
    [
        ("manual", "tini", "zlib1g"),  # that one was installed because another one needed it
        ("manual", "nowhere"),
        ("manual", "tini:amd64"),
        ("manual", "--", "tini"),
        ("manual", "*"),
        ("manual", ""),
        ("manual",),
        ("auto", "tini"),
        ("showmanual",),
        (),
    ],
)
def test_whatever_is_less_plain_is_asked_of_the_roots_own(
    apt_mark: Callable[..., tuple[int, str]], words: tuple[str, ...]
) -> None:
    assert apt_mark(*words) == (7, " ".join(("real", *words)) + "\n")
