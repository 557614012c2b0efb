"""The builders that are measured, one module each; a new one is a module and a line here."""

from __future__ import annotations

from tests.bench.peers.bender import Bender
from tests.bench.peers.buildkit import BuildKit
from tests.bench.peers.dockerfile import Dockerfile
from tests.bench.peers.ours import Ours
from tests.bench.peers.packer import Packer
from tests.bench.peers.peer import Peer
from tests.bench.peers.pyinfra import Pyinfra

CATALOGUE: dict[str, type[Peer]] = {
    "ours": Ours,
    "dockerfile": Dockerfile,
    "buildkit": BuildKit,
    "bender": Bender,
    "packer": Packer,
    "pyinfra": Pyinfra,
}
"""In the order in which they are shown."""
