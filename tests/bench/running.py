"""The run itself: every turn made ready, timed and looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.bench.checking import complaint, script
from tests.bench.figures import Sample
from tests.bench.measuring import BuildError
from tests.bench.peers.peer import Job, Peer
from tests.bench.selection import Turn
from tests.bench.work import trivial_roles

BEGIN = Job("begin", (trivial_roles(1),), reuse=True)
"""Built by each builder before anything is timed: what is made once per machine is made then."""


@dataclass
class Runner:
    """Takes the turns. A build that fails or makes another image than it should is a sample that does not count."""

    peers: Mapping[str, Peer]
    unique: str
    tell: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)
    _prepared: set[tuple[str, str]] = field(default_factory=set)

    def begin(self) -> dict[str, str]:
        """Prepare every builder; the reasons of those that cannot build even the least, by name."""
        failed = {}
        for name, peer in self.peers.items():
            try:
                peer.prepare()
                self._built(peer, BEGIN)
            except BuildError as error:
                failed[name] = Sample(BEGIN.name, name, 0, 0.0, failed=str(error)).reason
        return failed

    def take(self, turns: Iterable[Turn], saved: Callable[[], None]) -> None:
        """Take the turns one after the other; `saved` is called after each."""
        for turn in turns:
            sample = self._sample(turn)
            self.samples.append(sample)
            how = f"failed: {sample.reason}" if sample.failed else f"{sample.seconds:.2f} s"
            self.tell(f"round {turn.round + 1}  {turn.case.name:<10} {turn.peer:<11} {how}")
            saved()

    def _sample(self, turn: Turn) -> Sample:
        peer = self.peers[turn.peer]
        try:
            if turn.case.before in peer.keeps and (turn.case.name, turn.peer) not in self._prepared:
                self._built(peer, turn.case.earlier(f"{self.unique} before"))
                self._prepared.add((turn.case.name, turn.peer))
            seconds, peak = self._built(peer, turn.case.job(f"{self.unique} {turn.round}"))
        except BuildError as error:
            return Sample(turn.case.name, turn.peer, turn.round, 0.0, failed=str(error))
        return Sample(turn.case.name, turn.peer, turn.round, seconds, peak)

    def _built(self, peer: Peer, job: Job) -> tuple[float, int]:
        """Seconds and peak of memory of one build. Raises BuildError, also for an image that is not as it should be."""
        peer.ready(job)
        started = time.perf_counter()
        peak = peer.build(job)
        seconds = time.perf_counter() - started
        for number, work in enumerate(job.works):
            if wrong := complaint(work, peer.look(job, number, script(work))):
                raise BuildError(f"image {number} of {job.name} is not what was asked for: {wrong}")
        return seconds, peak
