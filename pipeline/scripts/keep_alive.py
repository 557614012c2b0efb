"""Runs as process 1 of a target: waits, collects orphans, ends on TERM.

The first argument is Ansible's remote tmp, a fresh volume of root's, which it opens to every user. The others are
volatile folders and, after "--", patterns of what tools leave behind: what the image has of both is written down there,
since what a role leaves of them is swept away. So is what is in the files that the engine mounts: a role may write to
them, and the next one's target has the same.
"""

import glob
import json
import os
import signal
import sys

shared, *words = sys.argv[1:]
split = words.index("--")
volatile, patterns = words[:split], words[split + 1 :]
own = [path for pattern in patterns for path in glob.glob(pattern)]
own += [
    os.path.join(parent, name)
    for folder in volatile
    for parent, folders, files in os.walk(folder)
    for name in folders + files
]
given = {}
for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            given[path] = file.read()
    except OSError:
        pass
for name, content in (("given", given), ("own", own)):
    with open(f"{shared}/{name}.json", "w") as listing:
        json.dump(content, listing)
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
