"""Run in the conductor: unpack the tar stream on stdin into a folder that is made anew."""

import os
import shutil
import sys
import tarfile

folder = sys.argv[1]
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    archive.extraction_filter = lambda member, _: member  # as it is; older Pythons know no other way
    archive.extractall(folder)  # noqa: S202 - our own archive
print("received")
