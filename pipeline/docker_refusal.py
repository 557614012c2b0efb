"""Asks a registry itself whether it lets us upload, while the engine only says that it tries again.

An engine tries for a minute before it tells that a registry said no. A few bytes sent the same way are refused at once.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import docker
import requests
from docker import auth

from pipeline.docker_stream import masked
from pipeline.reference import ImageReference

SECONDS = 5.0
UNKNOWN, FORBIDDEN = 401, 403
_HUB = ("docker.io", "registry-1.docker.io")
Login = tuple[str, str] | None
_CHALLENGE = re.compile(r'(realm|service)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry said to an upload of ours; `final`: it will say so again."""

    final: bool
    text: str


def ask(client: docker.APIClient, reference: str) -> Answer | None:
    """What the registry of a name says, None where it takes the upload or nothing can be found out."""
    name = ImageReference.parse(reference)
    host = _HUB[1] if name.registry == _HUB[0] else name.registry
    loopback = _is_loopback(host)
    if loopback and not client.base_url.startswith("http+docker://"):
        return None  # this machine's own address is not that of a far engine
    known = _known(client, reference)
    if known.get("identitytoken") or known.get("IdentityToken"):
        return None  # only the engine knows how to use that
    user, password = known.get("username") or known.get("Username"), known.get("password") or known.get("Password")
    login = (str(user), str(password)) if user and password else None
    with requests.Session() as session:
        session.trust_env = False
        for scheme in ("http", "https") if loopback else ("https",):
            try:
                return _try_upload(session, f"{scheme}://{host}/v2/{name.repository}", name.repository, login)
            except (requests.RequestException, ValueError):
                continue
    return None


def _try_upload(session: requests.Session, base: str, repository: str, login: Login) -> Answer | None:
    begin = f"{base}/blobs/uploads/"
    answer = session.post(begin, timeout=SECONDS)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status_code == UNKNOWN and (login or challenge.lower().startswith("bearer")):
        session.headers["Authorization"] = _authorization(session, challenge, repository, login)
        answer = session.post(begin, timeout=SECONDS)
    if not answer.ok:
        return _said(answer)
    place = urljoin(begin, answer.headers.get("Location", ""))
    sent = session.patch(place, data=b"?", headers={"Content-Type": "application/octet-stream"}, timeout=SECONDS)
    session.delete(urljoin(place, sent.headers.get("Location", place)), timeout=SECONDS)
    return None if sent.ok else _said(sent)


def _authorization(session: requests.Session, challenge: str, repository: str, login: Login) -> str:
    if login and not challenge.lower().startswith("bearer"):
        return "Basic " + base64.b64encode(":".join(login).encode()).decode()
    wanted = dict(_CHALLENGE.findall(challenge))
    asked = {"service": wanted.get("service", ""), "scope": f"repository:{repository}:pull,push"}
    answer = session.get(wanted.get("realm", ""), params=asked, auth=login, timeout=SECONDS)
    answer.raise_for_status()  # without a token, a no would be none to us
    found = answer.json()
    return f"Bearer {found.get('token') or found.get('access_token') or ''}"


def _known(client: docker.APIClient, reference: str) -> dict[str, Any]:
    """Who we are, as the SDK tells the engine."""
    registry, _ = auth.resolve_repository_name(reference)
    header = auth.get_config_header(client, registry)
    known: dict[str, Any] = json.loads(base64.urlsafe_b64decode(header)) if header else {}
    return known


def _said(answer: requests.Response) -> Answer:
    try:
        (first, *_) = answer.json()["errors"]
        text = ": ".join(str(first[key]) for key in ("code", "message") if first.get(key))
    except (ValueError, KeyError, TypeError, AttributeError):
        text = answer.reason
    return Answer(answer.status_code in (UNKNOWN, FORBIDDEN), masked(f"{answer.status_code} {text}".strip()))


def _is_loopback(host: str) -> bool:
    address = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    try:
        return address == "localhost" or ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
