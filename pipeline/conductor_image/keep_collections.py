"""Unpack the named collections out of the `ansible` wheel: SOURCE_DIR TARGET_DIR NAMESPACE.NAME..."""

import pathlib
import sys
import zipfile

source, target, names = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
unused = ("tests", "docs", "changelogs", ".github")
(wheel,) = source.glob("ansible-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for member in archive.namelist():
        parts = member.split("/")
        if member.startswith(prefixes) and not (len(parts) > 3 and parts[3] in unused):
            archive.extract(member, target)
for prefix in prefixes:
    if not pathlib.Path(target, prefix).is_dir():
        sys.exit(f"{wheel.name} holds no {prefix}")
