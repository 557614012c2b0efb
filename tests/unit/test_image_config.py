"""Image configuration: laying one over another, and telling two apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.image_config import Healthcheck, ImageConfig, differences, seconds

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True).map(tuple)
MAPS = st.dictionaries(st.sampled_from(["X", "Y"]), st.sampled_from(["1", "2"]))
CONFIGS = st.builds(
    ImageConfig,
    entrypoint=WORDS | st.none(),
    command=WORDS | st.none(),
    environment=MAPS,
    exposed=WORDS,
    volumes=WORDS,
    labels=MAPS,
    user=st.sampled_from([None, "", "www"]),
    working_dir=st.sampled_from([None, "", "/", "/srv"]),
    stop_signal=st.sampled_from([None, "SIGQUIT"]),
)


def test_maps_and_sets_join_and_single_values_are_replaced() -> None:
    under = ImageConfig(environment={"A": "1", "B": "1"}, exposed=("80/tcp",), user="root", onbuild=("RUN a",))
    over = ImageConfig(environment={"B": "2"}, exposed=("443/tcp", "80/tcp"), user="www", volumes=("/data",))
    assert under.merged(over) == ImageConfig(
        environment={"A": "1", "B": "2"},
        exposed=("80/tcp", "443/tcp"),
        user="www",
        volumes=("/data",),
        onbuild=("RUN a",),
    )


def test_what_says_nothing_changes_nothing() -> None:
    config = ImageConfig(entrypoint=("/init",), command=("run",), healthcheck=Healthcheck(("NONE",)))
    assert config.merged(ImageConfig()) == config


@pytest.mark.parametrize(
    ("over", "command"),
    [
        (ImageConfig(entrypoint=("/other",)), None),
        (ImageConfig(entrypoint=()), None),
        (ImageConfig(entrypoint=("/init",)), ("run",)),
        (ImageConfig(entrypoint=("/other",), command=("x",)), ("x",)),
        (ImageConfig(command=()), ()),
    ],
)
def test_a_new_entry_point_drops_the_command_it_was_not_written_for(
    over: ImageConfig, command: tuple[str, ...] | None
) -> None:
    assert ImageConfig(entrypoint=("/init",), command=("run",)).merged(over).command == command


def test_differences_name_what_is_there_what_is_missing_and_what_is_otherwise() -> None:
    expected = ImageConfig(environment={"A": "1", "B": "1"}, user="www")
    actual = ImageConfig(environment={"A": "2", "C": "3"}, user="root")
    assert differences(expected, actual) == (
        "environment: A is '2', declared is '1'",
        "environment: B is None, declared is '1'",
        "environment: C is '3', declared is None",
        "user is 'root', declared is 'www'",
    )


def test_configurations_that_every_engine_runs_alike_do_not_differ() -> None:
    expected = ImageConfig(entrypoint=(), exposed=("80/tcp", "443/tcp"), working_dir="/", user="")
    actual = ImageConfig(exposed=("443/tcp", "80/tcp"), working_dir=None)
    assert differences(expected, actual) == ()


@given(CONFIGS)
def test_no_configuration_differs_from_itself(config: ImageConfig) -> None:
    assert differences(config, config) == ()


@given(CONFIGS)
def test_normalising_twice_is_normalising_once(config: ImageConfig) -> None:
    assert config.normalised().normalised() == config.normalised()


@given(CONFIGS, CONFIGS, CONFIGS)
def test_sets_and_maps_may_be_laid_on_in_any_grouping(one: ImageConfig, two: ImageConfig, three: ImageConfig) -> None:
    left, right = one.merged(two).merged(three), one.merged(two.merged(three))
    assert (left.environment, left.labels, left.exposed) == (right.environment, right.labels, right.exposed)


@pytest.mark.parametrize(("text", "expected"), [("1m30s", 90), ("1h", 3600), ("500ms", 0.5), ("10", 10), (3, 3)])
def test_times_are_read_as_compose_writes_them(text: str | float, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "s", "10x", "1m 30s", "-1s"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)


def test_what_a_configuration_says_beyond_its_base_makes_it_again() -> None:
    base = ImageConfig(entrypoint=("/init",), command=("serve",), environment={"A": "1", "B": "1"}, exposed=("80/tcp",))
    over = base.merged(ImageConfig(environment={"B": "2", "C": "3"}, exposed=("443/tcp",), user="www"))
    assert over.beyond(base) == ImageConfig(environment={"B": "2", "C": "3"}, exposed=("443/tcp",), user="www")
    assert base.merged(over.beyond(base)) == over
    replaced = base.merged(ImageConfig(entrypoint=("/other",)))
    assert base.merged(replaced.beyond(base)) == replaced
    assert base.beyond(base) == ImageConfig()
