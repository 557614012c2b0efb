"""Which display shows a build, and what programs and scripts get from one."""

from __future__ import annotations

import io
import json
import re
import typing
from dataclasses import fields
from pathlib import Path
from threading import Thread

import pytest

from pipeline.display import Mode, choose, open_display
from pipeline.events import BuildFailed, BuildStarted, Event, ImageBuilt, Output, Pushed, Transfer, Warned, to_json
from pipeline.tally import ByteTally
from pipeline.wording import duration, megabytes, one_line
from tests.unit.demo_display import DIGEST, script

ROOT = Path(__file__).parents[2]
FAILURE = BuildFailed(
    "no such package", "correct the name", "roles/a/tasks/main.yml:3", "E: not found", "full/a/provision"
)


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def shown(mode: Mode, *events: Event, stdout: io.StringIO | None = None) -> tuple[str, str]:
    out, err = stdout or io.StringIO(), io.StringIO()
    with open_display(mode, stdout=out, stderr=err, environ={"TERM": "xterm"}, clock=lambda: 1738324800.25) as sink:
        for event in events:
            sink(event)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm"}, "tty"),
        ({"TERM": "xterm", "NO_COLOR": ""}, "tty"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "plain"),
        ({"TERM": "xterm", "CI": "true"}, "plain"),
        ({"TERM": "xterm", "CI": "false"}, "tty"),
        ({"TERM": "xterm", "CI": "true", "FORCE_COLOR": "1"}, "tty"),
        ({"TERM": "dumb"}, "plain"),
    ],
)
def test_a_terminal_gets_the_tree_unless_ci_no_color_or_a_dumb_terminal_ask_for_less(
    environ: dict[str, str], expected: str
) -> None:
    assert choose(Terminal(), environ) == expected


def test_a_file_gets_plain_lines_even_when_colour_is_forced() -> None:
    assert choose(io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"}) == "plain"


def test_a_terminal_that_does_not_speak_utf8_gets_plain_lines() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    with open_display("tty", stdout=stream, stderr=io.StringIO(), environ={}, clock=lambda: 0.0) as sink:
        sink(Output("full/base", "✔ done"))
    assert b"full/base  | \\u2714 done" in stream.buffer.getvalue()


def test_json_is_one_object_a_line_with_time_and_schema_and_nothing_else() -> None:
    events = [event for event in script(fail=True) if not isinstance(event, float)]
    out, err = shown("json", *events)
    lines = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert [line["event"] for line in lines] == [to_json(event)["event"] for event in events]
    assert {line["time"] for line in lines} == {"2025-01-31T12:00:00.250Z"}
    assert {line["schema"] for line in lines} == {1}


def test_json_lines_of_several_threads_stay_whole() -> None:
    out = io.StringIO()
    with open_display("json", stdout=out, stderr=io.StringIO(), environ={}) as sink:

        def talk(name: str) -> None:
            for number in range(100):
                sink(Output(name, str(number)))

        threads = [Thread(target=talk, args=(str(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len([json.loads(line) for line in out.getvalue().splitlines()]) == 400


def test_the_document_of_events_names_every_event_and_every_field() -> None:
    text = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL))
    names = {re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower(): event for event in typing.get_args(Event)}
    assert sections.keys() == names.keys()
    for name, event in names.items():
        assert re.findall(r"^\| `(\w+)` \|", sections[name], flags=re.MULTILINE) == [f.name for f in fields(event)]
    assert re.findall(r"version of this document, now \*\*(\d+)\*\*", text) == [str(to_json(FAILURE)["schema"])]


def test_quiet_says_only_warnings_errors_and_the_names_with_digests() -> None:
    out, err = shown("quiet", *(event for event in script() if not isinstance(event, float)))
    assert out.splitlines() == [
        f"registry.example.com/acme/{service}:{tag} {DIGEST}"
        for service in ("lean", "full")
        for tag in ("1.4.0", "latest")
    ]
    assert err.splitlines()[:2] == [
        "warning: recipes/base.yml:14: the mirror is two days old",
        "hint: set `mirror:` in recipes/base.yml",
    ]


def test_images_are_named_in_the_order_of_their_services_whichever_was_done_first() -> None:
    begun = BuildStarted("acme", "1", "recipes/base.yml", ("one", "two"), (), "r1")
    done = [ImageBuilt(name, "sha256:ab", (f"acme-{name}:1",), 1, (), {}, "") for name in ("two", "one", "other")]
    assert shown("quiet", begun, *done)[0] == "acme-one:1\nacme-two:1\nacme-other:1\n"


def test_quiet_names_an_image_that_was_not_pushed_without_a_digest() -> None:
    out, _ = shown("quiet", ImageBuilt("full", "sha256:ab", ("acme:1",), 1, (), {}, ""), Pushed("other:1", "sha256:cd"))
    assert out == "acme:1\nother:1 sha256:cd\n"


def test_an_error_is_one_line_on_stderr_with_its_place_and_a_hint() -> None:
    _, err = shown("plain", FAILURE)
    assert err == "error: roles/a/tasks/main.yml:3: no such package\nhint: correct the name\n"


def test_each_line_of_a_message_is_an_error_of_its_own() -> None:
    _, err = shown("plain", BuildFailed("a.yml:1: bad\na.yml:2: worse"))
    assert err == "error: a.yml:1: bad\nerror: a.yml:2: worse\n"


def test_quiet_shows_what_the_failed_tool_said_between_error_and_hint() -> None:
    _, err = shown("quiet", FAILURE)
    assert err.splitlines()[1:] == ["  E: not found", "hint: correct the name"]


def test_of_a_long_detail_the_last_forty_lines_are_shown() -> None:
    _, err = shown("quiet", BuildFailed("bad", detail="\n".join(f"line {number}" for number in range(100))))
    assert err.splitlines()[1:3] == ["  … 60 lines before this", "  line 60"]
    assert len(err.splitlines()) == 42


def test_a_warning_has_its_place() -> None:
    assert shown("quiet", Warned("old", place="a.yml:2"))[1] == "warning: a.yml:2: old\n"


def test_times_and_sizes_are_written_one_way() -> None:
    assert [duration(s) for s in (0, 1.25, 90, 92.4, 3599.9, 3725)] == [
        "0.0s",
        "1.2s",
        "90.0s",
        "1m32s",
        "1h00m",
        "1h02m",
    ]
    assert megabytes(12_345_678) == "12.3 MB"


def test_a_line_of_a_tool_cannot_move_the_cursor_or_colour_the_screen() -> None:
    assert one_line("\x1b[31mred\x1b[0m\x1b]0;title\x07\tend\x1b[2A\n") == "red end"
    assert one_line("10%\r20%\r\n") == "20%"
    assert "\x1b" not in one_line("\x1b[31mred\x1b[0m\x1b]0;title\x07 end\x1b[2A\x1b")


def test_a_layer_that_is_unpacked_after_its_download_does_not_go_back() -> None:
    tally = ByteTally()
    for status, current, total in (("Downloading", 5, 10), ("Download complete", 0, 0), ("Extracting", 2, 10)):
        tally.add(Transfer("s", "layer", status, current * 1_000_000, total * 1_000_000))
    assert tally.text == "10.0/10.0 MB"
