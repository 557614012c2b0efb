"""Records for one of several threads of a run."""

from __future__ import annotations

from dataclasses import replace

from pipeline.engine import Image, ImageId, Rewriting
from pipeline.plan import LayerKey
from pipeline.player import RoleFiles
from pipeline.recipe_model import RoleUse
from pipeline.registry_layer import RegistryLayer
from pipeline.stage import Build, Records


class SharedRecords:
    """`stage.Records` around those of a thread: what one thread made in this run is there for all of them.

    That holds without the cache too. Made a second time, a layer would lose its name, and its image, to the second
    one, while somebody still builds on the first.
    """

    def __init__(self, records: Records, made: dict[str, ImageId]) -> None:
        self._records, self._made = records, made

    def role_files(self, role: RoleUse) -> RoleFiles:
        """Where a role's files are."""
        return self._records.role_files(role)

    def keys(self, build: Build, base: Image | RegistryLayer, conductor: str) -> tuple[LayerKey, ...]:
        """Every layer's key, with what the engine has or this run has made."""
        return tuple(self._known(key) for key in self._records.keys(build, base, conductor))

    def unbuilt(self, build: Build, conductor: str) -> tuple[LayerKey, ...]:
        """Every layer's key while the base is not there yet."""
        return self._records.unbuilt(build, conductor)

    def used(self, keys: tuple[LayerKey, ...]) -> None:
        """Note that a build uses those of the layers that are there."""
        self._records.used(keys)

    def save(self, key: LayerKey, image: ImageId) -> None:
        """Remember a layer, in this run as well."""
        self._records.save(key, image)
        self._made[key.key] = image

    def rewritten(self, image: ImageId, how: Rewriting) -> ImageId | None:
        """What became of an image before."""
        return self._records.rewritten(image, how)

    def save_rewritten(self, image: ImageId, how: Rewriting, made: ImageId) -> None:
        """Remember what became of an image."""
        self._records.save_rewritten(image, how, made)

    def _known(self, key: LayerKey) -> LayerKey:
        made = self._made.get(key.key)
        return replace(key, image=made, shared=None, reasons=()) if made else key
