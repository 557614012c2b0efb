"""Runs in a target before its commit: end what the role started, remove what tools left behind.

Only paths that appeared while the target ran are removed from volatile directories: their status change
time is later than the start of process 1. Prints one line for each process ended, for each service that the role asked
systemctl's stand-in for, and for each path that should have gone and is still there.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import signal
import stat
import sys
import time

OWN = "/dev/baseimage-tmp/own.json"
"""Paths in volatile folders, and of what tools leave behind, that the image below has, as process 1 found them."""
GIVEN = "/dev/baseimage-tmp/given.json"
"""What was in the files that the engine mounts, as process 1 found them."""
NOTES = "/dev/baseimage-tmp/services.jsonl"
"""Where the stand-in of systemctl writes down what it was asked for."""
SUPERVISED = "/etc/service"
"""Where the service layers of the role bootstrap look for services."""

HOME = 5
"""The field of /etc/passwd."""


def others() -> list[int]:
    """All processes but the one that keeps the target running, this one, and the one that started it."""
    spared = {1, os.getpid(), os.getppid()}
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in spared]


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def command_of(pid: int) -> str:
    """A process's command line, for the report."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return line.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def end_processes() -> None:
    """TERM, up to three seconds, KILL."""
    running = [pid for pid in others() if alive(pid)]
    for pid in running:
        print("ended:", command_of(pid))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in filter(alive, running):
            try:
                os.kill(pid, number)
            except OSError:
                pass
        until = time.monotonic() + 3
        while time.monotonic() < until and any(map(alive, running)):
            time.sleep(0.02)


def remove(path: str) -> None:
    """Remove a file or tree; mounts and what is busy stay."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    except OSError:
        pass


def remove_empty(folder: str) -> None:
    """Remove a folder unless something is left in it or mounted on it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def sweep(folder: str, since: float, kept: frozenset[str] = frozenset()) -> None:
    """Remove what appeared in a folder since a time; older content of the image below stays, and so does `kept`."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode) and not os.path.ismount(path):
            sweep(path, since, kept)
            if status.st_ctime >= since and path not in kept:
                remove_empty(path)
        elif status.st_ctime >= since and path not in kept and not os.path.ismount(path):
            remove(path)


def homes() -> list[str]:
    """Where Ansible may have made its folder: the home of every account but those in system folders."""
    try:
        with open("/etc/passwd", encoding="utf-8", errors="replace") as accounts:
            found = {fields[HOME] for fields in (line.split(":") for line in accounts) if len(fields) > HOME}
    except OSError:
        found = set()
    return sorted(found | {"/root"})


def started() -> float:
    """When process 1 began (the times of /proc/1 itself are those of the first look at it)."""
    with open("/proc/1/stat") as status, open("/proc/stat") as system:
        ticks = int(status.read().rsplit(")", 1)[1].split()[19])
        booted = next(int(line.split()[1]) for line in system if line.startswith("btime"))
    return booted + ticks / os.sysconf("SC_CLK_TCK") - 1


def services() -> list[dict[str, object]]:
    """What was asked for of each service, the last word on each matter, and whether a service layer runs it."""
    said: dict[str, dict[str, object]] = {}
    try:
        with open(NOTES, encoding="utf-8") as lines:
            for line in lines:
                note = json.loads(line)
                said.setdefault(note["name"], {"active": False, "enabled": False, "failure": ""}).update(note)
    except (OSError, ValueError):
        pass
    runs = [os.path.basename(os.path.dirname(path)) for path in glob.glob(f"{SUPERVISED}/*/run")]
    for name, each in said.items():
        # ssh is sshd to some, and redis-server is redis.
        each["supervised"] = any(run.startswith(name) or name.startswith(run) for run in runs)
        each["layer"] = os.path.isdir(SUPERVISED)
    return list(said.values())


def mounted() -> frozenset[str]:
    """Where something is mounted: what is below is in no layer."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        return frozenset(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4]) for line in lines)


def within(folder: str, mounts: frozenset[str]) -> list[os.DirEntry[str]]:
    """All that is in a folder, but for what is mounted there."""
    found, folders = [], [folder]
    for each in folders:
        try:
            with os.scandir(each) as entries:
                inside = [entry for entry in entries if entry.path not in mounts]
        except OSError:
            continue
        found += inside
        folders += [entry.path for entry in inside if entry.is_dir(follow_symlinks=False)]
    return found


def unswept(folders: list[str], mounts: frozenset[str]) -> set[str]:
    """What is in volatile folders."""
    real = [folder for folder in folders if not os.path.islink(folder) and folder not in mounts]
    return {entry.path for folder in real for entry in within(folder, mounts)}


def matching(patterns: list[str], mounts: frozenset[str]) -> set[str]:
    """What matches one of the patterns, but for what is mounted there."""
    found = {path for pattern in patterns for path in glob.glob(pattern)}
    return {path for path in found if not {path, os.path.dirname(path)} & mounts}


def named(traces: str, since: float, mounts: frozenset[str], root: str = "/") -> set[str]:
    """What has the name of a trace, anywhere, and is new."""
    wanted = re.compile(traces)
    found = [entry.path for entry in within(root, mounts) if wanted.fullmatch(entry.name)]
    return {path for path in found if os.lstat(path).st_ctime >= since}


def restore(mounts: frozenset[str]) -> None:
    """Give the files that the engine mounts the content that they had: other targets have the same."""
    with open(GIVEN, encoding="utf-8") as listing:
        given = json.load(listing)
    for path in given.keys() & mounts:
        with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
            if file.read() != given[path]:
                file.seek(0)
                file.truncate()
                file.write(given[path])


def arguments() -> list[list[str]]:
    """The folders to sweep, the patterns to remove, and the expression of names that are traces; "--" between."""
    found: list[list[str]] = [[]]
    for word in sys.argv[1:]:
        if word == "--":
            found.append([])
        else:
            found[-1].append(word)
    return found


def own() -> frozenset[str]:
    """What may look new though it is not: a target's changes are copies of what the image has."""
    with open(OWN, encoding="utf-8", errors="surrogateescape") as listing:
        return frozenset(json.load(listing))


def main() -> None:
    """End the processes, sweep the folders, remove what matches the patterns, and tell what is left."""
    folders, patterns, (traces,) = arguments()
    since, kept, mounts = started(), own(), mounted()
    for service in services():
        print("service:", json.dumps(service))
    end_processes()
    for folder in folders:
        if not os.path.islink(folder):
            sweep(folder, since, kept)
    for home in homes():
        for name in (".ansible", ".ansible_async"):
            remove(os.path.join(home, name))
    for path in matching(patterns, mounts):
        remove(path)
    still = (unswept(folders, mounts) | matching(patterns, mounts)) - kept
    for path in sorted(still | named(traces, os.stat(OWN).st_ctime, mounts)):
        print("left:", json.dumps(path))
    restore(mounts)


if __name__ == "__main__":
    main()
