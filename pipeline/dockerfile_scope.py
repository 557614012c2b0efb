"""What holds at one line of a Dockerfile: variables, working directory, user, shell; and what was noticed so far."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.dockerfile_stages import Dockerfile, Instruction
from pipeline.dockerfile_words import Expander
from pipeline.errors import Problem, UsageError
from pipeline.yaml_source import JsonValue

Task: TypeAlias = "dict[str, JsonValue]"

SHELL = ("/bin/sh", "-c")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_JINJA = re.compile(r"\{\{|\{%|\{#")
_LONGEST_NAME = 70


@dataclass
class Scope:
    """The state that instructions change and look at; `role` begins the names of the role's variables."""

    source: Dockerfile
    role: str
    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    working_dir: str = "/"
    user: str = ""
    shell: tuple[str, ...] = SHELL
    notes: list[Problem] = field(default_factory=list)
    written_in: dict[str, int] = field(default_factory=dict)
    """ARGs whose values went into something else than a RUN, each with the first line that did so."""

    def note(self, each: Instruction, message: str, hint: str = "") -> None:
        """Something of this instruction is not carried over."""
        self.notes.append(self.source.problem(each.line, each.name, message, hint))

    def expand(self, each: Instruction, text: str, *, quotes: bool = True) -> str:
        """A word of the instruction with quotes gone and variables filled in; what has no value is noted."""
        expander = self.expander()
        try:
            value = expander.expand(text, quotes=quotes)
        except UsageError as error:
            self.note(each, error.message, error.hint)
            return text
        for name in sorted(expander.missing):
            self.note(
                each, f"${name} has no value here and is left empty", f"the base may set it; else give ARG {name}="
            )
        if "PATH" in expander.used and "PATH" not in self.environment:
            self.note(each, f"the base's PATH is not known here: {_PATH} is taken", "put it right in the recipe")
        for name in expander.used & (self.arguments.keys() - self.environment.keys()):
            self.written_in.setdefault(name, each.line)
        return value

    def expander(self) -> Expander:
        """ENV goes before ARG; PATH is the usual one until it is set."""
        return Expander({"PATH": _PATH, **self.arguments, **self.environment}, self.source.escape)

    def words(self, each: Instruction) -> list[str]:
        """All words of the instruction, expanded."""
        return [self.expand(each, word) for word in each.words]

    def path(self, text: str) -> str:
        """An absolute path, out of one that may be relative to the working directory; a final / stays."""
        joined = posixpath.normpath(posixpath.join(self.working_dir, text))
        return joined.rstrip("/") + "/" if text.endswith("/") or text in (".", "") else joined

    def task(self, each: Instruction, name: str, module: str, options: Mapping[str, JsonValue]) -> Task:
        """A task with a name that says its line."""
        short = " ".join(name.split()).replace("{", "").replace("}", "")
        short = short if len(short) <= _LONGEST_NAME else f"{short[: _LONGEST_NAME - 2]} …"
        return {"name": f"{short} (line {each.line})", f"ansible.builtin.{module}": dict(options)}

    def folder(self, each: Instruction, path: str) -> list[Task]:
        """A task that makes a folder, as the builder does for whatever needs one; nothing for the root."""
        path = path.rstrip("/")
        if not path:
            return []
        return [self.task(each, f"Make sure that {path} is there", "file", {"path": plain(path), "state": "directory"})]

    def run_environment(self) -> dict[str, JsonValue]:
        """The variables that a RUN sees beside the base's own."""
        arguments = {
            name: f"{{{{ {self.variable(name)} }}}}" for name in self.arguments if name not in self.environment
        }
        return {**arguments, **{name: plain(value) for name, value in self.environment.items()}}

    def variable(self, argument: str) -> str:
        """The role's variable for an ARG."""
        return f"{self.role}_{re.sub('[^a-z0-9_]', '_', argument.lower())}"


def plain(text: str) -> str:
    """A text that Ansible leaves as it is, whatever braces it holds."""
    return f"{{% raw %}}{text}{{% endraw %}}" if _JINJA.search(text) else text
