"""The work as a Dockerfile: one RUN for each thing, as one writes it, so that a change runs no more than it must."""

from __future__ import annotations

import shlex

from tests.bench.work import Files, Folders, Lines, Packages, Task, Tree, User, Work

_INSTALL = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends"
_FORGET = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*"


def dockerfile(base: str, work: Work, *, cache: str = "") -> str:
    """The text; with `cache`, BuildKit keeps packages in cache mounts of this name."""
    lines = [line for role in work for task in role.tasks for line in _lines(task, cache)]
    return "\n".join((f"FROM {base}", *lines)) + "\n"


def _lines(task: Task, cache: str) -> list[str]:
    match task:
        case Packages(names):
            return [_install(names, cache)]
        case Folders(paths):
            return [f"RUN mkdir -p {shlex.join(paths)}"]
        case Files(texts, mode):
            return [_write(path, text, mode) for path, text in texts]
        case Lines(path, lines):
            return [f"RUN echo {shlex.quote(line)} >> {shlex.quote(path)}" for line in lines]
        case User(name):
            return [f"RUN useradd --create-home {shlex.quote(name)}"]
        case Tree(path, count):
            return [f"COPY tree{count} {path}"]


def _install(names: tuple[str, ...], cache: str) -> str:
    if not cache:
        return f"RUN {_INSTALL} {shlex.join(names)} && {_FORGET}"
    folders = {"archives": "/var/cache/apt", "lists": "/var/lib/apt/lists"}
    mounts = [f"--mount=type=cache,id={cache}-{name},target={path},sharing=locked" for name, path in folders.items()]
    return f"RUN {' '.join(mounts)} {_INSTALL} {shlex.join(names)}"


def _write(path: str, text: str, mode: str) -> str:
    escaped = shlex.quote(text.replace("\\", "\\\\").replace("%", "%%").replace("\n", "\\n"))
    name = shlex.quote(path)
    return f"RUN printf {escaped} > {name}" + (f" && chmod {mode} {name}" if mode != "0644" else "")
