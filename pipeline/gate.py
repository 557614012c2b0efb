"""Where an Ansible that was started ahead waits for its target: a FIFO of the conductor that it reads its hosts from.

Ansible fills in the hosts of a play when it has loaded the roles and is about to play them. So what it needs a second
for is done while the target is still being started.
"""

from __future__ import annotations

from contextlib import suppress

from pipeline.engine import ContainerId, Engine
from pipeline.errors import EngineError

HOSTS = "all"
ROLES = "project/roles"
"""Where the roles of a play are in its folder."""
# A line is read, not the end of the input, which does not come through over TLS. Where the pipeline has gone there
# is neither, and Ansible finds no hosts. Whoever asks once more finds a file: a FIFO would have to be written again.
_KEEP = """
mkdir -p "$1/$2" && mkfifo "$1/gate" && { [ "$3" = 0 ] || head -c "$3" | tar -xf - -C "$1/$2"; } && echo kept || exit 1
IFS= read -r hosts
printf %s "$hosts" >"$1/answer"
exec 3>"$1/gate"
mv "$1/answer" "$1/gate"
printf %s "$hosts" >&3
exec 3>&-
cat >/dev/null
rm -rf "$1"
"""


class Gate:
    """Closed until `open` is called: who reads the hosts behind it waits so long.

    It is in `folder` of the conductor, which is made for one play and goes, with all that is in it, when it is over.
    """

    def __init__(self, engine: Engine, container: ContainerId, folder: str, archive: bytes = b"") -> None:
        """With a tar archive, its files are in `project/roles` of the folder before it goes on.

        Raises EngineError when the conductor cannot be asked.
        """
        words = ("gate", folder, ROLES, str(len(archive)))
        self._channel = engine.open(container, ("sh", "-c", _KEEP, *words))
        with suppress(ConnectionError):  # it has ended, and said why
            self._channel.stdin.write(archive)
        if self._channel.stdout.readline().strip() != b"kept":
            detail = self._channel.stderr().decode(errors="replace").strip()
            self.close()
            raise EngineError("the conductor keeps no gate", detail=detail)

    def open(self) -> None:
        """Let Ansible play. Raises ConnectionError when the conductor has gone."""
        self._channel.stdin.write(f"{HOSTS}\n".encode())

    def close(self) -> None:
        """The play is over, or nobody comes to open it any more: an Ansible that waits ends without hosts."""
        self._channel.close()


def hosts_behind(folder: str) -> str:
    """What a playbook names as its hosts, to wait at the gate in a folder of the conductor."""
    return f"{{{{ lookup('ansible.builtin.file', '{folder}/gate') }}}}"
