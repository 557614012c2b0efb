"""What a display counts while a step runs: tasks by status, and bytes over all items of a transfer."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.events import TaskStatus, Transfer

_SHOWN: tuple[TaskStatus, ...] = ("ok", "changed", "skipped", "ignored", "failed", "unreachable")


@dataclass(slots=True)
class TaskTally:
    """How many tasks ended in which way."""

    counts: dict[TaskStatus, int] = field(default_factory=dict)

    def add(self, status: TaskStatus) -> None:
        """Count one task."""
        self.counts[status] = self.counts.get(status, 0) + 1

    @property
    def text(self) -> str:
        """What a person reads; empty as long as there is nothing."""
        return ", ".join(f"{self.counts[status]} {status}" for status in _SHOWN if status in self.counts)


@dataclass(slots=True)
class ByteTally:
    """Bytes of a step, summed over its items; an item never goes back (a layer is fetched, then unpacked)."""

    items: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, transfer: Transfer) -> None:
        """Take in one report; one without bytes, after some with, says that the item is complete."""
        current, total = self.items.get(transfer.item, (0, 0))
        if not transfer.current and not transfer.total:
            current = max(current, total)
        current, total = max(current, transfer.current), max(total, transfer.total)
        self.items[transfer.item] = (current, max(current, total) if total else 0)

    @property
    def current(self) -> int:
        """Bytes so far."""
        return sum(current for current, _ in self.items.values())

    @property
    def total(self) -> int:
        """Bytes in all, 0 as long as the engine has not told the size of every item under way."""
        if any(current and not total for current, total in self.items.values()):
            return 0
        return sum(total for _, total in self.items.values())

    @property
    def text(self) -> str:
        """What a person reads; empty as long as there is nothing."""
        if not self.current and not self.total:
            return ""
        total = f"/{self.total / 1_000_000:.1f}" if self.total else ""
        return f"{self.current / 1_000_000:.1f}{total} MB"
