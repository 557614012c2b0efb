"""Layers that earlier builds left in the engine, found by name, and beside them what they were made of.

A layer is known by a tag of its own, `baseimage/cache:KEY`, not by a label: a label would be inherited by
every image built on top of it, and be part of the image's configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.engine import Engine, Image, ImageId
from pipeline.errors import EngineError
from pipeline.fingerprint import base_key, changed_inputs, digest, layer_key, role_inputs
from pipeline.image_config import ImageConfig
from pipeline.plan import LayerKey
from pipeline.player import RoleFiles
from pipeline.recipe import RoleUse, Service
from pipeline.role_finder import RoleFinder
from pipeline.sources import role_entries
from pipeline.stage import Build

REPOSITORY = "baseimage/cache"


class EngineRecords:
    """The Records of an engine and a folder of this machine."""

    def __init__(self, engine: Engine, finder: RoleFinder, folder: Path, *, use_cache: bool = True) -> None:
        self._engine, self._finder, self._folder, self._use_cache = engine, finder, folder, use_cache

    def role_files(self, role: RoleUse) -> RoleFiles:
        """Where a role's files are; see `RoleFinder.find`."""
        return self._finder.find(role)

    def keys(self, build: Build, base: Image, conductor: str) -> tuple[LayerKey, ...]:
        """See `Records.keys`: once a layer is missing, those above it count as missing too."""
        service = build.service
        below, hit, keys = base_key(base.layers, base.config, base.platform), self._use_cache, []
        for label, role in zip(service.role_labels, service.roles, strict=True):
            inputs = self._inputs(role, service, conductor)
            below = layer_key(below, inputs)
            hit = hit and role.cache != "never"
            keys.append(self._looked_up(label, below, inputs, hit=hit))
            hit = hit and keys[-1].image is not None
        final = {"config": digest(service.config.normalised()), "verify": digest(service.verify)}
        if service.role_config != ImageConfig():
            final["roles' meta files"] = digest(service.role_config.normalised())
        return *keys, self._looked_up("", layer_key(below, final), final, hit=hit)

    def save(self, key: LayerKey, image: ImageId) -> None:
        """Give the layer its cache tag and write the hashes of its inputs beside it."""
        reference = f"{REPOSITORY}:{key.key[:40]}"
        before = self._engine.find_image(reference)
        self._engine.tag(image, reference)
        if before and before.id != image and set(before.tags) <= {reference}:
            self._remove(before.id)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{key.key[:40]}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(
            json.dumps({"key": key.key, "role": key.role, "inputs": key.inputs}, indent=1), encoding="utf-8"
        )
        partial.replace(path)

    def _remove(self, image: ImageId) -> None:
        """Remove a layer that has lost its name; one that others stand on goes with the last of them."""
        try:
            self._engine.remove_image(image)
        except EngineError:
            return

    def _inputs(self, role: RoleUse, service: Service, conductor: str) -> dict[str, str]:
        settings: dict[str, Any] = {"gather_facts": role.gather_facts, "python": service.python}
        return role_inputs(
            files=role_entries(self._finder.find(role)),
            parameters=role.parameters,
            variables=service.variables,
            settings=settings,
            conductor=conductor,
        )

    def _looked_up(self, label: str, key: str, inputs: dict[str, str], *, hit: bool) -> LayerKey:
        image = self._engine.find_image(f"{REPOSITORY}:{key[:40]}") if hit else None
        return LayerKey(label, key, image.id if image else None, "" if image else "not built yet", inputs)


__all__ = ["REPOSITORY", "EngineRecords", "changed_inputs"]
