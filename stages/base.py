"""Base: the root that the service starts from is an image of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.recipe_model import BuiltService
from pipeline.secret_needs import refuse_missing, wanted

if TYPE_CHECKING:
    from pipeline.engine import Image
    from pipeline.plan import LayerKey, Step
    from pipeline.stage import Build, Tools


def run(build: Build, step: Step, tools: Tools) -> Build:
    """Pull, bootstrap or import the root, or take another service's image; then see and bring what layers there are."""
    image = _root(build, step, tools)
    found = tools.records.keys(build, image, tools.player.key())
    keys = tools.cache.fetch(found, step.id) if tools.cache else found
    if tools.secrets is not None:
        refuse_missing(build.recipe.file, wanted(build.service, keys), tools.secrets)
    tools.records.used(keys)
    root_layers = build.root_layers if isinstance(build.service.base, BuiltService) else len(image.layers)
    return replace(build, base=image, image=image.id, keys=keys, root_layers=root_layers, note=_note(image, keys))


def _note(image: Image, keys: tuple[LayerKey, ...]) -> str:
    brought = sum(1 for key in keys if key.shared and key.image)
    layers = f", {brought} layer{'' if brought == 1 else 's'} from the shared cache" if brought else ""
    return f"{image.size / 1e6:.1f} MB{layers}"


def _root(build: Build, step: Step, tools: Tools) -> Image:
    if not isinstance(build.service.base, BuiltService):
        return tools.roots.ensure(build.service.base, step.id)
    if build.base is None:
        raise PipelineError(f"service {build.service.base.name} is not built, which {build.service.name} starts from")
    return build.base
