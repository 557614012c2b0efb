"""What roles asked systemd for, as sentences: an image has no systemd, so somebody has to be told; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

MARK = "service: "
"""What the lines of `scripts/settle.py` about services begin with; a JSON object follows."""


def service_warnings(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """A message and a hint for each service that a role started or enabled and that nothing will run."""
    said = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
    return tuple(pair for service in said for pair in _sentences(service))


def _sentences(service: dict[str, object]) -> Iterator[tuple[str, str]]:
    name = service["name"]
    verbs = [word for word, wanted in (("start", service["active"]), ("enable", service["enabled"])) if wanted]
    asked = f"the role asked systemd to {' and '.join(verbs)} {name}"
    if service["failure"]:
        yield (
            f"{asked or name}: {service['failure']}",
            "the layer is kept: such a script may need what only a server has",
        )
    if not verbs or service["supervised"]:
        return
    if not service["provided"]:
        yield f"{asked}, but there is neither a unit nor an init script of that name", "look at the name"
    else:
        run = f"give it /etc/service/{name}/run"
        hint = run if service["layer"] else f"start it from the image's command, or play the role bootstrap and {run}"
        yield f"{asked}: an image has no systemd", hint
