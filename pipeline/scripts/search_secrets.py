"""Runs in a target before its commit: looks for build secrets in what its layer would hold.

Reads a line from stdin, whose end may never come: a JSON object with `forms`, for each secret the texts (base64) that
it may have become, and `paths`, what the role changed. Prints a JSON list of [secret, path]. Names of files, links and
regular files are looked at.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping

CHUNK = 1 << 20

Forms = Mapping[str, Iterable[bytes]]


def found_in(path: bytes, forms: Forms) -> Iterator[str]:
    """The secrets that are in a file, in its name or in where it leads."""
    left = {secret: tuple(each) for secret, each in forms.items()}
    for text in texts(path, max((len(form) for each in left.values() for form in each), default=0)):
        for secret in [secret for secret, each in left.items() if any(form in text for form in each)]:
            del left[secret]
            yield secret
        if not left:
            return


def texts(path: bytes, longest: int) -> Iterator[bytes]:
    """The name, then the content in pieces that overlap, so that nothing is cut in two in all of them."""
    yield path
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            yield os.readlink(path)
        if not stat.S_ISREG(mode):
            return
        with open(path, "rb") as stream:
            end = b""
            while piece := stream.read(CHUNK):
                yield end + piece
                end = (end + piece)[-max(longest - 1, 1) :]
    except OSError:  # it is gone, or nobody can read it
        return


def main() -> None:
    """Look at all of them."""
    asked = json.loads(sys.stdin.readline())
    forms = {secret: [base64.b64decode(form) for form in each] for secret, each in asked["forms"].items()}
    print(json.dumps([[secret, path] for path in asked["paths"] for secret in found_in(os.fsencode(path), forms)]))


if __name__ == "__main__":
    main()
