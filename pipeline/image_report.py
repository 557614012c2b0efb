"""What came of a service's build: its image, the layers in it, and the time that each stage took."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline import plan
from pipeline.engine import Image
from pipeline.errors import EngineError
from pipeline.events import ImageBuilt, Layer, Warned
from pipeline.stage import Build, Tools


@dataclass
class Times:
    """Seconds per stage of one service."""

    stages: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, seconds: float) -> None:
        """Add to a stage's time."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


def report(build: Build, tools: Tools, times: Times) -> None:
    """Say what came out of a build, unless nothing did."""
    # A rewritten image that got no name has gone; the one that it was made of is in the cache.
    found = (tools.engine.find_image(name) for name in (*build.tags[:1], build.result, build.image) if name)
    image = next((each for each in found if each), None)
    if image is None or build.base is None:
        return
    tools.emit(
        ImageBuilt(
            service=build.service.name,
            image=image.id,
            tags=build.tags,
            size=image.size,
            layers=_layers(build, image, tools),
            stages=times.stages,
            try_it=f"docker run --rm {build.tags[0] if build.tags else image.id}",
        )
    )


def _layers(build: Build, image: Image, tools: Tools) -> tuple[Layer, ...]:
    """The image's layers: all of the base's as one, then one for each role. None where the engine cannot tell."""
    try:
        layers = tools.engine.layers(image.id)
        below = len(tools.engine.layers(build.base.id)) if build.base else 0
    except EngineError as error:  # containerd's store now and then, for an image that is there: no reason to fail
        tools.emit(Warned(f"the sizes of the layers of {build.service.name} are not known: {error.message}"))
        return ()
    names = [f"role {label}" for label in build.service.role_labels]
    names = ["roles, squashed"] if build.service.squash and len(names) > 1 else names
    above = layers[below:]
    sizes = [layer.size for layer in above]
    if len(sizes) != len(names):  # a role that only removed something, or nothing at all, has no layer with data
        sizes = [sum(layer.size for layer in above if layer.created_by == name) for name in names]
    base = sum(layer.size for layer in layers) - sum(sizes)
    return Layer(plan.describe_base(build.service.base), base, cached=False), *(
        Layer(name, size, cached=bool(key.image)) for name, size, key in zip(names, sizes, build.keys, strict=False)
    )
