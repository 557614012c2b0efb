"""Texts and events without the values of build secrets."""

from __future__ import annotations

import base64
import json
import traceback
from dataclasses import fields
from typing import Any, get_args

import pytest

from pipeline.events import BuildFailed, BuildStarted, Event, ImageBuilt, Layer, Output, TaskFinished, to_json
from pipeline.masking import hide, masked_event, masking
from pipeline.secret_values import LEAST, NO_SECRETS, SecretValues

TOKEN = b"npm_5Rk/2+q\"Tz'81w"
KEY = b"-----BEGIN KEY-----\nAbCdEfGh+123\nxyz\n-----END KEY-----\n"
VALUES = SecretValues({"token": TOKEN, "key": KEY, "pin": b"9041", "bit": b"on"})


@pytest.mark.parametrize(
    "text",
    [
        TOKEN.decode(),
        f"https://bob:{TOKEN.decode()}@example.org",
        json.dumps({"a": TOKEN.decode()}),
        repr([TOKEN.decode()]),
        "npm_5Rk%2F2%2Bq%22Tz%2781w",
        *(
            base64.b64encode(b"." * before + TOKEN + after).decode()
            for before in range(5)
            for after in (b"", b"!", b"@x")
        ),
        *(base64.urlsafe_b64encode(b"." * before + TOKEN).decode() for before in range(3)),
        KEY.decode(),
        json.dumps(KEY.decode()),
        "the line AbCdEfGh+123 is wrong",
        "pin 9041.",
    ],
)
def test_a_value_is_masked_in_whatever_form_it_comes(text: str) -> None:
    masked = VALUES.masked(text)
    assert "***" in masked
    for value in ("npm_", "Tz", "81w", "AbCdEfGh", "9041", base64.b64encode(TOKEN).decode()[4:12]):
        assert value not in masked


def test_what_is_no_value_stays() -> None:
    text = "turned on; npm_5Rk, 904 and AbCd are no secrets, nor is xyz"
    assert VALUES.masked(text) == text
    assert NO_SECRETS.masked(text) == text


def test_a_longer_value_goes_before_one_that_begins_like_it() -> None:
    assert SecretValues({"a": b"abcd", "b": b"abcdefgh"}).masked("abcdefgh") == "***"


def test_it_shows_ids_only() -> None:
    assert "npm" not in f"{VALUES!r} {VALUES}".replace("token", "")
    assert VALUES.ids == ("token", "key", "pin", "bit")


def test_only_what_is_long_enough_is_looked_for() -> None:
    assert VALUES.forms(VALUES.ids).keys() == {"token", "key"}
    assert SecretValues({"a": b"x" * LEAST, "b": b" " + b"x" * (LEAST - 1)}).forms(["a", "b"]).keys() == {"a"}
    assert all(len(form) >= LEAST for form in VALUES.forms(["token"])["token"])


def test_where_a_value_is_in_data_is_told() -> None:
    data = {"labels": {"x": f"a {TOKEN.decode()} b"}, "volumes": ("/a", KEY.decode().strip()), "size": 3}
    assert list(VALUES.within(data, VALUES.ids)) == [("token", "labels.x"), ("key", "volumes")]
    assert list(VALUES.within(data, ["key"])) == [("key", "volumes")]
    assert list(VALUES.within({TOKEN.decode(): 1}, ["token"])) == [("token", "")]


def full(kind: Any) -> Any:
    """An event of this kind with the token in every text."""
    values: dict[str, Any] = {}
    for each in fields(kind):
        match str(each.type):
            case "str":
                values[each.name] = TOKEN.decode()
            case "tuple[str, ...]":
                values[each.name] = (TOKEN.decode(),)
            case "tuple[Layer, ...]":
                values[each.name] = (Layer(TOKEN.decode(), 1, cached=False),)
            case _:
                values[each.name] = {}
    return kind(**values)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: str(kind.__name__))
def test_every_text_of_every_event_is_masked_but_the_names_that_join_them(kind: Any) -> None:
    told = to_json(masked_event(full(kind), VALUES))
    left = {name for name, value in told.items() if TOKEN.decode() in str(value) or "5Rk" in str(value)}
    assert left <= {"step", "steps", "service", "services", "stage", "role", "run_id"}


def test_an_event_without_a_value_is_the_same() -> None:
    events: list[Event] = [
        BuildStarted("shop", "1", "r.yml", ("web",), ("web/base",), "run"),
        ImageBuilt("web", "sha256:1", ("a:1",), 5, (Layer("role a", 5, cached=True),), {"base": 1.5}, "docker run"),
        TaskFinished("web/a/provision", "a", "Copy", "failed", 0.5, "no"),
    ]
    assert [masked_event(event, VALUES) for event in events] == events


def test_a_sink_masks_what_passes() -> None:
    seen: list[Event] = []
    emit = masking(seen.append, VALUES)
    emit(Output("web/base", f"say {TOKEN.decode()}"))
    emit(BuildFailed("m", detail=base64.b64encode(TOKEN).decode()))
    assert seen == [Output("web/base", "say ***"), BuildFailed("m", detail="***")]
    sink = seen.append
    assert masking(sink, NO_SECRETS) is sink


def defect() -> None:
    table: dict[object, int] = {}
    try:
        table["other"] = table[TOKEN.decode(), 5]
    except KeyError as error:
        raise ValueError(f"not {TOKEN.decode()}") from error


def test_a_defect_does_not_tell_a_value_nor_does_what_it_came_of() -> None:
    with pytest.raises(ValueError, match="not npm_") as caught:
        defect()
    hide(caught.value, VALUES)
    told = "".join(traceback.format_exception(caught.value))
    assert "not ***" in told
    assert "('***', 5)" in told
    assert "5Rk" not in told
