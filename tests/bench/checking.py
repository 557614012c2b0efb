"""Whether an image has what was asked for: a script for its shell, and what that has to print."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass

from tests.bench.work import Files, Folders, Lines, Packages, Task, Tree, User, Work

_NO_CACHES = "find /var/lib/apt/lists /var/cache/apt -type f -size +100k 2>/dev/null | wc -l"


@dataclass(frozen=True)
class Check:
    """A command, and the lines that it prints in a good image."""

    command: str
    expected: tuple[str, ...]


def checks(work: Work) -> tuple[Check, ...]:
    """All that is to be seen of the work. A file's text is what later lines made of it."""
    contents = _contents(work)
    found = [check for role in work for task in role.tasks for check in _checks(task, contents)]
    return tuple(dict.fromkeys(found))


def script(work: Work) -> str:
    """One script that prints everything."""
    return "\n".join(check.command for check in checks(work))


def complaint(work: Work, printed: str) -> str:
    """What differs in what the script printed, in a few lines; empty when nothing does."""
    expected = [line for check in checks(work) for line in check.expected]
    lines = printed.splitlines()
    wrong = [f"{line!r} instead of {wanted!r}" for wanted, line in zip(expected, lines, strict=False) if line != wanted]
    if len(lines) != len(expected):
        wrong.append(f"{len(lines)} lines instead of {len(expected)}")
    return "; ".join(wrong[:3])


def _contents(work: Work) -> dict[str, str]:
    """The texts of files that are wholly ours."""
    found: dict[str, str] = {}
    for task in (task for role in work for task in role.tasks):
        if isinstance(task, Files):
            found |= dict(task.texts)
        if isinstance(task, Lines) and task.path in found:
            found[task.path] += "".join(f"{line}\n" for line in task.lines)
    return found


def _checks(task: Task, contents: dict[str, str]) -> list[Check]:
    match task:
        case Packages(names):
            command = "dpkg-query -W -f '${db:Status-Status} ${Package}\\n' " + shlex.join(names)
            installed = Check(command, tuple(f"installed {name}" for name in sorted(names)))
            return [installed, Check(_NO_CACHES, ("0",))]
        case Folders(paths):
            return [_stat(path, "directory", "0755") for path in paths]
        case Files(texts, mode):
            return [check for path, _ in texts for check in (_stat(path, "regular file", mode), _sum(path, contents))]
        case Lines(path, lines):
            return [Check(f"grep -cxF -e {shlex.quote(line)} {shlex.quote(path)}", ("1",)) for line in lines]
        case User(name):
            return [Check(f"getent passwd {name} | cut -d: -f1,6", (f"{name}:/home/{name}",))]
        case Tree(path, count):
            return [Check(f"find {shlex.quote(path)} -type f -size -4k | wc -l", (str(count),))]


def _stat(path: str, kind: str, mode: str) -> Check:
    return Check(f"stat -c '%F %a %n' {shlex.quote(path)}", (f"{kind} {mode.lstrip('0')} {path}",))


def _sum(path: str, contents: dict[str, str]) -> Check:
    digest = hashlib.sha256(contents[path].encode()).hexdigest()
    return Check(f"sha256sum < {shlex.quote(path)}", (f"{digest}  -",))
