"""Labels org.opencontainers.image.*: complete, and never those of the base."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.engine import Image, ImageId
from pipeline.gitflow import PREFIX, Release
from pipeline.image_config import ImageConfig
from pipeline.own_labels import base_digest, release_labels, without_inherited
from pipeline.plan import Step
from pipeline.recipe_model import BaseImage, Rootfs
from pipeline.stage import Build
from stages import base, commit
from tests.unit.fakes import BASE, World, a_build, a_service

THEIRS = {f"{PREFIX}{name}": "theirs" for name in ("title", "version", "licenses", "base.digest", "made.up")}
STEP = Step("x", "web")
DIGEST = f"sha256:{'d' * 64}"


def on(labels: dict[str, str], *digests: str) -> Image:
    return Image(ImageId("i"), (), digests, 1, "linux/amd64", (), ImageConfig(labels=labels))


def a_labelled_build(**labels: str) -> Build:
    config = ImageConfig(labels={f"{PREFIX}{name}": text for name, text in labels.items()})
    return a_build(a_service(config=config))


def test_what_a_base_says_of_itself_is_in_no_image_on_it() -> None:
    world = World()
    world.engine.add_image(BASE, ImageConfig(labels={**THEIRS, "maintainer": "kept"}))
    build = base.run(a_labelled_build(licenses="MIT"), STEP, world.tools)
    done = commit.finish(build, STEP, world.tools)
    found = world.engine.find_image(done.image or "")
    assert found
    assert found.config.labels == {"maintainer": "kept", f"{PREFIX}licenses": "MIT"}


def test_what_a_recipe_or_a_role_says_stays_though_the_base_says_the_same() -> None:
    build = replace(a_labelled_build(title="theirs"), base=on(THEIRS))
    role = replace(build.service, role_config=ImageConfig(labels={f"{PREFIX}version": "theirs"}))
    config = ImageConfig(labels={**THEIRS, f"{PREFIX}url": "a role's, while it was played"})
    kept = without_inherited(config, replace(build, service=role)).labels
    assert {name.removeprefix(PREFIX) for name in kept} == {"title", "version", "url"}


RELEASE = Release(
    "release",
    "1.2.0",
    labels={
        f"{PREFIX}revision": "c" * 40,
        f"{PREFIX}version": "1.2.0",
        f"{PREFIX}created": "2026-11-24T10:00:00Z",
        f"{PREFIX}source": "https://git.example/shop.git",
    },
)


def told(build: Build, release: Release = RELEASE) -> dict[str, str]:
    labels = release_labels(build, release, "reg.example/shop:web.1.2.0")
    return {name.removeprefix(PREFIX): text for name, text in labels.items()}


def test_a_release_says_all_that_is_known_of_it() -> None:
    build = a_build(replace(a_service(), base=BaseImage("debian:12")))
    assert told(replace(build, base=on({}, f"debian@{DIGEST}"))) == {
        "title": "shop.web",
        "version": "1.2.0",
        "revision": "c" * 40,
        "created": "2026-11-24T10:00:00Z",
        "source": "https://git.example/shop.git",
        "url": "https://git.example/shop.git",
        "ref.name": "web.1.2.0",
        "base.name": "docker.io/library/debian:12",
        "base.digest": DIGEST,
    }


def test_a_recipe_has_the_word_about_what_it_is_and_none_about_its_commit() -> None:
    build = a_labelled_build(title="Shop", source="https://own.example", url="https://shop.example", revision="fake")
    found = told(build)
    assert (found["title"], found["source"], found["url"]) == ("Shop", "https://own.example", "https://shop.example")
    assert found["revision"] == "c" * 40


def test_an_address_that_is_no_page_is_no_url() -> None:
    assert "url" not in told(a_build(a_service()), Release("release", "1", labels={f"{PREFIX}source": "git@h:x.git"}))


def test_a_base_that_comes_from_no_registry_has_no_name_there() -> None:
    build = a_build(replace(a_service(), base=Rootfs("root.tar", "f" * 64)))
    assert not {"base.name", "base.digest"} & told(replace(build, base=on({}))).keys()


@pytest.mark.parametrize(
    ("reference", "digests", "wanted"),
    [
        ("debian:12", (f"debian@{DIGEST}",), DIGEST),
        ("debian:12", (f"other@{DIGEST}", f"reg.example/debian@{DIGEST}"), ""),
        ("debian:12", (), ""),
        (f"reg.example/x@{DIGEST}", (), DIGEST),
    ],
)
def test_the_digest_of_a_base_is_that_of_its_own_repository(
    reference: str, digests: tuple[str, ...], wanted: str
) -> None:
    build = a_build(replace(a_service(), base=BaseImage(reference)))
    assert base_digest(replace(build, base=on({}, *digests))) == wanted
