"""Streams as engines really send them, and what is read from them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.docker_client import failure
from pipeline.docker_stream import TAIL, is_missing, is_transient, masked, read_stream
from pipeline.errors import EngineError, NotFoundError, PushFailedError, TransientError

DIGEST = "sha256:" + "3f" * 32
IMAGE = "sha256:" + "ab" * 32

TRANSIENT = [
    'Get "http://127.0.0.1:5601/v2/": dial tcp 127.0.0.1:5601: connect: connection refused',
    "received unexpected HTTP status: 503 Service Unavailable",
    "received unexpected HTTP status: 500 Internal Server Error",
    "toomanyrequests: rate exceeded",
    "error parsing HTTP 429 response body: unexpected end of JSON input",
    "error parsing HTTP 408 response body: no error details found in HTTP response body: ...",
    'Put "http://r/v2/x/manifests/1": EOF',
    "unexpected EOF",
    'Patch "http://r/v2/x": read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer',
    "write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe",
    'Get "https://r/v2/": dial tcp 10.0.0.1:443: i/o timeout',
    'Get "https://r/v2/": net/http: TLS handshake timeout',
    'Get "https://r/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    "context deadline exceeded",
    "failed commit on ref x: unexpected status from PUT request to http://r/v2/x?a=b: 502 Bad Gateway",
    "writing blob: initiating layer upload: received unexpected HTTP status: 504 Gateway Timeout",
    'trying to reuse blob: StatusCode: 429, "slow down"',
    "dial tcp: lookup r: server misbehaving",
    "dial tcp: lookup r: Temporary failure in name resolution",
]
PERMANENT = [
    "no basic auth credentials",
    "unauthorized: authentication required",
    "denied: requested access to the resource is denied",
    "unexpected status from HEAD request to http://r/v2/x/manifests/1: 401 Unauthorized",
    "unexpected status from POST request to http://r/v2/x/blobs/uploads/: 403 Forbidden",
    "tag invalid: the tag is immutable",
    "error parsing HTTP 413 response body: invalid character '<'",
    "error parsing HTTP 405 response body: invalid character 'M' looking for beginning of value",
    "x509: certificate signed by unknown authority",
    "dial tcp: lookup no.such.host: no such host",
    "manifest for r:5000/x:1 not found: manifest unknown: manifest unknown",
    "An image does not exist locally with the tag: r:5000/x",
    "received unexpected HTTP status: 404 Not Found",
    "layer 5000 of 503 is odd",
    "",
]


@pytest.mark.parametrize("message", TRANSIENT)
def test_a_failure_that_may_pass_is_transient(message: str) -> None:
    assert is_transient(message)


@pytest.mark.parametrize("message", PERMANENT)
def test_a_refusal_is_final(message: str) -> None:
    assert not is_transient(message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("received unexpected HTTP status: 503 Service Unavailable", TransientError),
        ("denied: requested access to the resource is denied", PushFailedError),
        ("An image does not exist locally with the tag: x", NotFoundError),
        ("manifest unknown: manifest unknown", NotFoundError),
        ("something else", PushFailedError),
        ("push access denied, repository does not exist or may require authorization", PushFailedError),
    ],
)
def test_the_message_decides_about_the_kind_of_error(message: str, kind: type[EngineError]) -> None:
    error = failure("pushing x", message, registry=True, refused=PushFailedError)
    assert type(error) is kind
    assert error.message == f"pushing x: {message}"


def test_a_message_of_the_engine_alone_is_never_transient() -> None:
    assert type(failure("starting x", "connection reset", registry=False)) is EngineError


def test_missing_is_told_from_refused() -> None:
    assert is_missing("manifest for x:1 not found: manifest unknown: manifest unknown")
    assert not is_missing("unauthorized: authentication required")


def test_a_refusal_says_how_to_log_in() -> None:
    assert "docker login" in failure("pushing x", "no basic auth credentials", registry=True).hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Get https://alice:s3cret@r.example/v2/: EOF", "Get https://***@r.example/v2/: EOF"),
        ("proxy http://token@proxy:3128 refused", "proxy http://***@proxy:3128 refused"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer ***"),
        ('{"auth": "YWxpY2U6czNjcmV0"}', '{"auth": "***"}'),
        ("X-Registry-Auth=eyJ1c2VybmFtZSI6", "X-Registry-Auth=***"),
        ('"password":"s3cret-words"', '"password":"***"'),
        ("unauthorized: authentication required", "unauthorized: authentication required"),
        ("require authorization: authorization failed", "require authorization: authorization failed"),
        ("pull r.example:5000/a/b@sha256:00", "pull r.example:5000/a/b@sha256:00"),
    ],
)
def test_secrets_do_not_show(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_the_digest_of_a_push_is_in_the_aux_item() -> None:
    items = [{"status": "The push refers to repository [x]"}, {"aux": {"Tag": "1", "Digest": DIGEST, "Size": 5}}]
    assert read_stream(items).digest == DIGEST


def test_the_digest_of_a_push_is_in_a_status_line_where_there_is_no_aux_item() -> None:
    assert read_stream([{"status": f"1: digest: {DIGEST} size: 523"}]).digest == DIGEST


def test_a_push_without_a_digest_has_none() -> None:
    assert read_stream([{"status": "1: digest: sha256:short size: 523"}]).digest == ""


def test_progress_is_told_with_its_numbers() -> None:
    seen: list[tuple[str, str, int, int]] = []
    items: list[dict[str, Any]] = [
        {"status": "Preparing", "progressDetail": {}, "id": "aa"},
        {"status": "Pushing", "progressDetail": {"current": 5, "total": 9}, "id": "aa"},
        {"status": "Waiting", "progressDetail": None},
    ]
    read_stream(items, lambda *event: seen.append(event))
    assert seen == [("aa", "Preparing", 0, 0), ("aa", "Pushing", 5, 9), ("", "Waiting", 0, 0)]


def test_the_first_error_counts_and_the_stream_is_read_to_its_end() -> None:
    items = iter([{"errorDetail": {"message": "one"}, "error": "one"}, {"error": "two"}, {"status": "end"}])
    assert read_stream(items).error == "one"
    assert list(items) == []


@pytest.mark.parametrize(
    "item", [{"error": "plain"}, {"errorDetail": {"message": "plain"}}, {"error": "plain", "errorDetail": 5}]
)
def test_an_error_is_found_in_either_form(item: dict[str, Any]) -> None:
    assert read_stream([item]).error == "plain"


def test_what_is_no_object_is_passed_over() -> None:
    assert read_stream(["text", None, 5]).error == ""


@pytest.mark.parametrize(
    "items",
    [
        [{"status": IMAGE}],  # import
        [{"id": IMAGE}],  # the same of Podman
        [{"aux": {"ID": IMAGE}}],  # build
        [{"stream": f"Loaded image ID: {IMAGE}\n"}],  # load
    ],
)
def test_the_id_of_the_image_is_found(items: list[dict[str, Any]]) -> None:
    assert read_stream(items).image == IMAGE


def test_the_id_of_a_layer_is_no_image() -> None:
    assert read_stream([{"status": "Pull complete", "id": "3f2a9c81d0aa"}]).image == ""


def test_lines_of_a_build_are_whole_and_without_colours() -> None:
    lines: list[str] = []
    chunks = ["Step 1/2", " : FROM x\n ---> ab\n", "\x1b[91mwarning\n\x1b[0m", "https://a:b@c\r\n", "no end"]
    outcome = read_stream([{"stream": chunk} for chunk in chunks], lines=lines.append)
    assert lines == ["Step 1/2 : FROM x", " ---> ab", "warning", "https://***@c", "no end"]
    assert outcome.tail == tuple(lines)


def test_only_the_last_lines_are_kept() -> None:
    outcome = read_stream([{"stream": f"{number}\n"} for number in range(100)])
    assert len(outcome.tail) == TAIL
    assert outcome.tail[-1] == "99"


def test_a_short_id_counts_where_the_engine_says_no_more() -> None:
    assert read_stream([{"stream": "Successfully built 85c3478565d9\n"}]).image == "85c3478565d9"
