"""Runs as process 1 of a target: waits, collects orphans, ends on TERM.

The arguments are folders that it opens to every user first: Ansible's remote tmp is a fresh volume of root's.
"""

import os
import signal
import sys

for folder in sys.argv[1:]:
    if folder.startswith("/dev/baseimage"):
        os.chmod(folder, 0o1777)  # noqa: S103 - as /tmp is
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGCHLD, lambda *_: None)
while True:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    signal.pause()
