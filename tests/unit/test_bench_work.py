"""The work of the bench: written for each builder, it is the same; an image that lacks some of it is found out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bench.as_ansible import playbook, write_role
from tests.bench.as_dockerfile import dockerfile
from tests.bench.as_pyinfra import deploy
from tests.bench.checking import checks, complaint, script
from tests.bench.work import SERVER, Files, Folders, Lines, Role, Task, Tree, cell, mark, shared, tree, trivial_tasks

TEXTS = Role("texts", (Folders(("/srv/a b",)), Files((("/srv/a b/f", "100% 'quoted' \\n $HOME\nend\n"),), "0755")))


def tasks_of(folder: Path, role: Role, *, update: bool = False) -> list[dict[str, Any]]:
    write_role(folder, role, lambda tree: {"copying": tree.count}, update=update)
    return list(json.loads((folder / role.name / "tasks/main.yml").read_text()))


@pytest.mark.allow("process")
def test_a_dockerfiles_lines_write_the_very_text(tmp_path: Path) -> None:
    lines = dockerfile("base", (TEXTS,)).replace("/srv/", f"{tmp_path}/").splitlines()
    for line in lines[1:]:
        subprocess.run(["sh", "-c", line.removeprefix("RUN ")], check=True)
    file = tmp_path / "a b/f"
    assert file.read_text() == "100% 'quoted' \\n $HOME\nend\n"
    assert file.stat().st_mode & 0o777 == 0o755


def test_packages_of_buildkit_are_kept_in_mounts_and_others_are_removed() -> None:
    classic, buildkit = (dockerfile("base", (SERVER,), cache=cache) for cache in ("", "mine"))
    assert "rm -rf /var/lib/apt/lists" in classic
    assert "--mount" not in classic
    assert "--mount=type=cache,id=mine-archives,target=/var/cache/apt,sharing=locked" in buildkit
    assert "rm -rf" not in buildkit


def test_several_things_are_a_loop_and_one_is_a_plain_task(tmp_path: Path) -> None:
    one, several = tasks_of(tmp_path, Role("role", (Folders(("/a",)), Folders(("/a", "/b")))))
    assert one["ansible.builtin.file"]["path"] == "/a"
    assert "loop" not in one
    assert (several["ansible.builtin.file"]["path"], several["loop"]) == ("{{ item }}", ["/a", "/b"])
    (file,) = tasks_of(tmp_path, mark("mark", "text"))
    assert file["ansible.builtin.copy"] == {"dest": "/srv/mark.txt", "content": "text\n", "mode": "0644"}


@pytest.mark.parametrize("update", [True, False])
def test_only_builders_without_lists_of_their_own_fetch_them(tmp_path: Path, update: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    install = tasks_of(tmp_path, SERVER, update=update)[0]["ansible.builtin.apt"]
    assert install.get("update_cache", False) is update


def test_a_playbook_tidies_up_after_its_roles() -> None:
    (play,) = json.loads(playbook((SERVER, cell(1)), tidy=True, variables={"a": 1}))
    assert (play["roles"], play["vars"]) == (["server", "cell"], {"a": 1})
    assert "/var/cache/apt" in play["post_tasks"][0]["ansible.builtin.shell"]
    assert "post_tasks" not in json.loads(playbook((cell(1),), tidy=False))[0]


def test_a_deploy_is_python_with_one_operation_for_each_thing(tmp_path: Path) -> None:
    text = deploy((SERVER, tree(9)), tmp_path)
    compile(text, "deploy.py", "exec")
    counts = [text.count(name) for name in ("apt.packages(", "files.directory(", "files.line(", "server.user(")]
    assert counts == [1, 7, 3, 1]
    assert str(tmp_path / "tree9.tar") in text


@pytest.mark.allow("process")
@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda _: None, False),
        (lambda at: (at / "tasks00/file.txt").write_text("file 0\n"), True),
        (lambda at: (at / "tasks00/file.txt").chmod(0o600), True),
        (lambda at: (at / "tasks01/file.txt").unlink(), True),
        (lambda at: shutil.rmtree(at / "tasks01"), True),
    ],
    ids=["nothing", "a line", "a mode", "a file", "a folder"],
)
def test_what_is_missing_in_an_image_is_found(tmp_path: Path, spoil: Any, found: bool) -> None:  # noqa: FBT001 - as above
    work = (trivial_tasks(6),)
    (tmp_path / "tasks00").mkdir(mode=0o755)
    (tmp_path / "tasks01").mkdir(mode=0o755)
    for number in range(2):
        (tmp_path / f"tasks{number:02}/file.txt").write_text(f"file {number}\none more line\n")
        (tmp_path / f"tasks{number:02}/file.txt").chmod(0o644)
    spoil(tmp_path)
    commands = script(work).replace("/srv/", f"{tmp_path}/")
    done = subprocess.run(["sh", "-c", commands], check=False, capture_output=True, text=True)
    assert bool(complaint(work, done.stdout.replace(f"{tmp_path}/", "/srv/"))) is found


def test_everything_of_the_work_is_looked_at() -> None:
    kinds: list[Task] = [*SERVER.tasks, Tree("/srv/tree", 5)]
    for task in kinds:
        assert checks((Role("role", (task,)),)), task
    assert "5" in checks((tree(5),))[-1].expected


def test_a_line_of_a_file_that_is_not_ours_does_not_ask_for_its_whole_text() -> None:
    work = (Role("role", (Lines("/etc/hosts", ("a",)),)),)
    assert [check.expected for check in checks(work)] == [("1",)]


def test_images_share_the_roles_that_all_begin_with() -> None:
    assert shared(((SERVER, cell(1)), (SERVER, cell(2)))) == (SERVER,)
    assert shared(((cell(1), SERVER), (cell(2), SERVER))) == ()
    assert shared(((SERVER,), (SERVER, cell(1)))) == (SERVER,)


def test_trivial_tasks_are_as_many_as_asked_for_and_of_three_kinds() -> None:
    tasks = trivial_tasks(10).tasks
    assert len(tasks) == 10
    assert [sum(isinstance(task, kind) for task in tasks) for kind in (Folders, Files, Lines)] == [4, 3, 3]
