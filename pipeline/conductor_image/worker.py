"""ansible-runner, without the tenth of a second for which it waits before it looks whether Ansible has ended.

Arguments are those of ansible-runner.
"""

import sys

from ansible_runner.__main__ import main
from ptyprocess import PtyProcess

_close = PtyProcess.close


def close(process: PtyProcess, force: bool = True) -> None:  # noqa: FBT001, FBT002 - as it is
    """Give the kernel that time only where the program seems to run yet."""
    if not process.isalive():
        process.delayafterclose = 0
    _close(process, force)


if __name__ == "__main__":
    PtyProcess.close = close
    sys.exit(main())
