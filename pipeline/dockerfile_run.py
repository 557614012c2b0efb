"""RUN as a task."""

from __future__ import annotations

import shlex

from pipeline.dockerfile_scope import Scope, Task, plain
from pipeline.dockerfile_stages import Instruction
from pipeline.yaml_source import JsonValue

_LONG = 100


def run_task(each: Instruction, scope: Scope) -> Task:
    """The task of one RUN: in the shell, directory, environment and user that hold at its line."""
    for flag in each.flags:
        scope.note(each, f"{flag} has no counterpart: the command runs without it", _instead(flag))
    module, options = _command(each, scope)
    if scope.working_dir != "/":
        options["chdir"] = plain(scope.working_dir)
    task = scope.task(each, f"Run {_said(each)}", module, options)
    if environment := scope.run_environment():
        task["environment"] = environment
    user = scope.user.partition(":")[0]
    if user not in ("", "root", "0"):
        task |= {"become": True, "become_user": user}
        if ":" in scope.user:
            scope.note(each, f"the group of USER {scope.user} holds in the image, not for this command")
    task["changed_when"] = True
    return task


def _instead(flag: str) -> str:
    """What may be written in the place of a mounted secret; "" for other flags."""
    fields = dict(part.partition("=")[::2] for part in flag.removeprefix("--mount=").split(","))
    if fields.get("type") != "secret":
        return ""
    target = next((fields[name] for name in ("target", "dst", "destination") if fields.get(name)), "")
    secret = fields.get("id") or target.rpartition("/")[2].lstrip(".") or "NAME"
    if fields.get("env") and not target:
        return f"write build_secrets: [{secret}] at the role, and read it with a lookup (docs/secrets.md)"
    return f"write build_secrets: [{{id: {secret}, target: {target or f'/run/secrets/{secret}'}}}] at the role"


def _command(each: Instruction, scope: Scope) -> tuple[str, dict[str, JsonValue]]:
    if each.json:
        return "command", {"argv": [plain(word) for word in each.words]}
    text = _script(each)
    first = text.partition("\n")[0]
    if each.heredocs and first.startswith("#!"):
        return "command", {"argv": [*shlex.split(first[2:]), "/dev/stdin"], "stdin": plain(text)}
    *shell, flag = scope.shell
    if len(shell) != 1 or flag != "-c":  # the module takes a shell without options only
        return "command", {"argv": [*scope.shell, plain(text)]}
    return "shell", {"cmd": plain(text), **({} if shell[0] == "/bin/sh" else {"executable": shell[0]})}


def _script(each: Instruction) -> str:
    """What the shell gets: a document that stands alone is the script, others belong to the command's text."""
    if len(each.heredocs) == 1 and len("".join(each.words).split()) == 1:
        return each.heredocs[0].content
    if each.heredocs:
        return _without_flags(each.rest, each.flags)
    return _folded(" ".join(each.words))


def _without_flags(text: str, flags: tuple[str, ...]) -> str:
    for flag in flags:
        text = text.removeprefix(flag).lstrip()
    return text


def _folded(text: str) -> str:
    """A long line broken before each && that stands outside of quotes; the shell joins it again."""
    if len(text) <= _LONG or "#" in text or "\n" in text:
        return text
    out, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            out, at = out + text[at : at + 2], at + 2
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        if text.startswith("&& ", at) and not quote:
            out = out.rstrip(" ") + " \\\n  "
        out, at = out + char, at + 1
    return out


def _said(each: Instruction) -> str:
    if each.heredocs and len("".join(each.words).split()) == 1:
        return "the script"
    return " ".join(each.words)
