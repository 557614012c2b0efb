"""What a run has done, seen from the events that pass: how each role's tasks ended, and what was pushed."""

from __future__ import annotations

from collections import Counter

from pipeline.events import Event, Pushed, Sink, StepStarted, TaskFinished


class Observed:
    """A sink that hands every event on. Threads may share it: the steps of one are no other's."""

    def __init__(self, emit: Sink) -> None:
        self._emit = emit
        self._counts: dict[str, Counter[str]] = {}
        self._digests: dict[str, str] = {}
        self._earlier: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Note a task's end, that a role was played at all, and the digest that a registry confirmed."""
        match event:
            case StepStarted(stage="provision", step=step):
                self._counts[step] = Counter()
            case TaskFinished(step=step, status=status):
                self._counts.setdefault(step, Counter())[status] += 1
            case Pushed(tag=tag, digest=digest, already=already):
                self._digests[tag] = digest
                self._earlier |= {digest} if already else set()
            case _:
                pass
        self._emit(event)

    def counts(self, step: str) -> dict[str, int] | None:
        """Counts of tasks by status of the role that was played in a step; None where none was."""
        found = self._counts.get(step)
        return None if found is None else dict(found)

    def built_earlier(self, digest: str) -> bool:
        """Whether a registry had this image from before: what this run has built may be another one."""
        return digest in self._earlier

    def digest(self, tag: str) -> str:
        """The digest that was pushed under a name, "" for none."""
        return self._digests.get(tag, "")
