"""What a build would do, as text: for each step HIT or BUILD and why."""

from __future__ import annotations

from dataclasses import replace

from pipeline.engine import Image
from pipeline.plan import describe_base
from pipeline.recipe_model import BuiltService
from pipeline.stage import Build, Tools


def preview(builds: tuple[Build, ...], tools: Tools | None) -> tuple[str, bool]:
    """The lines, and whether anything is to be built. Without tools (no engine) nothing is known to be there."""
    lines: list[str] = []
    pending = False
    finished: dict[str, Image | None] = {}
    for build in builds:
        lines.append(f"{build.service.name}")
        rows, finished[build.service.name] = _rows(build, tools, finished)
        width = max(len(name) for name, _, _ in rows)
        lines += [f"  {name:<{width}}  {mark:<6} {reason}".rstrip() for name, mark, reason in rows]
        pending = pending or any(mark == "BUILD" for _, mark, _ in rows)
    return "\n".join(lines), pending


def _rows(
    build: Build, tools: Tools | None, finished: dict[str, Image | None]
) -> tuple[list[tuple[str, str, str]], Image | None]:
    """The rows of a service, and its image where it is there already."""
    base = _base(build, tools, finished) if tools else None
    base_row = ("base", "HIT" if base else "BUILD", describe_base(build.service.base))
    if tools is None or base is None:
        reason = "no engine"
        if tools:
            on_service = isinstance(build.service.base, BuiltService)
            reason = "the service below comes first" if on_service else "its base is not there yet"
        roles = ((f"role {name}", "BUILD", reason) for name in build.service.role_labels)
        return [base_row, *roles, ("image", "BUILD", reason)], None
    keys = tools.records.keys(replace(build, base=base), base, tools.player.key())
    names = (*(f"role {key.role}" for key in keys[:-1]), "image")
    rows = [(name, "HIT" if key.image else "BUILD", key.reason) for name, key in zip(names, keys, strict=True)]
    return [base_row, *rows], tools.engine.find_image(keys[-1].image) if keys[-1].image else None


def _base(build: Build, tools: Tools, finished: dict[str, Image | None]) -> Image | None:
    match build.service.base:
        case BuiltService(name=name):
            return finished.get(name)
        case base:
            return tools.roots.find(base)
