"""Runs as process 1 of a target: waits, collects orphans, ends on TERM.

The first argument is Ansible's remote tmp, a fresh volume of root's, which it opens to every user. The others are
volatile folders: what the image has in them is written down there, since what a role leaves in them is swept away.
"""

import json
import os
import signal
import sys

shared, *volatile = sys.argv[1:]
own = [
    os.path.join(parent, name)
    for folder in volatile
    for parent, folders, files in os.walk(folder)
    for name in folders + files
]
with open(f"{shared}/own.json", "w") as listing:
    json.dump(own, listing)
os.chmod(shared, 0o1777)  # noqa: S103 - as /tmp is
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGCHLD, lambda *_: None)
while True:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    signal.pause()
