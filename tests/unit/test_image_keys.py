"""The values of image keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import image_keys
from pipeline.errors import UsageError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("nginx -g 'daemon off;'", ("nginx", "-g", "daemon off;")),
        ("", ()),
        ([], ()),
        (["sh", "-c", "a b"], ("sh", "-c", "a b")),
    ],
)
def test_a_command_is_a_list_or_is_split_like_a_shell_line(value: object, words: tuple[str, ...]) -> None:
    assert image_keys.words(value) == words


@pytest.mark.parametrize(
    ("entry", "ports"),
    [
        ("8000", ("8000/tcp",)),
        ("8080:80", ("80/tcp",)),
        ("22:22", ("22/tcp",)),
        ("127.0.0.1:1:2/udp", ("2/udp",)),
        ("127.0.0.1::5000", ("5000/tcp",)),
        ("[::1]:80:8080/sctp", ("8080/sctp",)),
        ("8000-8002", ("8000/tcp", "8001/tcp", "8002/tcp")),
        ("9090-9091:8080-8081/udp", ("8080/udp", "8081/udp")),
    ],
)
def test_the_containers_side_of_a_port_is_exposed(entry: str, ports: tuple[str, ...]) -> None:
    assert image_keys.published_ports(entry) == ports


@pytest.mark.parametrize(
    "entry", ["", "a", "0", "65536", "2-1", "1:2:3", ":80", "80/icmp", "80 ", "٣", "{{ port }}", [], None]
)
def test_a_port_that_is_none_is_refused(entry: object) -> None:
    with pytest.raises(UsageError, match="port"):
        image_keys.published_ports(entry)


def test_expose_knows_no_side_of_the_host() -> None:
    assert image_keys.exposed_ports("53/udp") == ("53/udp",)
    with pytest.raises(UsageError, match="'8080:80'"):
        image_keys.exposed_ports("8080:80")


@given(first=st.integers(1, 65535), length=st.integers(0, 20))
def test_a_range_exposes_every_port_in_it(first: int, length: int) -> None:
    last = min(first + length, 65535)
    assert len(image_keys.exposed_ports(f"{first}-{last}")) == last - first + 1


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("/data", "/data"),
        ("temp-space:/tmp", "/tmp"),  # noqa: S108 - a path in a container
        ("name:/data:ro", "/data"),
        ("./here:/data", ""),
        ("../up:/data", ""),
        ("/host:/data", ""),
        ("~/x:/data", ""),
        ("$PWD:/data", ""),
        ("${PWD}/x:/data:rw", ""),
    ],
)
def test_named_and_bare_volumes_count_and_paths_of_the_host_do_not(entry: str, path: str) -> None:
    assert image_keys.volume_path(entry) == path


def test_a_relative_volume_gets_the_absolute_one_as_a_hint() -> None:
    with pytest.raises(UsageError) as caught:
        image_keys.volume_path("data")
    assert caught.value.hint == "write /data"


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("7", 7)])
def test_times_are_read_in_seconds(text: str, seconds: float) -> None:
    assert image_keys.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "test"),
    [
        ("curl -f localhost", ("CMD-SHELL", "curl -f localhost")),
        ("NONE", ("NONE",)),
        (["NONE"], ("NONE",)),
        (["CMD", "true"], ("CMD", "true")),
        (["CMD-SHELL", "a || b"], ("CMD-SHELL", "a || b")),
    ],
)
def test_a_health_check_is_a_shell_line_or_a_list(value: object, test: tuple[str, ...]) -> None:
    assert image_keys.health_test(value) == test


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("SIGTERM", "SIGTERM"),
        ("quit", "SIGQUIT"),
        ("15", "15"),
        ("SIGRTMIN+3", "SIGRTMIN+3"),
        ("RTMAX-14", "SIGRTMAX-14"),
    ],
)
def test_a_stop_signal_is_a_name_or_a_number(text: str, signal: str) -> None:
    assert image_keys.stop_signal(text) == signal


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (image_keys.words, "a 'b"),
        (image_keys.words, {"a": 1}),
        (image_keys.words, [["a"]]),
        (image_keys.volume_path, {}),
        (image_keys.volume_path, "name:data"),
        (image_keys.duration, "soon"),
        (image_keys.duration, ""),
        (image_keys.duration, []),
        (image_keys.health_test, ""),
        (image_keys.health_test, []),
        (image_keys.health_test, ["CMD"]),
        (image_keys.health_test, ["NONE", "x"]),
        (image_keys.health_test, ["curl"]),
        (image_keys.stop_signal, "SIGFOO"),
        (image_keys.stop_signal, "0"),
        (image_keys.stop_signal, "65"),
        (image_keys.stop_signal, "RTMIN+16"),
        (image_keys.stop_signal, []),
        (image_keys.environment_pair, "A"),
        (image_keys.environment_pair, "=x"),
        (image_keys.environment_pair, 5),
        (image_keys.environment_name, "a b"),
        (image_keys.label_pair, "=x"),
        (image_keys.label_pair, []),
    ],
)
def test_what_cannot_be_read_is_refused(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(UsageError):
        read(value)


def test_a_pair_is_divided_at_the_first_equals_sign() -> None:
    assert image_keys.environment_pair("A=b=c") == ("A", "b=c")
    assert image_keys.label_pair("org.example=a=b") == ("org.example", "a=b")
    assert image_keys.label_pair("flag") == ("flag", "")


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("$PWD/src:/src:ro", "/srv/shop/src:/src:ro"),
        ("${PWD}:/src", "/srv/shop:/src"),
        ("~/x:/x", "/home/me/x:/x"),
        ("~:/x", "/home/me:/x"),
        ("$HOME/a/${HOME}:/x", "/home/me/a//home/me:/x"),
        ("data:/var/lib/$PWD", "data:/var/lib/$PWD"),
        ("$PWDS/x:/x", "$PWDS/x:/x"),
        ("a~b:/x", "a~b:/x"),
        ("~other/x:/x", "~other/x:/x"),
        ("/data", "/data"),
        ("/~", "/~"),
    ],
)
def test_the_hosts_side_of_a_volume_is_filled_in_where_it_is_run(written: str, filled: str) -> None:
    assert image_keys.host_side(written, home="/home/me", folder="/srv/shop") == filled


@pytest.mark.parametrize("written", ["$PWD/src:/src", "${PWD}:/src", "~:/src", "$HOME/x:/src", "~/x:/src"])
def test_a_path_of_the_host_is_no_volume_of_an_image(written: str) -> None:
    assert image_keys.volume_path(written) == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("auto", "auto"),
        ("never", "never"),
        ("90m", 5400),
        ("12h", 43200),
        ("7d", 604800),
        ("1d12h", 129600),
        ("2w", 1209600),
    ],
)
def test_how_long_a_layer_is_used_again(written: str, read: object) -> None:
    assert image_keys.freshness(written) == read


@pytest.mark.parametrize("written", ["", "soon", "10", "10s", "0h", "-1d", "1.5d", 10, None, True, "1d "])
def test_what_is_no_such_time_is_refused(written: object) -> None:
    with pytest.raises(UsageError, match="must be auto, never or a time such as 12h or 7d"):
        image_keys.freshness(written)
