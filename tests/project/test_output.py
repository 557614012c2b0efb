"""What the command says of its work: events for programs, lines where no terminal is."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys

import pytest

from tests.project.harness import ROOT, Project

SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\| `(\w+)` \| (\w+)", re.MULTILINE)
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
COLOUR = "\x1b["


def documented() -> dict[str, dict[str, str]]:
    """The fields of every event and their types, as docs/events.md has them."""
    text = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    return {name: dict(FIELD.findall(body)) for name, body in SECTION.findall(text)}


@pytest.fixture
def small(project: Project, busybox: dict[str, str]) -> Project:
    """A project with a role and a mistake that is none."""
    project.role("mark", "- name: Leave a mark\n  ansible.builtin.copy: {content: x, dest: /etc/mark, mode: '0644'}\n")
    project.recipe(base=busybox, command="sh", tty=True, roles=[{"role": "mark", "gather_facts": False}])
    return project


def test_every_line_of_the_json_log_is_a_documented_event(small: Project) -> None:
    known = documented()
    built = small.build().well()
    assert built.stderr == ""
    for event in built.events:
        fields = {name: value for name, value in event.items() if name not in ("time", "schema", "event")}
        expected = known[event["event"]]
        assert fields.keys() == expected.keys(), event
        assert all(isinstance(fields[name], TYPES[kind]) for name, kind in expected.items()), event
        assert event["schema"] == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    names = [event["event"] for event in built.events]
    assert names[-1] == "build_finished"
    assert {"build_started", "warned", "task_started", "task_finished", "image_built"} < set(names)
    steps = [event["step"] for event in built.all("step_finished")]
    assert steps == built.one("build_started")["steps"]


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_gets_plain_lines_where_they_are_asked_for(small: Project, setting: dict[str, str]) -> None:
    small.recipe(base=small_base(small), command="sh")
    said = on_a_terminal(small, **setting)
    assert COLOUR not in said
    lines = said.replace("\r", "").splitlines()
    assert any(re.fullmatch(r"\d\d:\d\d:\d\d  web/tag  started", line) for line in lines), said
    assert any(re.fullmatch(rf" +docker run --rm {small.repository}:proj\.web\.0\.1\.0", line) for line in lines), said


def test_a_terminal_gets_a_live_tree(small: Project) -> None:
    small.recipe(base=small_base(small), command="sh")
    said = on_a_terminal(small, TERM="xterm-256color")
    assert COLOUR in said
    assert f"{small.repository}:proj.web.0.1.0" in said


def test_without_a_terminal_there_are_plain_lines_and_a_table(small: Project) -> None:
    built = small.run("build").well()
    assert COLOUR not in built.stdout + built.stderr
    assert re.search(r"^\d\d:\d\d:\d\d  web/mark/provision  changed  Leave a mark", built.stdout, re.MULTILINE)
    assert re.search(r"^ +role mark +\d", built.stdout, re.MULTILINE)


def test_quiet_says_the_names_only(small: Project) -> None:
    built = small.run("build", "--log-format", "quiet").well()
    assert f"{small.repository}:proj.web.0.1.0" in built.stdout
    assert len(built.stdout.splitlines()) <= 2


def small_base(project: Project) -> dict[str, str]:
    """The base of the project's recipe."""
    text = (project.folder / "recipes/default.yml").read_text(encoding="utf-8")
    found = re.search(r'"rootfs": "(.*)",\s+"sha256": "(.*)"', text)
    assert found
    return {"rootfs": found[1], "sha256": found[2]}


def on_a_terminal(project: Project, **setting: str) -> str:
    """All that a build writes to a terminal of 100 columns."""
    near, far = pty.openpty()
    environment = project.environment | {"TERM": "xterm", "COLUMNS": "100"} | setting
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "build"],
        cwd=project.folder,
        env=environment,
        stdin=far,
        stdout=far,
        stderr=far,
    )
    os.close(far)
    project.pids.append(process.pid)
    said = bytearray()
    while select.select([near], [], [], 60)[0]:
        try:
            said += os.read(near, 1 << 16)
        except OSError:  # the other side is closed
            break
    os.close(near)
    assert process.wait() == 0, said.decode()
    return said.decode()
