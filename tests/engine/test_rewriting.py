"""Layers of a real engine written anew: merged, the same content; at another time, the same image."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

import pytest

from pipeline.docker_engine import DockerEngine
from pipeline.engine import ImageId, Rewriting
from pipeline.image_archive import SavedImage
from pipeline.image_config import ImageConfig, differences
from tests.engine.conftest import SLEEP, Bench

pytestmark = pytest.mark.engine

EPOCH = 1_700_000_000
FIRST = """
mkdir -p /srv/gone/deep /srv/stays /srv/turns /srv/again; echo 1 >/srv/gone/deep/file; echo 1 >/srv/added
echo 1 >/srv/changed; echo 1 >/srv/stays/file; echo 1 >/srv/turns/file; echo 1 >/srv/again/file
echo linked >/srv/link-a; ln /srv/link-a /srv/link-b; ln /srv/link-a /srv/link-c; ln -s changed /srv/symlink
chmod 4755 /srv/changed; chown 65534:65534 /srv/stays; chmod 1777 /srv/stays; mknod /srv/pipe p; echo 1 >/srv/becomes
"""
SECOND = """
rm -r /srv/gone /srv/added; echo 2 >/srv/link-a; rm -r /srv/turns; echo file >/srv/turns; rm /srv/becomes
mkdir /srv/becomes; echo 2 >/srv/becomes/file; rm -r /srv/again; mkdir /srv/again; echo 2 >/srv/again/other
rm /etc/group; rm -r /var/tmp; mkdir /var/tmp; rm -r /usr; touch /srv/'name with é'
"""
THIRD = "rm /srv/link-b; echo 3 >/srv/changed; chmod 700 /srv/stays; echo group >/etc/group; rm /bin/wget; mkdir /usr"


@pytest.fixture
def layered(docker_bench: Bench) -> ImageId:
    """An image of three layers on the root."""
    config = docker_bench.config(command=SLEEP, environment={"A": "b"}, user="nobody", labels={"c": "d"})
    image = docker_bench.root
    for number, script in enumerate((FIRST, SECOND, THIRD)):
        image = with_layer(docker_bench, image, script, config, f"role {number}")
    return image


def with_layer(bench: Bench, image: ImageId, script: str, config: ImageConfig, comment: str) -> ImageId:
    container = bench.start(image, user="0")
    done = bench.engine.run(container, ("sh", "-ec", script))
    assert done.exit_code == 0, done.stderr
    made = bench.engine.commit(container, config, "", comment)
    bench.engine.remove_container(container)
    return made


def test_merged_layers_have_the_same_content_and_configuration(docker_engine: DockerEngine, layered: ImageId) -> None:
    made = docker_engine.rewrite(layered, Rewriting(1, merge=True))
    before, after = docker_engine.find_image(layered), docker_engine.find_image(made)
    assert before
    assert after
    assert (len(before.layers), len(after.layers)) == (4, 2)
    assert after.layers[0] == before.layers[0]
    assert differences(before.config, after.config) == ()
    assert content(docker_engine, made) == content(docker_engine, layered)
    assert [layer.created_by for layer in docker_engine.layers(made)][1:] == ["role 0; role 1; role 2"]
    names = [head.name for head in top_layer(docker_engine, made)]
    assert not [name for name in names if "gone" in name or "added" in name], "what nobody ever sees is not in it"


def test_a_container_of_merged_layers_runs(docker_bench: Bench, layered: ImageId) -> None:
    container = docker_bench.start(docker_bench.engine.rewrite(layered, Rewriting(1, merge=True)))
    script = "ls /srv/again /usr; cat /srv/link-c /srv/becomes/file; id -un"
    done = docker_bench.engine.run(container, ("sh", "-c", script))
    assert done.stdout.decode().split() == ["/srv/again:", "other", "/usr:", "linked", "2", "nobody"]


def test_one_layer_is_merged_already(docker_bench: Bench) -> None:
    image = docker_bench.unique_image()
    assert docker_bench.engine.rewrite(image, Rewriting(1, merge=True)) == image


def test_what_is_made_at_other_times_is_the_same_image(docker_bench: Bench, docker_engine: DockerEngine) -> None:
    config = docker_bench.config(command=SLEEP)
    log = "mkdir -p /var/log; date +%N >/var/log/dpkg.log"
    made = []
    for _ in range(2):
        image = docker_bench.root
        for script in (
            "mkdir /srv/a; echo 1 >/srv/a/b; touch -d '2001-01-01 00:00:00' /srv/old",
            "rm /srv/old /srv/a/b",
        ):
            image = with_layer(docker_bench, image, f"{script}; {log}", config, "x")
        made.append(image)
    first, second = (docker_engine.rewrite(image, Rewriting(1, epoch=EPOCH)) for image in made)
    assert made[0] != made[1]
    assert first == second
    found = docker_engine.find_image(first)
    assert found
    assert (len(found.layers), differences(config, found.config)) == (3, ())
    assert {head.mtime for head in top_layer(docker_engine, first)} <= {0, EPOCH}
    assert docker_engine.rewrite(first, Rewriting(1, epoch=EPOCH)) == first, "and stays so"


def content(engine: DockerEngine, image: ImageId) -> dict[str, tuple[object, ...]]:
    """Every entry of an image's files, in full."""
    client = engine._client
    container = client.create_container(image, command=["-"])["Id"]
    try:
        with tempfile.TemporaryFile() as file:
            for chunk in client.export(container):
                file.write(chunk)
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                return {head.name: described(archive, head) for head in archive}
    finally:
        client.remove_container(container)


def described(archive: tarfile.TarFile, head: tarfile.TarInfo) -> tuple[object, ...]:
    data = archive.extractfile(head) if head.isreg() else None
    digest = hashlib.sha256(data.read()).hexdigest() if data else ""
    # Mount points of the engine's own have the time of the container.
    time = head.mtime if head.name.startswith(("srv/", "var/", "usr")) else 0
    return head.type, head.mode, head.uid, head.gid, time, head.linkname, digest, sorted(head.pax_headers.items())


@contextmanager
def saved(engine: DockerEngine, image: ImageId) -> Iterator[SavedImage]:
    with tempfile.TemporaryFile() as file:
        engine.save(image, cast("IO[bytes]", file))
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            yield SavedImage(archive)


def top_layer(engine: DockerEngine, image: ImageId) -> list[tarfile.TarInfo]:
    """The entries of the highest layer."""
    with saved(engine, image) as found, found.layer(found.layers[-1]) as layer, tarfile.open(fileobj=layer) as archive:
        return archive.getmembers()
