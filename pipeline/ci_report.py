"""What a run's account (docs/metadata.md) looks like where a CI service shows and passes on results: pure texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.wording import megabytes, one_line, short_id

_MARKS = {"done": "✔", "failed": "✘", "stopped": "■"}
_DELIMITER = "BASEIMAGE_END"


def markdown(data: dict[str, Any]) -> str:
    """A heading, a table with a row for each image, the names that were not pushed, and the errors."""
    title = f"{data['project']} {data['version']}".strip() or "baseimage"
    lines = [f"### {_MARKS[data['result']]} {_cell(title)}: {data['result']}", ""]
    if data["services"]:
        lines += ["| image | state | digest | size | layers | from the cache |", "|---|---|---|--:|--:|--:|"]
        lines += [_row(name, service) for name, service in data["services"].items()]
    for service in data["services"].values():
        for name in service.get("names", []):
            if name["state"] in ("failed", "not tried"):
                lines += ["", f"- {name['state']}: `{_code(name['name'])}` {_cell(name.get('reason', ''))}".rstrip()]
    for error in data["errors"]:
        place = f"`{_code(error['place'])}`: " if error["place"] else ""
        lines += ["", f"**error:** {place}{_cell(error['message'])}"]
        lines += [f"<br>hint: {_cell(error['hint'])}"] if error["hint"] else []
    return "\n".join(lines) + "\n\n"


def github_outputs(data: dict[str, Any]) -> str:
    """`result`, `version`, `tags` (one a line), `digests` (JSON, by service), and `digest` where there is one."""
    services = data["services"].items()
    digests = {name: service["digest"] for name, service in services if service.get("digest")}
    given = [name for _, service in services for name in service.get("names", [])]
    tags = [name["name"] for name in given if name["state"] in ("named", "pushed", "kept")]
    one = set(digests.values())
    outputs = {
        "result": data["result"],
        "version": data["version"],
        "digest": one.pop() if len(one) == 1 else "",
        "digests": json.dumps(digests),
    }
    lines = [f"{key}={one_line(value)}" for key, value in outputs.items()]
    return "\n".join((*lines, f"tags<<{_DELIMITER}", *tags, _DELIMITER)) + "\n"


def _row(name: str, service: dict[str, Any]) -> str:
    if "image" not in service:
        return f"| {_cell(name)} | {service['state']} | | | | |"
    layers = service["layers"]
    known = service["digest"].removeprefix("sha256:")[:12] or short_id(service["image"])
    cached = sum(layer["cached"] for layer in layers)
    first = next((each["name"] for each in service["names"]), name)
    cells = (f"`{_code(first)}`", service["state"], f"`{known}`", megabytes(service["size"]), len(layers), cached)
    return f"| {' | '.join(map(str, cells))} |"


def _lines(text: str) -> Iterator[str]:
    return (one_line(line) for line in text.splitlines())


def _cell(text: str) -> str:
    """Text that neither ends a cell nor is taken for markup."""
    flat = " ".join(_lines(text))
    for character, written in {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "`": "&#96;"}.items():
        flat = flat.replace(character, written)
    return flat


def _code(text: str) -> str:
    return " ".join(_lines(text)).replace("`", "'").replace("|", "\\|")
