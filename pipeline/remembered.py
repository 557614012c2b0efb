"""What images were found to have: looked up once, since an image never changes under its id."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pipeline.engine import ImageId

Look = Callable[[ImageId, tuple[str, ...]], tuple[str, ...]]
"""Which of these paths an image has."""


class Remembered:
    """A look that asks `look` the first time only; the answers are files of `folder`, one for each image."""

    def __init__(self, look: Look, folder: Path) -> None:
        self._look, self._folder = look, folder

    def __call__(self, image: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        """As `look`. Where an answer cannot be read or kept, it is asked for again."""
        path = self._folder / f"{image.removeprefix('sha256:')}.json"
        known: dict[str, bool] = {}
        with suppress(OSError, ValueError, TypeError):
            known = dict(json.loads(path.read_text(encoding="utf-8")))
        if not known.keys() >= set(paths):
            found = self._look(image, paths)
            known |= {name: name in found for name in paths}
            with suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(known), encoding="utf-8")
        return tuple(name for name in paths if known[name])
