"""COPY and ADD as tasks: which files of the context they mean, and where these go."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pipeline.dockerfile_scope import Scope, Task, plain
from pipeline.dockerfile_stages import Instruction
from pipeline.yaml_source import JsonValue

_ARCHIVE = re.compile(r"\.(tar|tar\.(gz|bz2|xz|zst)|tgz|tbz2?|txz)$")
_ADDRESS = re.compile(r"(https?|ftp)://")
_REPOSITORY = re.compile(r"git@|git://|ssh://|https?://.*\.git(#.*)?$")
_ALWAYS_THERE = frozenset(
    "/ /bin /etc /opt /root /srv /tmp /usr /usr/bin /usr/lib /usr/local /usr/local/bin /var".split()
)
_WITHOUT_MEANING = ("--link",)


@dataclass
class Context:
    """The files beside the Dockerfile, by relative path; `wanted` are those that tasks need."""

    files: frozenset[str]
    wanted: set[str] = field(default_factory=set)

    def matching(self, pattern: str) -> Iterator[tuple[str, bool]]:
        """The files (False) and folders (True) that a source means; they are wanted from now on."""
        pattern = posixpath.normpath(pattern.lstrip("/") or ".")
        folders = {"."} | {each for path in self.files for each in _parents(path)}
        for path in sorted(self.files | folders):
            if not _matches(path, pattern):
                continue
            is_folder = path in folders
            inside = {each for each in self.files if path == "." or each.startswith(f"{path}/")}
            self.wanted |= inside if is_folder else {path}
            yield path, is_folder


def file_tasks(each: Instruction, scope: Scope, context: Context) -> list[Task]:
    """The tasks of one COPY or ADD; what has no counterpart is noted."""
    flags = dict(flag.partition("=")[::2] for flag in each.flags)
    if "--from" in flags:
        hint = "build it as a service of its own, or let a role fetch the files"
        scope.note(each, f"the files of {flags['--from']} ({each.rest}) are not copied", hint)
        return []
    for flag in flags.keys() - {"--chown", "--chmod", "--checksum", *_WITHOUT_MEANING}:
        scope.note(each, f"{flag} has no counterpart in the role")
    *sources, target = scope.words(each) or [""]
    if not sources:
        scope.note(each, "names no source or no target")
        return []
    place = _Place(each, scope, scope.path(target), flags)
    tasks: list[Task] = []
    documents = {f"<<{document.name}": document for document in each.heredocs}
    for source in sources:
        mark = re.sub(r"^<<-?[\"']?([^\"']*)[\"']?$", r"<<\1", source)
        if mark in documents:
            document = documents[mark]
            text = document.content if document.literal else scope.expand(each, document.content, quotes=False)
            tasks += place.text(document.name, text)
        elif each.name == "ADD" and _REPOSITORY.match(source):
            scope.note(each, f"the repository {source} is not fetched", "name it in .projmodules, or use a task of git")
        elif each.name == "ADD" and _ADDRESS.match(source):
            tasks += place.download(source)
        else:
            tasks += place.from_context(source, context, unpack=each.name == "ADD")
    return tasks


@dataclass(frozen=True)
class _Place:
    """Where one instruction puts things, and how."""

    each: Instruction
    scope: Scope
    target: str
    flags: dict[str, str]

    def from_context(self, source: str, context: Context, *, unpack: bool) -> list[Task]:
        tasks: list[Task] = []
        for path, is_folder in context.matching(source):
            if is_folder:
                options = {
                    "src": plain("./" if path == "." else f"{path}/"),
                    "dest": plain(f"{self.target.rstrip('/')}/"),
                }
                more: dict[str, JsonValue] = {**options, **self._owner("preserve"), "directory_mode": "0755"}
                tasks.append(self._task(f"Copy what is in {path}", "copy", more))
            elif unpack and _ARCHIVE.search(path):
                tasks += self.scope.folder(self.each, self.target)
                tasks.append(
                    self._task(f"Unpack {path}", "unarchive", {"src": plain(path), "dest": plain(self.target)})
                )
            else:
                tasks += self._above()
                more = {"src": plain(path), "dest": plain(self.target), **self._owner("preserve")}
                tasks.append(self._task(f"Copy {path}", "copy", more))
        if not tasks:
            self.scope.note(self.each, f"{source} is not in the folder, or .dockerignore leaves it out")
        return tasks

    def text(self, name: str, content: str) -> list[Task]:
        options: dict[str, JsonValue] = {
            "content": plain(content),
            "dest": plain(self._file(name)),
            **self._owner("0644"),
        }
        return [*self._above(), self._task(f"Write {self._file(name)}", "copy", options)]

    def download(self, address: str) -> list[Task]:
        name = posixpath.basename(address.partition("?")[0].partition("#")[0])
        options: dict[str, JsonValue] = {"url": plain(address), "dest": plain(self._file(name)), **self._owner("0600")}
        if "--checksum" in self.flags:
            options["checksum"] = self.flags["--checksum"]
        return [*self._above(), self._task(f"Download {address}", "get_url", options)]

    def _file(self, name: str) -> str:
        return self.target + name if self.target.endswith("/") else self.target

    def _above(self) -> list[Task]:
        folder = self.target.rstrip("/") if self.target.endswith("/") else posixpath.dirname(self.target)
        return [] if folder in _ALWAYS_THERE else self.scope.folder(self.each, folder)

    def _owner(self, mode: str) -> dict[str, JsonValue]:
        user, _, group = self.scope.expand(self.each, self.flags.get("--chown", "root:root")).partition(":")
        if "--chmod" in self.flags:
            mode = self.flags["--chmod"]
            mode = mode.zfill(4) if mode.isdigit() else mode
        return {"owner": user, "group": group or user, "mode": mode}

    def _task(self, name: str, module: str, options: dict[str, JsonValue]) -> Task:
        return self.scope.task(self.each, name, module, options)


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
