"""What a build made, as plain rows: the displays only lay them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.events import BuildStarted, Event, ImageBuilt, NotPushed, Pushed
from pipeline.wording import duration, megabytes, not_pushed_text


@dataclass(slots=True)
class Results:
    """The images and digests of a build so far."""

    images: list[ImageBuilt] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    missed: list[NotPushed] = field(default_factory=list)
    services: tuple[str, ...] = ()

    def add(self, event: Event) -> None:
        """Keep what belongs into the closing table; images in the order of their services, whichever is done first."""
        if isinstance(event, BuildStarted):
            self.services = event.services
        elif isinstance(event, ImageBuilt):
            self.images.append(event)
            self.images.sort(key=self._place)
        elif isinstance(event, Pushed):
            self.digests[event.tag] = event.digest
            self.kept |= {event.tag} if event.already else set()
        elif isinstance(event, NotPushed):
            self.missed.append(event)

    def _place(self, image: ImageBuilt) -> int:
        return self.services.index(image.service) if image.service in self.services else len(self.services)

    def __bool__(self) -> bool:
        return bool(self.images or self.digests or self.missed)

    def pushed_of(self, image: ImageBuilt) -> Iterator[tuple[str, str]]:
        """`pushed` or `kept`, and `tag@digest`, of each tag of an image that the registry confirmed."""
        return (self._pushed(tag) for tag in image.tags if tag in self.digests)

    def pushed_besides(self) -> Iterator[tuple[str, str]]:
        """The same of what was pushed without its image having been finished."""
        known = {tag for image in self.images for tag in image.tags}
        return (self._pushed(tag) for tag in self.digests if tag not in known)

    def _pushed(self, tag: str) -> tuple[str, str]:
        return "kept" if tag in self.kept else "pushed", f"{tag}@{self.digests[tag]}"

    def missed_lines(self) -> Iterator[str]:
        """Each name that was to be pushed and was not, and why."""
        return map(not_pushed_text, self.missed)

    def names(self) -> Iterator[str]:
        """`tag digest` for scripts; the tag alone where nothing was pushed."""
        for image in self.images:
            for tag in image.tags or (image.image,):
                yield f"{tag} {self.digests.get(tag, '')}".rstrip()
        for _, reference in self.pushed_besides():
            yield reference.replace("@", " ")


def layer_rows(image: ImageBuilt) -> list[tuple[str, str, str]]:
    """Who made each layer, its size, and whether it was there already."""
    return [(layer.made_by, megabytes(layer.size), "cached" if layer.cached else "") for layer in image.layers]


def stage_rows(image: ImageBuilt) -> list[tuple[str, str]]:
    """Each stage and its time."""
    return [(stage, duration(seconds)) for stage, seconds in image.stages.items()]
