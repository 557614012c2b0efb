"""Runs in a target: puts build secrets where a role looks for them, and takes them away again.

`lend FOLDER` reads a line from stdin, whose end may never come: a JSON list of files with `name`, `content` (base64),
`mode` and `target`. Each is written into FOLDER, which is in memory, and `target` becomes a link to it: no layer ever
holds the file. `take FOLDER` removes the links, the folders that were made for them where nothing else is in them by
then, and FOLDER.

Prints "done", or why not, without any content.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import sys

MADE = "made.json"
"""What was made outside of FOLDER: links, each with where it leads, and folders."""
PRIVATE, COMMON = 0o700, 0o755
FOR_OTHERS = 0o004
"""Of a file's mode: its folders have to let others in, too."""


def lend(folder: str, files: list[dict[str, str]]) -> str:
    """Make them; "", or why that cannot be."""
    inside = os.path.join(folder, "files")
    os.makedirs(inside)
    os.chmod(folder, COMMON)
    os.chmod(inside, COMMON)
    made: dict[str, list[str]] = {"links": [], "folders": []}
    for each in files:
        path, target, mode = os.path.join(inside, each["name"]), each["target"], int(each["mode"], 8)
        if os.path.lexists(target):
            return f"{target} is there already"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(base64.b64decode(each["content"]))
        os.chmod(path, mode)
        made["folders"] += missing_above(target)
        made["links"].append(target)
        with open(os.path.join(folder, MADE), "w") as notes:
            json.dump(made, notes)
        try:
            make_folders(missing_above(target), hidden=PRIVATE if mode & FOR_OTHERS == 0 else COMMON)
            os.symlink(path, target)
        except OSError as error:
            return f"{target} cannot be made: {error.strerror}"
    return ""


def missing_above(path: str) -> list[str]:
    """The folders above a path that are not there, the highest first."""
    missing: list[str] = []
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        missing.insert(0, above)
        above = os.path.dirname(above)
    return missing


def make_folders(folders: list[str], hidden: int) -> None:
    """One after the other. One that is hidden in a home, such as .ssh, gets another mode."""
    for folder in folders:
        os.mkdir(folder)
        os.chmod(folder, hidden if os.path.basename(folder).startswith(".") else COMMON)


def take(folder: str) -> None:
    """Remove what `lend` made. What a role put in the place of a link stays."""
    made: dict[str, list[str]] = {"links": [], "folders": []}
    with contextlib.suppress(OSError, ValueError), open(os.path.join(folder, MADE)) as notes:
        made = json.load(notes)
    for link in made["links"]:
        if os.path.islink(link) and os.readlink(link).startswith(f"{folder}/"):
            os.unlink(link)
    for each in reversed(made["folders"]):
        with contextlib.suppress(OSError):  # something is in it
            os.rmdir(each)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """The verb and the folder are the arguments."""
    verb, folder = sys.argv[1:]
    failure = ""
    if verb == "lend":
        failure = lend(folder, json.loads(sys.stdin.readline()))
    if verb == "take" or failure:
        take(folder)
    print(failure or "done")


if __name__ == "__main__":
    main()
