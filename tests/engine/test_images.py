"""Images: made from archives, containers and Dockerfiles, each with exactly the configuration asked for."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.docker_engine import DockerEngine
from pipeline.engine import ContainerId, ImageId, Mount
from pipeline.errors import EngineError, NotFoundError
from pipeline.image_config import Healthcheck, ImageConfig, differences
from tests.engine.conftest import LABELS, PREFIX, SLEEP, Bench

EVERYTHING = ImageConfig(  # noqa: S604 - SHELL of a Dockerfile
    entrypoint=("/sbin/init", "--"),
    command=("a b", 'c"$d'),
    environment={"PATH": "/bin", "QUOTED": "x\"y$z'\\ \n\tü", "EMPTY": "", "SIGN": "a=b"},
    exposed=("22/tcp", "53/udp"),
    volumes=("/data",),
    labels=LABELS | {"quoted": "'\"$\n", "empty": ""},
    user="nobody:nogroup",
    working_dir="/srv",
    healthcheck=Healthcheck(("CMD-SHELL", "test -e /ok"), 30, 5, 2.5, 4),
    stop_signal="SIGINT",
    shell=("/bin/sh", "-ec"),
    onbuild=("RUN true",),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
CONFIGS = st.builds(
    ImageConfig,
    command=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    environment=st.dictionaries(st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), TEXT, max_size=4),
    labels=st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), TEXT, max_size=4).map(lambda m: LABELS | m),
    volumes=st.lists(st.from_regex("/[a-z $]{1,6}", fullmatch=True), max_size=2, unique=True).map(tuple),
    healthcheck=st.none() | st.builds(Healthcheck, st.tuples(st.just("CMD-SHELL"), TEXT.filter(bool))),
)


def config_of(bench: Bench, reference: str) -> ImageConfig:
    image = bench.engine.find_image(reference)
    assert image is not None
    return image.config


def test_an_imported_root_is_one_layer_with_exactly_this_configuration(bench: Bench) -> None:
    image = bench.engine.import_root(bench.archive, f"{PREFIX}-import:1", EVERYTHING)
    found = bench.engine.find_image(f"{PREFIX}-import:1")
    assert found is not None
    assert (found.id, len(found.layers), found.tags) == (image, 1, (f"{PREFIX}-import:1",))
    assert differences(EVERYTHING, found.config) == ()
    assert len(bench.engine.layers(image)) == (1 if found.size else 0)


def test_an_archive_that_is_not_there_is_an_error(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no-such\.tar"):
        bench.engine.import_root(tmp_path / "no-such.tar", "", ImageConfig())


def test_an_unknown_image_is_none(bench: Bench) -> None:
    assert bench.engine.find_image(f"{PREFIX}-unknown:1") is None
    assert bench.engine.find_image("sha256:" + "0" * 64) is None


def test_a_tag_is_a_second_name(bench: Bench) -> None:
    image = bench.unique_image()
    bench.engine.tag(image, f"{PREFIX}-name:one")
    bench.engine.tag(image, f"{PREFIX}-name")
    found = bench.engine.find_image(f"{PREFIX}-name:latest")
    assert found is not None
    assert found.id == image
    assert set(found.tags) == {f"{PREFIX}-name:one", f"{PREFIX}-name:latest"}


def test_a_tag_moves(bench: Bench) -> None:
    one, two = bench.unique_image(), bench.unique_image()
    for image in (one, two):
        bench.engine.tag(image, f"{PREFIX}-moving:1")
    found = bench.engine.find_image(f"{PREFIX}-moving:1")
    assert found is not None
    assert found.id == two


def test_an_unknown_image_cannot_be_tagged(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.engine.tag(ImageId(f"{PREFIX}-unknown:1"), f"{PREFIX}-name:two")


def test_an_image_goes_with_its_last_name(bench: Bench) -> None:
    image = bench.unique_image()
    names = [f"{PREFIX}-gone:{number}" for number in (1, 2)]
    for name in names:
        bench.engine.tag(image, name)
    assert [bench.engine.remove_image(name) for name in (*names, *names)] == [0, 1, 0, 0]
    assert bench.engine.find_image(image) is None


def test_an_image_without_a_name_is_removed_by_its_id(bench: Bench) -> None:
    image = bench.unique_image()
    assert bench.engine.remove_image(image) == 1
    assert bench.engine.find_image(image) is None


def test_an_image_that_a_container_uses_stays(bench: Bench) -> None:
    image = bench.unique_image()
    bench.start(image)
    with pytest.raises(EngineError):
        bench.engine.remove_image(image)


def test_a_configuration_is_laid_over_the_same_layers(bench: Bench) -> None:
    image = bench.unique_image()
    made = bench.engine.configure(image, EVERYTHING, {"more": "labels"})
    before, after = bench.engine.find_image(image), bench.engine.find_image(made)
    assert before is not None
    assert after is not None
    assert after.layers == before.layers
    assert bench.engine.layers(made) == bench.engine.layers(image)
    assert differences(EVERYTHING, after.config) == ("labels: more is 'labels', declared is None",)


def test_a_configuration_takes_away_what_the_image_had(bench: Bench) -> None:
    full = bench.engine.configure(bench.unique_image(), EVERYTHING, {})
    bare = bench.engine.configure(full, ImageConfig(labels=LABELS), {})
    assert differences(ImageConfig(labels=LABELS), config_of(bench, bare)) == ()


def test_the_same_configuration_of_the_same_image_is_the_same_image(bench: Bench) -> None:
    image = bench.unique_image()
    made = bench.engine.configure(image, EVERYTHING, {})
    assert bench.engine.configure(image, EVERYTHING, {}) == made
    assert bench.engine.configure(made, EVERYTHING, {}) == made


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=CONFIGS)
def test_every_value_arrives_as_it_is(bench: Bench, config: ImageConfig) -> None:
    made = bench.engine.configure(bench.root, config, {})
    assert differences(config, config_of(bench, made)) == ()


def test_a_commit_has_exactly_this_configuration_whatever_the_container_had(bench: Bench) -> None:
    base = bench.engine.configure(bench.root, EVERYTHING, {})
    container = bench.start(
        base,
        entrypoint=(),
        command=SLEEP,
        user="root",
        labels=LABELS | {"of": "the container"},
        mounts=(Mount("", "/cache"),),
    )
    wanted = bench.config(command=("/bin/true",), stop_signal="SIGQUIT", shell=("/bin/sh", "-c"))  # noqa: S604
    for config in (wanted, ImageConfig(labels=LABELS), EVERYTHING):
        made = bench.engine.commit(container, config, "", "a role")
        assert differences(config, config_of(bench, made)) == ()


def test_a_commit_adds_one_layer_that_its_comment_describes(bench: Bench) -> None:
    container = bench.start()
    bench.engine.run(container, ("touch", "/srv/file"))
    made = bench.engine.commit(container, bench.config(), f"{PREFIX}-commit:1", "role web")
    found, root = bench.engine.find_image(f"{PREFIX}-commit:1"), bench.engine.find_image(bench.root)
    assert found is not None
    assert root is not None
    assert found.id == made
    assert found.layers[:-1] == root.layers
    assert len(found.layers) == len(root.layers) + 1


def test_what_a_commit_is_made_of_goes_with_its_last_name(bench: Bench) -> None:
    if bench.engine.info().storage == "overlayfs":
        pytest.skip("containerd's image store knows no chain of images")
    label = {"io.baseimage.test.chain": "chain"}
    image = bench.root
    for number in range(3):
        container = bench.start(image)
        bench.engine.run(container, ("touch", f"/srv/{number}"))
        image = bench.engine.commit(container, bench.config(labels=label), "", f"role {number}")
        bench.engine.remove_container(container)
    final = bench.engine.configure(image, bench.config(labels=label, command=SLEEP), {})
    bench.engine.tag(final, f"{PREFIX}-chain:1")
    assert len(bench.engine.owned("image", ["io.baseimage.test.chain=chain"])) == 4
    assert bench.engine.remove_image(f"{PREFIX}-chain:1") == 4
    assert bench.engine.owned("image", ["io.baseimage.test.chain=chain"]) == ()


def test_layers_tell_who_made_them(bench: Bench) -> None:
    container = bench.start()
    bench.engine.run(container, ("touch", "/srv/file"))
    made = bench.engine.commit(container, bench.config(), "", "role web")
    assert [layer.created_by for layer in bench.engine.layers(made)][1:] in (["role web"], [])


def test_a_container_that_is_gone_cannot_be_committed(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.engine.commit(ContainerId("0" * 64), ImageConfig(), "", "")


def dockerfile(*lines: str) -> bytes:
    target, data = io.BytesIO(), "\n".join(lines).encode()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def test_a_build_prints_its_lines_and_carries_its_labels(bench: Bench) -> None:
    lines: list[str] = []
    context = dockerfile(f"FROM {PREFIX}-root:1", "ARG word", "RUN touch /srv/built")
    made = bench.engine.build(context, f"{PREFIX}-build:1", {"word": "x"}, LABELS | {"of": "build"}, lines.append)
    found = bench.engine.find_image(f"{PREFIX}-build:1")
    assert found is not None
    assert found.id == made
    assert found.config.labels == LABELS | {"of": "build"}
    assert lines[0].rstrip().endswith(f" : FROM {PREFIX}-root:1")


def test_a_build_that_fails_shows_the_end_of_its_output(bench: Bench) -> None:
    with pytest.raises(EngineError, match=f"building {PREFIX}-build:2: .*returned a non-zero code: 1") as caught:
        bench.engine.build(
            dockerfile(f"FROM {PREFIX}-root:1", "RUN false"), f"{PREFIX}-build:2", {}, LABELS, lambda _: None
        )
    assert "RUN false" in caught.value.detail


def test_paths_of_an_image_are_seen_without_starting_it(bench: Bench) -> None:
    assert bench.engine.existing(bench.root, ("/bin/sh", "/no/such", "/etc/passwd")) == ("/bin/sh", "/etc/passwd")


def test_files_of_an_image_are_read_without_starting_it(bench: Bench) -> None:
    found = bench.engine.read_files(bench.root, lambda path: path in ("etc/passwd", "bin/sh", "etc", "no/such"))
    assert "etc/passwd" in found
    assert set(found) <= {"etc/passwd", "bin/sh"}
    if isinstance(bench.engine, DockerEngine):
        assert found["etc/passwd"].startswith(b"root:x:0:0:")
        assert "bin/sh" not in found, "a link is no file"


def test_only_the_named_places_of_an_image_are_looked_at(bench: Bench) -> None:
    def found(*within: str) -> set[str]:
        return set(bench.engine.read_files(bench.root, lambda _: True, within))

    assert found("/etc/passwd", "/no/such") == {"etc/passwd"}
    assert "etc/passwd" in found("/etc")
    assert all(path.startswith("etc/") for path in found("/etc", "/no"))
    assert found("/etc") <= found("/") == set(bench.engine.read_files(bench.root, lambda _: True))
