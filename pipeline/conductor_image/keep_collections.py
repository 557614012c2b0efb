"""Unpack the named collections out of the `ansible` wheel: SOURCE_DIR TARGET_DIR NAMESPACE.NAME..."""

import pathlib
import sys
import zipfile

source, target, names = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
unused = ("tests/", "docs/", "changelogs/", ".github/")


def prefix_of(member: str) -> str:
    """The folder of the collection that a file of the wheel belongs to: ansible_collections/NAMESPACE/NAME/."""
    return "".join(f"{part}/" for part in member.split("/")[:3])


(wheel,) = source.glob("ansible-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for member in archive.namelist():
        if member.startswith(prefixes) and not member.removeprefix(prefix_of(member)).startswith(unused):
            archive.extract(member, target)
for prefix in prefixes:
    if not pathlib.Path(target, prefix).is_dir():
        sys.exit(f"{wheel.name} holds no {prefix}")
