"""An image's history as its own file has it, made of what the API tells about it."""

from __future__ import annotations

import re
from itertools import pairwise

import docker

from pipeline.docker_client import inspected, untyped
from pipeline.docker_config import Json
from pipeline.image_archive import STEP, written_time

_METADATA = re.compile(
    rf"{STEP}$|.*#\(nop\)|(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME) "
)


def read_history(client: docker.APIClient, image: str, layers: list[str]) -> list[Json]:
    """The history, lowest entry first. Times are whole seconds: the API tells no more."""
    entries: list[Json] = untyped(client).history(image)
    flags = _which_are_layers(client, entries, len(layers))
    return [_entry(entry, is_layer=flag) for entry, flag in zip(entries, flags, strict=True)][::-1]


def step_entry(made_by: str, created: str) -> Json:
    """An entry for something that added no layer, at the time (to the second) when the image was made."""
    return {"created": f"{created[:19]}Z", "created_by": made_by, "empty_layer": True}


def _entry(entry: Json, *, is_layer: bool) -> Json:
    made = written_time(int(entry.get("Created") or 0))
    line: Json = {"created": made, "created_by": str(entry.get("CreatedBy") or "")}
    if entry.get("Comment"):
        line["comment"] = entry["Comment"]
    return line if is_layer else {**line, "empty_layer": True}


def _which_are_layers(client: docker.APIClient, entries: list[Json], layers: int) -> list[bool]:
    """The API tells sizes, but not which entries are layers, and a layer of empty folders weighs nothing."""
    flags = [bool(entry.get("Size")) for entry in entries]
    if sum(flags) < layers:
        for number in _grown(client, entries):
            flags[number] = True
    likely = sorted(range(len(entries)), key=lambda n: (bool(_METADATA.match(entries[n].get("CreatedBy") or "")), -n))
    for number in likely:
        if sum(flags) < layers:
            flags[number] = True
    return flags


def _grown(client: docker.APIClient, entries: list[Json]) -> list[int]:
    """Entries whose image has more layers than that of the entry below, as far as the engine has these images."""
    counts: list[int | None] = []
    for entry in entries:
        known = str(entry.get("Id") or "").startswith("sha256:")
        rootfs = inspected(client, entry["Id"]).get("RootFS") if known else None
        counts.append(len(rootfs["Layers"] or ()) if rootfs else None)
    pairs = enumerate(pairwise(counts))
    return [number for number, (upper, lower) in pairs if upper is not None and lower is not None and upper > lower]
