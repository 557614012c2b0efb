"""What the builds of one run have in common, whichever thread each of them is in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.engine import ImageId
from pipeline.halting import Halt
from pipeline.locks import Locks
from pipeline.registry_cache import Known


@dataclass(frozen=True, slots=True)
class Together:
    """The folder of the locks, what stops all builds, and what was done in this run: bases refreshed, layers made.

    `registries` is what is known of those that share layers.
    """

    folder: Path
    halt: Halt = field(default_factory=Halt)
    fresh: set[str] = field(default_factory=set)
    made: dict[str, ImageId] = field(default_factory=dict)
    registries: Known = field(default_factory=Known)

    def locks(self) -> Locks:
        """Locks between all runs that keep their records in the same folder, and between the threads of each."""
        return Locks(self.folder, self.halt.turned)

    def alone(self, key: str) -> AbstractContextManager[object]:
        """The lock of a layer. There are 4096 at most, so that two keys may now and then have to share one."""
        return self.locks()(f"layer-{key[:3]}")
