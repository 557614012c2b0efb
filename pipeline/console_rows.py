"""The live tree as rows: services, their steps, and the folding that keeps the tree within the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.console_state import BuildState, Mark, StepState, joint_mark
from pipeline.wording import count, duration, megabytes

_UNDER_RUNNING = 2
"""Lines that a running step may need below its own: the task and the last output."""

_FOLD_WAITING_SERVICES, _FOLD_FINISHED_SERVICES, _FOLD_FINISHED_STEPS = 1, 2, 3
_FOLD_WAITING_STEPS, _FOLD_SERVICES, _FOLD_WORK = 4, 5, 6
_OVER: frozenset[Mark] = frozenset({"done", "cached"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree, with what is written under it while it runs."""

    label: str
    mark: Mark = "pending"
    seconds: float | None = None
    text: str = ""
    task: str = ""
    output: str = ""
    children: tuple[Row, ...] = ()

    def lines(self) -> int:
        """How many lines this row and all below it take."""
        return 1 + bool(self.task) + bool(self.output) + sum(child.lines() for child in self.children)


def fitting(state: BuildState, now: float, height: int | None) -> Row:
    """The tree with as little folded as fits into `height` lines (None: nothing folded).

    Room for the lines under the running steps is kept even when they are empty, so that the tree does not
    fold and unfold with every task.
    """
    root = tree(state, now, 0)
    for folding in range(1, _FOLD_WORK + 1):
        if height is None or _needed(root, state) <= height:
            break
        root = tree(state, now, folding)
    return root


def _needed(root: Row, state: BuildState) -> int:
    running = [step for step in state.steps.values() if step.mark == "running"]
    shown = sum(bool(step.task) + bool(step.output) for step in running)
    return root.lines() + max(0, max(1, len(running)) * _UNDER_RUNNING - shown)


def tree(state: BuildState, now: float, folding: int) -> Row:
    """The tree, with one more thing folded at each level.

    1 waiting services, 2 finished services, 3 finished steps, 4 waiting steps, 5 services of a kind into one
    line, 6 what is written under running steps.
    """
    by_service: dict[str, list[StepState]] = {service: [] for service in state.services}
    for step in state.steps.values():
        by_service.setdefault(step.service, []).append(step)
    rows = list(_steps(by_service.pop("", []), now, folding))
    rows += [_service(state, service, steps, now, folding) for service, steps in by_service.items()]
    if folding >= _FOLD_SERVICES:
        rows = [*_merged(rows, _OVER, "service")]
        rows = [*_merged(rows, frozenset({"pending"}), "service")]
    if state.retry and now < state.retry_until:
        rows.append(Row("", "running", None, state.retry))
    elapsed = (now if state.ended is None else state.ended) - state.began
    root = Row(state.name, _root_mark(state), elapsed, state.recipe, children=tuple(rows))
    return root if state.ended is None else _settled(root, "done" if state.finished else "stopped")


def _settled(row: Row, mark: Mark) -> Row:
    """Nothing runs once the build is over, not even what lies between two steps."""
    children = tuple(_settled(child, mark) for child in row.children)
    return replace(row, mark=mark if row.mark == "running" else row.mark, children=children)


def _root_mark(state: BuildState) -> Mark:
    if state.failures:
        return "failed"
    if state.ended is None:
        return "running"
    return "done" if state.finished else "stopped"


def _service(state: BuildState, service: str, steps: list[StepState], now: float, folding: int) -> Row:
    rows = [*_steps(steps, now, 0)]
    mark = joint_mark(row.mark for row in rows)
    seconds = None if mark == "pending" else sum(step.elapsed(now) for step in steps)
    if mark == "pending":
        text, folds = count(len(rows), "step"), folding >= _FOLD_WAITING_SERVICES
    elif mark in _OVER:
        sizes = (megabytes(image.size) for image in state.results.images if image.service == service)
        text, folds = next(sizes, ""), folding >= _FOLD_FINISHED_SERVICES
    else:
        over = sum(row.mark in _OVER for row in rows)
        text, folds = f"{over} of {count(len(rows), 'step')}", False
    return Row(service, mark, seconds, text, children=() if folds else tuple(_steps(steps, now, folding)))


def _steps(steps: Sequence[StepState], now: float, folding: int) -> Iterator[Row]:
    rows = [_branch(branch, now, bare=folding >= _FOLD_WORK) for branch in _branches(steps)]
    if folding >= _FOLD_FINISHED_STEPS:
        rows = [*_merged(rows, _OVER, "step")]
    if folding >= _FOLD_WAITING_STEPS:
        rows = [*_merged(rows, frozenset({"pending"}), "step")]
    yield from rows


def _branches(steps: Sequence[StepState]) -> Iterator[list[StepState]]:
    """Steps as lines: all stages of one role are one line."""
    branches: dict[str, list[StepState]] = {}
    for index, step in enumerate(steps):
        branches.setdefault(f"role {step.branch}" if step.branch else f"step {index}", []).append(step)
    yield from branches.values()


def _branch(steps: list[StepState], now: float, *, bare: bool) -> Row:
    mark = joint_mark(step.mark for step in steps)
    first = steps[0]
    label = f"role {first.role}" if first.role else first.stage
    seconds = None if mark in ("pending", "cached") else sum(step.elapsed(now) for step in steps)
    live = next((step for step in steps if step.mark == "running"), None)
    if live is None or bare:
        return Row(label, mark, seconds, _text(steps, mark))
    task = f"{live.task}  {duration(now - live.task_began)}" if live.task else ""
    return Row(label, mark, seconds, _text(steps, mark), task, live.output)


def _text(steps: list[StepState], mark: Mark) -> str:
    """What came out, or what is under way; a failure says only why."""
    same = [step.text for step in steps if step.mark == mark and step.text]
    if mark == "pending":
        return ""
    if mark in ("failed", "stopped"):
        return "".join(same[:1])
    if mark == "cached":
        return " · ".join(["cached", *same[:1]])
    bytes_told = next((step.bytes.text for step in steps if step.bytes.items), "") if mark == "running" else ""
    counts = next((step.tasks.text for step in steps if step.tasks.counts), "")
    parts = (counts, bytes_told, *same[-1:]) if mark == "running" else (*same[-1:], counts)
    return " · ".join(part for part in parts if part)


def _merged(rows: Sequence[Row], marks: frozenset[Mark], noun: str) -> Iterator[Row]:
    """Neighbours that are all over, or all waiting, as one row that names them."""
    for alike, group in groupby(rows, key=lambda row: row.mark in marks):
        run = list(group)
        if alike and len(run) > 1:
            yield _one(run, noun)
        else:
            yield from run


def _one(run: Sequence[Row], noun: str) -> Row:
    mark = joint_mark(row.mark for row in run)
    spent = [row.seconds for row in run if row.seconds is not None]
    names = ", ".join(row.label for row in run)
    return Row(count(len(run), noun), mark, sum(spent) if spent else None, names)
