"""The work as a deploy of pyinfra."""

from __future__ import annotations

from pathlib import Path

from tests.bench.work import Files, Folders, Lines, Packages, Task, Tree, User, Work, installs

_HEAD = """\
from io import StringIO

from pyinfra.operations import apt, files, server
"""
_TIDY_UP = 'server.shell(commands=["rm -rf /var/lib/apt/lists/* /var/cache/apt/*"])'


def deploy(work: Work, trees: Path) -> str:
    """The text of deploy.py; `trees` holds the archives of trees."""
    lines = [line for role in work for task in role.tasks for line in _lines(task, trees)]
    return "\n".join((_HEAD, *lines, *([_TIDY_UP] if installs(work) else []))) + "\n"


def _lines(task: Task, trees: Path) -> list[str]:
    match task:
        case Packages(names):
            return [f"apt.packages(packages={list(names)!r}, update=True, no_recommends=True)"]
        case Folders(paths):
            return [f"files.directory(path={path!r}, mode='755')" for path in paths]
        case Files(texts, mode):
            return [f"files.put(src=StringIO({text!r}), dest={path!r}, mode={mode[1:]!r})" for path, text in texts]
        case Lines(path, lines):
            return [f"files.line(path={path!r}, line={f'^{line}$'!r}, replace={line!r})" for line in lines]
        case User(name):
            return [f"server.user(user={name!r}, create_home=True)"]
        case Tree(path, count):
            archive = "/root/tree.tar"
            unpack = f"mkdir -p {path} && tar xf {archive} -C {path} && rm {archive}"
            return [
                f"files.put(src={str(trees / f'tree{count}.tar')!r}, dest={archive!r})",
                f"server.shell(commands=[{unpack!r}])",
            ]
