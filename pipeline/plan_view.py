"""What a build would do, as text: for each step HIT or BUILD and why."""

from __future__ import annotations

from dataclasses import replace

from pipeline.plan import describe_base
from pipeline.stage import Build, Tools


def preview(builds: tuple[Build, ...], tools: Tools | None) -> tuple[str, bool]:
    """The lines, and whether anything is to be built. Without tools (no engine) nothing is known to be there."""
    lines: list[str] = []
    pending = False
    for build in builds:
        lines.append(f"{build.service.name}")
        rows = _rows(build, tools)
        width = max(len(name) for name, _, _ in rows)
        lines += [f"  {name:<{width}}  {mark:<6} {reason}".rstrip() for name, mark, reason in rows]
        pending = pending or any(mark == "BUILD" for _, mark, _ in rows)
    return "\n".join(lines), pending


def _rows(build: Build, tools: Tools | None) -> list[tuple[str, str, str]]:
    base = tools.roots.find(build.service.base) if tools else None
    base_row = ("base", "HIT" if base else "BUILD", describe_base(build.service.base))
    if tools is None or base is None:
        reason = "its base is not there yet" if tools else "no engine"
        return [
            base_row,
            *((f"role {name}", "BUILD", reason) for name in build.service.role_labels),
            ("image", "BUILD", reason),
        ]
    keys = tools.records.keys(replace(build, base=base), base, tools.player.key())
    names = (*(f"role {key.role}" for key in keys[:-1]), "image")
    return [
        base_row,
        *((name, "HIT" if key.image else "BUILD", key.reason) for name, key in zip(names, keys, strict=True)),
    ]
