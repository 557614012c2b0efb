"""What kind of failure a role met, from what Ansible says of it, and what to do about each; pure.

The order matters: a privilege that is missing also shows as a command that failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "unreachable", "removed", "role", "library", "variable", "secret", "busy", "privilege", "command", "module"
]

HINTS: dict[Kind, str] = {
    "unreachable": "a host is out of reach: look at its name, at the proxy and at what the conductor may connect to",
    "removed": "the conductor's Ansible does not have this: use a newer version of the role, or its collection",
    "role": "the included role was not sent along: name it literally, or as a dependency in meta/main.yml",
    "library": "the module needs a library that the borrowed Python lacks: install it in the role and set python: base",
    "variable": "a variable has no value: set it under the role or under vars in the recipe",
    "secret": "a file is encrypted: give the password's file with --vault-password-file",
    "busy": "another build on this engine installs packages at the same time: build again",
    "privilege": "no container may do this while an image is built: skip the task, and do it where the container runs",
    "command": "a command of the role failed",
    "module": "a task of the role failed",
}
_CLOSER: dict[Kind, tuple[str, str]] = {
    "removed": ("apt-key", "apt-key is gone from Debian: use ansible.builtin.deb822_repository with signed_by"),
    "variable": ("build_secrets", "list the secret under build_secrets of the role in the recipe (docs/secrets.md)"),
}
"""A word in what is said that tells more, and the hint for it."""

_SIGNS: dict[Kind, tuple[str, ...]] = {
    "removed": (
        r"has been removed",
        r"couldn't resolve module/action",
        r"no module named 'ansible_collections",
        r"required executable .?apt-key",
        r"either apt-key or gpg",
        r"apt-key: (command )?not found",
        r"is not a valid attribute for a",
        r"no action detected in task",
    ),
    "role": (r"the role '[^']*' was not found",),
    "secret": (r"attempting to decrypt but no vault secrets", r"decryption failed"),
    "library": (r"failed to import the required python library", r"no module named"),
    "variable": (r"' is undefined", r"has no attribute"),
    "busy": (r"could not get lock", r"unable to lock directory", r"unable to acquire the dpkg"),
    "unreachable": (
        r"could not resolve (host|proxy)",
        r"name or service not known",
        r"temporary failure (in name resolution|resolving)",
        r"connection (refused|timed out|reset by peer|failure)",
        r"network is unreachable",
        r"no route to host",
        r"urlopen error",
        r"failed to fetch https?:",
        r"(status code was: |http error )5\d\d",
    ),
    "privilege": (
        r"operation not permitted",
        r"read-only file system",
        r"permission denied on key",
        r"\(you must be root\)",
        r"\bmount: .*permission denied",
        r"must be (superuser|root) to",
        r"modprobe: (error|fatal)",
        r"module .* not found in directory /lib/modules",
        r"setting [\w.]+ failed: sysctl",
        r"sysctl: cannot stat",
    ),
}
_FORMS = {kind: re.compile("|".join(signs), re.IGNORECASE) for kind, signs in _SIGNS.items()}


@dataclass(frozen=True, slots=True)
class Cause:
    """What kind of failure it is and the next action."""

    kind: Kind
    hint: str


def cause(message: str, detail: str = "", *, unreachable: bool = False, rc: Any = None) -> Cause:
    """The cause of a failure, from its message, the tool's own output, Ansible's verdict and the exit code."""
    said = f"{message}\n{detail}"
    if unreachable:
        return Cause("unreachable", HINTS["unreachable"])
    for kind, form in _FORMS.items():
        if form.search(said):
            word, closer = _CLOSER.get(kind, ("", ""))
            return Cause(kind, closer if word and word in said else HINTS[kind])
    return Cause("command", HINTS["command"]) if rc else Cause("module", HINTS["module"])
