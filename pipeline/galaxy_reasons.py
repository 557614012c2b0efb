"""What ansible-galaxy says when it fails, in one sentence; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARKS = re.compile(r"^(\[(ERROR|WARNING)\]: |ERROR! |- )+")
_NOT_INSTALLED = re.compile(r"^\S+ was NOT installed successfully(: |\.$)")
_CHATTER = ("you can use --ignore-errors", "Skipping Galaxy server", "Hint: Pre-releases", "<<< caused by >>>")
_UNMET = re.compile(r"^\* (\S+?):(\S+) \((?:direct request|dependency of .*)\)$")
_NO_VERSION = re.compile(r"the specified version \((.*?)\) of \S+ was not found in the list .*?\((.*)\)\.$")
_NO_ROLE = re.compile(r"sorry, (\S+) was not found on (\S+?)\.?$")
_SILENT = re.compile(
    r"when attempting to call Galaxy at '([^']+)'.*?: (?:<urlopen error )?(?:\[Errno -?\d+\] )?([^>]+)>?$"
)
_CHECKSUM = re.compile(r"Mismatch artifact hash with downloaded file")

PRE_RELEASES = "look at its name and version; a pre-release comes by its exact version only"
SERVERS = "look at the address, and at the servers in ansible.cfg and ANSIBLE_GALAXY_SERVER_LIST"


def reason(said: Iterable[str]) -> tuple[str, str]:
    """Why ansible-galaxy failed, from the lines that it wrote on stderr: a message and a hint, either may be ""."""
    lines = [_NOT_INSTALLED.sub("", _MARKS.sub("", line.strip())) for line in said]
    lines = [_MARKS.sub("", line) for line in lines if line and not line.startswith(_CHATTER)]
    for line in lines:
        if known := _known(line):
            return known
    return "; ".join(dict.fromkeys(lines[:4])), ""


def _known(line: str) -> tuple[str, str] | None:
    if found := _UNMET.search(line):
        version = "" if found[2] == "*" else f" {found[2]}"
        return f"no server that was asked has {found[1]}{version}", PRE_RELEASES
    if found := _NO_VERSION.search(line):
        names = ", ".join(re.findall(r"'name': '([^']*)'", found[2]))
        return f"there is no version {found[1]}", f"there are {names}" if names else ""
    if found := _NO_ROLE.search(line):
        return f"{found[2]} has no role {found[1]}", "write OWNER.NAME, or give the role's git repository as src"
    if found := _SILENT.search(line):
        return f"{found[1]} cannot be asked: {found[2]}", SERVERS
    if _CHECKSUM.search(line):
        return "what was downloaded has another checksum than the server says", "try again, or tell who runs the server"
    return None
