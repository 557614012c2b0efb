"""One event of ansible-runner to one of ours; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import PlayFailedError
from pipeline.events import Event, Output, TaskFinished, TaskStarted, TaskStatus, Warned
from pipeline.play_failures import cause
from pipeline.player import RoleFiles

_ROLE_PATH = re.compile(r".*/project/roles/(?P<role>[^/]+)/(?P<rest>.+)$")
_ORIGIN = re.compile(r"^Origin: (?P<path>\S+?:\d+)(?::\d+)?$", re.MULTILINE)
"""Where Ansible sees the reason for an error that is no task's."""
_NO_TRACE = "(traceback unavailable)"
"""What ansible-core writes as the exception of every failed task, unless it is told to keep traces."""
_ENDED: dict[str, TaskStatus] = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
}


@dataclass
class PlayLog:
    """What a play reported so far: counts, the failure, and what the role set as statistics."""

    step: str
    role: str
    folders: dict[str, str]
    counts: dict[str, int] = field(default_factory=dict)
    statistics: dict[str, Any] = field(default_factory=dict)
    failure: PlayFailedError | None = None
    refused: PlayFailedError | None = None
    lines: list[str] = field(default_factory=list)
    succeeded: bool = False
    """All tasks are done, and none has failed; not known of a play without any."""

    def translate(self, raw: dict[str, Any]) -> tuple[Event, ...]:
        """The events to show for one of ansible-runner's; keeps what matters at the end."""
        name, data = str(raw.get("event", "")), raw.get("event_data") or {}
        if name in _ENDED:
            return self._ended(_ENDED[name], data)
        if name in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            return (TaskStarted(self.step, self._role(data), str(data.get("task", "")), self._place(data)),)
        if name == "playbook_on_stats":
            self._summed_up(data)
        elif name in ("warning", "error", "verbose", "deprecated", "system_warning"):
            return self._printed(name, str(raw.get("stdout", "")))
        return ()

    def _summed_up(self, data: dict[str, Any]) -> None:
        self.statistics = dict(data.get("artifact_data") or {})
        if not data.get("failures") and not data.get("dark"):
            self.failure = self.refused  # what failed was rescued
            self.succeeded = bool(data.get("processed")) and not self.refused

    def _ended(self, status: TaskStatus, data: dict[str, Any]) -> tuple[Event, ...]:
        result = data.get("res") or {}
        if status == "ok" and result.get("changed"):
            status = "changed"
        if status == "failed" and data.get("ignore_errors"):
            status = "ignored"
        self.counts[status] = self.counts.get(status, 0) + 1
        message = ""
        if status in ("failed", "unreachable", "ignored"):
            message = failure_message(result)
        if status in ("failed", "unreachable"):
            self.failure = self._failure(data, result, message)
        task = str(data.get("task", ""))
        return (TaskFinished(self.step, self._role(data), task, status, float(data.get("duration") or 0.0), message),)

    def _failure(self, data: dict[str, Any], result: dict[str, Any], message: str) -> PlayFailedError:
        task = f"role {self._role(data)}, task {str(data.get('task', ''))!r}"
        detail = failure_detail(result)
        why = cause(message, detail, unreachable=bool(result.get("unreachable")), rc=result.get("rc"))
        failure = PlayFailedError(f"{task}: {message}", place=self._place(data), detail=detail, hint=why.hint)
        failure.kind = why.kind
        return failure

    def _refusal(self, text: str) -> PlayFailedError | None:
        """What Ansible could not make sense of before the task was played: an error with a place in a role."""
        origin = _ORIGIN.search(text)
        place = self._in_project(origin["path"]) if origin else ""
        if not place:
            return None
        message = " ".join(text[: origin.start()].removeprefix("[ERROR]:").split()) if origin else text
        why = cause(message)
        failure = PlayFailedError(f"role {self.role}: {message}", place=place, hint=why.hint)
        failure.kind = why.kind
        return failure

    def _role(self, data: dict[str, Any]) -> str:
        return str(data.get("role") or self.role)

    def _place(self, data: dict[str, Any]) -> str:
        return self._in_project(str(data.get("task_path") or ""))

    def _in_project(self, path: str) -> str:
        if match := _ROLE_PATH.match(path):
            return f"{self.folders.get(match['role'], match['role'])}/{match['rest']}"
        return ""

    def _printed(self, name: str, text: str) -> tuple[Event, ...]:
        text = re.sub(r"\x1b\[[0-9;]*m|\r(?=\n)", "", text).strip()
        self.lines += text.splitlines()
        if name == "error":
            # It is no task that ends the play, such as a handler or a module that does not exist.
            self.failure = self.refused = self._refusal(text)
        if not text:
            return ()
        if name in ("warning", "system_warning"):
            return (Warned(" ".join(text.removeprefix("[WARNING]:").split())),)
        return tuple(Output(self.step, line) for line in text.splitlines())


def folders_of(role: RoleFiles) -> dict[str, str]:
    """Where each role's files are, for messages: relative to the working directory where they are below it."""
    found = {role.name: str(role.folder)}
    for dependency in role.dependencies:
        found |= folders_of(dependency)
    return found


def failure_message(result: dict[str, Any]) -> str:
    """What a failed module says of itself, on one line."""
    if result.get("censored"):
        return "failed; its result is hidden by no_log"
    failed = [item for item in result.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    if failed:
        return f"{failure_message(failed[0])} (item {failed[0].get('item')!r})"
    message = result.get("msg") or result.get("reason")
    if result.get("message") and str(message).endswith("Unknown error."):
        message = result["message"]  # where include_vars puts it
    message = message or "the module failed without a message"
    return " ".join("; ".join(map(str, message)).split() if isinstance(message, list) else str(message).split())


def failure_detail(result: dict[str, Any]) -> str:
    """A failed module's own output: stderr, else stdout, else the exception that it died of."""
    if result.get("censored"):
        return ""
    for item in (result, *(result.get("results") or [])):
        if not isinstance(item, dict):
            continue
        for name in ("stderr", "module_stderr", "stdout", "module_stdout", "exception"):
            text = str(item.get(name) or "").strip()
            if text and text != _NO_TRACE:
                return text
    return ""
