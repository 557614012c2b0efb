"""The rules of ansible-lint that an imported task keeps on breaking: it does what the Dockerfile said; pure."""

from __future__ import annotations

import posixpath
import re

from pipeline.dockerfile_scope import Task

# Programs that ansible-lint would have a module for.
_HAVE_MODULES = frozenset(
    """apt-get chkconfig curl git hg letsencrypt mktemp mount patch rpm rsync sed service supervisorctl svn systemctl
    tar unzip wget yum""".split()
)
_SHELLS_WORK = re.compile(r"[&|<>;$\n*\[\]{}?`!]")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MODULE = re.compile(r"^(  ansible\.builtin\.\w+:)$", re.MULTILINE)
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")
_PIPEFAIL = re.compile(r"^\s*set.*[+-][A-Za-z]*o\s*pipefail", re.MULTILINE)


def marked(text: str, task: Task) -> str:
    """The YAML of a task, with `# noqa` where ansible-lint would ask for something else than the Dockerfile has."""
    rules = " ".join(_rules(task))
    return _MODULE.sub(rf"\1  # noqa: {rules}", text, count=1) if rules else text


def _rules(task: Task) -> list[str]:
    module, options = next(((key.rpartition(".")[2], task[key]) for key in task if "." in key), ("", {}))
    if not isinstance(options, dict):
        return []
    if module == "file":
        return ["risky-file-permissions"]  # what is there already keeps its mode
    if module != "shell":
        return []
    command = _JINJA.sub("", str(options.get("cmd", "")))
    first = posixpath.basename(command.split()[0]) if command.split() else ""
    rules = ["command-instead-of-module"] if first in _HAVE_MODULES else []
    if _PIPE.search(command) and not _PIPEFAIL.search(command):
        rules.append("risky-shell-pipe")
    if "executable" not in options and not _SHELLS_WORK.search(command):
        rules.append("command-instead-of-shell")
    return rules
