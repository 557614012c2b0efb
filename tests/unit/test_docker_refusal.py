"""Asking a registry itself whether it takes an upload: what counts as a no, and who we say we are."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Self

import docker
import pytest
import requests
from docker import auth

from pipeline import docker_refusal

NAME = "reg.example/shop/web:1"
BEGIN = "https://reg.example/v2/shop/web/blobs/uploads/"
PLACE = f"{BEGIN}1"
TOKEN = "https://auth.example/token"
BEARER = {"WWW-Authenticate": f'Bearer realm="{TOKEN}",service="reg.example",scope="x"'}


def answer(status: int, body: bytes = b"", **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content = status, body
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


@dataclass
class Session:
    """`requests.Session`: answers by method and address, one after the other; remembers what it was sent."""

    answers: dict[str, list[requests.Response]]
    headers: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    logins: list[object] = field(default_factory=list)
    trust_env: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def _take(self, method: str, url: str, **given: Any) -> requests.Response:
        self.sent.append((f"{method} {url}", self.headers.get("Authorization", "")))
        self.logins += [given["auth"]] if "auth" in given else []
        if f"{method} {url}" not in self.answers:
            raise requests.ConnectionError(url)
        return self.answers[f"{method} {url}"].pop(0)

    def post(self, url: str, **given: Any) -> requests.Response:
        return self._take("POST", url, **given)

    def patch(self, url: str, **given: Any) -> requests.Response:
        return self._take("PATCH", url, **given)

    def delete(self, url: str, **given: Any) -> requests.Response:
        return self._take("DELETE", url, **given)

    def get(self, url: str, **given: Any) -> requests.Response:
        return self._take("GET", url, **given)


@dataclass
class Client:
    """As much of the SDK's client as is looked at."""

    base_url: str = "http+docker://localhost"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask, with these answers and this login; what came of it, and the session."""

    def run(answers: dict[str, list[requests.Response]], login: dict[str, str] | None = None, name: str = NAME) -> Any:
        session = Session(answers)
        header = base64.urlsafe_b64encode(json.dumps(login).encode()) if login else None
        monkeypatch.setattr(requests, "Session", lambda: session)
        monkeypatch.setattr(auth, "get_config_header", lambda *_: header)
        client: docker.APIClient = Client()  # type: ignore[assignment] # no engine is asked
        return docker_refusal.ask(client, name), session

    return run


def test_a_no_to_the_beginning_of_an_upload_is_final(ask: Any) -> None:
    body = b'{"errors": [{"code": "DENIED", "message": "not for you"}]}'
    found, _ = ask({f"POST {BEGIN}": [answer(403, body)]})
    assert found == docker_refusal.Answer(final=True, text="403 DENIED: not for you")


def test_a_no_to_its_body_is_final_and_the_upload_is_taken_back(ask: Any) -> None:
    begun = {f"POST {BEGIN}": [answer(202, Location=PLACE)], f"PATCH {PLACE}": [answer(403)]}
    found, session = ask({**begun, f"DELETE {PLACE}": [answer(204)]})
    assert found.final
    assert session.sent[-1][0] == f"DELETE {PLACE}"


def test_an_upload_that_is_taken_is_no_answer_and_a_failure_is_none_that_stays(ask: Any) -> None:
    taken = {f"POST {BEGIN}": [answer(202, Location="/v2/shop/web/blobs/uploads/1")], f"PATCH {PLACE}": [answer(202)]}
    assert ask({**taken, f"DELETE {PLACE}": [answer(204)]})[0] is None
    found, _ = ask({f"POST {BEGIN}": [answer(503)]})
    assert not found.final
    assert ask({})[0] is None, "nothing could be found out"


def test_a_password_is_sent_as_it_is_asked_for(ask: Any) -> None:
    alice = {"username": "alice", "password": "s3cret"}
    found, session = ask({f"POST {BEGIN}": [answer(401, WWW_Authenticate="Basic realm=x"), answer(403)]}, alice)
    assert found.text.startswith("403")
    assert session.sent[-1][1] == "Basic " + base64.b64encode(b"alice:s3cret").decode()

    challenged = answer(401)
    challenged.headers.update(BEARER)
    answers = {f"POST {BEGIN}": [challenged, answer(403)], f"GET {TOKEN}": [answer(200, b'{"token": "t0ken"}')]}
    found, session = ask(answers, alice)
    assert found.final
    assert session.sent[-1][1] == "Bearer t0ken"
    assert session.logins == [("alice", "s3cret")]


def test_what_only_the_engine_can_use_is_left_to_it(ask: Any) -> None:
    assert ask({f"POST {BEGIN}": [answer(401)]}, {"identitytoken": "x"})[0] is None


def test_a_token_server_that_fails_says_nothing_of_the_registry(ask: Any) -> None:
    challenged = answer(401)
    challenged.headers.update(BEARER)
    assert ask({f"POST {BEGIN}": [challenged], f"GET {TOKEN}": [answer(503, b"{}")]})[0] is None


def test_this_machine_is_not_taken_for_that_of_a_far_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "Session", lambda: pytest.fail("it asked"))
    far: docker.APIClient = Client("https://10.0.0.7:2376")  # type: ignore[assignment] # no engine is asked
    for host in ("localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"):
        assert docker_refusal.ask(far, f"{host}/shop:1") is None
