"""Saving images, and rewriting their layers: saved, rewritten on the way, and loaded again.

An engine that stores images by layer is sent the rewritten layers only; it has those of the base.
"""

from __future__ import annotations

import tempfile
from typing import IO, cast

import docker

from pipeline.docker_client import inspected, translated
from pipeline.docker_config import Json, from_api
from pipeline.docker_configure import load, redescribed, stores_layers
from pipeline.engine import ImageId, Rewriting
from pipeline.image_rewriting import rewrite_archive


def save(client: docker.APIClient, image: str, target: IO[bytes]) -> None:
    """`engine.Engine.save`."""
    with translated("saving an image"):
        for chunk in client.get_image(image):
            target.write(chunk)


def rewrite(client: docker.APIClient, image: ImageId, how: Rewriting) -> ImageId:
    """`engine.Engine.rewrite`."""
    with translated("rewriting an image"):
        own = len(inspected(client, image)["RootFS"].get("Layers") or ()) - how.below
        bare = stores_layers(client)
    if how.epoch is None and own <= 1:
        return image
    with tempfile.TemporaryFile() as saved, tempfile.TemporaryFile() as made:
        save(client, image, cast("IO[bytes]", saved))
        saved.seek(0)
        archives = cast("IO[bytes]", saved), cast("IO[bytes]", made)
        identity = rewrite_archive(*archives, how, _described, whole=not bare)
        made.seek(0)
        with translated("rewriting an image"):
            return load(client, cast("IO[bytes]", made), identity if bare else "")


def _described(body: Json) -> bytes:
    return redescribed(body, from_api(body.get("config")))
