"""Reaching a registry as the docker command does: its address, certificates, credentials and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

import requests
from docker.auth import AuthConfig, load_config
from docker.errors import DockerException
from requests.auth import AuthBase, HTTPBasicAuth

from pipeline.docker_client import last_words
from pipeline.docker_stream import masked
from pipeline.errors import RegistryError, TransientError
from pipeline.registry_trust import CERTIFICATES, Trusting, context_for, is_insecure, is_loopback, unverified

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next bytes."""
_HUB, _HUB_SERVER = "docker.io", "registry-1.docker.io"
_PASSING = {408, 429, 500, 502, 503, 504}


class Access:
    """One registry, and who we are to it. Nothing is asked before the first request."""

    def __init__(self, host: str, environ: Mapping[str, str], insecure: tuple[str, ...] = ()) -> None:
        self._host, self._environ = host, environ
        self._session = requests.Session()
        self._auth: AuthBase = _Header("")
        self._insecure = is_insecure(host, environ, insecure)
        self._session.mount("https://", Trusting(unverified() if self._insecure else context_for(host, environ)))
        self._address = ""

    def send(self, method: str, path: str, headers: Mapping[str, str], data: bytes | None = None) -> requests.Response:
        """One request, after a login if the registry wants one; `path` may be a whole address.

        Raises TransientError for what may pass, RegistryError where there is no answer or no entry.
        """
        what = f"{self._host}: {method} {path.partition('?')[0]}"
        url = path if "://" in path else f"{self._base()}{path}"
        answer = self._ask(method, url, what, headers, data)
        if answer.status_code == requests.codes.unauthorized:
            self._auth = self._login(answer, what)
            answer = self._ask(method, url, what, headers, data)
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise RegistryError(
                f"{what}: {reason(answer)}", hint="log in to the registry with `docker login`, or check the name"
            )
        if answer.status_code in _PASSING:
            raise TransientError(f"{what}: {reason(answer)}", hint="the registry is in trouble; try again later")
        return answer

    def _ask(
        self, method: str, url: str, what: str, headers: Mapping[str, str], data: bytes | None
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                data=data,
                auth=self._auth if self._is_ours(url) else _Header(""),
                timeout=TIMEOUT,
                verify=not self._insecure,
            )
        except requests.exceptions.SSLError as error:
            hint = f"put the certificate of its authority into {CERTIFICATES[0]}/{self._host}/ca.crt"
            raise RegistryError(f"{what}: {masked(last_words(error))}", hint=hint) from error
        except (requests.RequestException, OSError) as error:
            raise TransientError(f"{what}: {masked(last_words(error))}", hint="is the registry reachable?") from error

    def _is_ours(self, url: str) -> bool:
        return url.startswith(f"{self._base()}/")

    def _base(self) -> str:
        if not self._address:
            self._address = self._found()
        return self._address

    def _found(self) -> str:
        """https, except for one that does not speak it and is of this very machine, or insecure to its engine."""
        server = _HUB_SERVER if self._host == _HUB else self._host
        if self._insecure or is_loopback(server):
            try:
                self._get(f"https://{server}/v2/")
            except requests.exceptions.SSLError as error:
                if "CERTIFICATE" not in str(error).upper():
                    return f"http://{server}"
            except (requests.RequestException, OSError):
                return f"http://{server}"
        return f"https://{server}"

    def _get(self, url: str, query: Mapping[str, str] | None = None, auth: AuthBase | None = None) -> requests.Response:
        return self._session.get(
            url, params=query, timeout=TIMEOUT, verify=not self._insecure, auth=auth or _Header("")
        )

    def _login(self, answer: requests.Response, what: str) -> AuthBase:
        scheme, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        told = parse_keqv_list(parse_http_list(rest))
        known = self._credentials()
        if scheme.lower() == "bearer" and told.get("realm"):
            return _Header(f"Bearer {self._token(told, known, what)}")
        if known.get("Username"):
            return HTTPBasicAuth(known["Username"].encode(), known["Password"].encode())
        raise RegistryError(f"{what}: no credentials for {self._host}", hint=f"run: docker login {self._host}")

    def _token(self, told: Mapping[str, str], known: Mapping[str, str], what: str) -> str:
        wanted = {name: told[name] for name in ("service", "scope") if told.get(name)}
        pair = HTTPBasicAuth(known["Username"].encode(), known["Password"].encode()) if known.get("Username") else None
        try:
            if known.get("IdentityToken"):
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": known["IdentityToken"],
                    "client_id": "baseimage",
                }
                answer = self._session.post(
                    told["realm"],
                    data=form | wanted,
                    timeout=TIMEOUT,
                    verify=not self._insecure,
                    auth=_Header(""),
                )
            else:
                answer = self._get(told["realm"], wanted, pair)
            body = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError) as error:
            raise TransientError(f"{what}: the token server: {masked(last_words(error))}") from error
        if answer.status_code in _PASSING:
            raise TransientError(f"{what}: the token server: {reason(answer)}")
        token = str(body.get("token") or body.get("access_token") or "")
        if not token:
            raise RegistryError(f"{what}: the token server: {reason(answer)}", hint=f"run: docker login {self._host}")
        return token

    def _credentials(self) -> Mapping[str, str]:
        """Of the user's docker settings (`auths`, `credHelpers`, `credsStore`); {} for nobody."""
        try:
            place = self._environ.get("DOCKER_CONFIG")
            path = str(Path(place) / "config.json") if place else None
            config: Any = load_config(path, credstore_env=dict(self._environ))
            found = AuthConfig.resolve_authconfig(config, self._host)
        except (DockerException, OSError, ValueError) as error:
            raise RegistryError(f"the docker settings cannot be used: {masked(str(error))}") from error
        return {
            {"username": "Username", "password": "Password", "identitytoken": "IdentityToken"}.get(
                name.lower(), name
            ): str(value)
            for name, value in (found or {}).items()
            if value
        }


def reason(answer: requests.Response) -> str:
    """What a registry says of a refusal: the messages of its errors, else the status."""
    try:
        errors = answer.json().get("errors") or ()
        said = "; ".join(str(each.get("message") or each.get("code")) for each in errors)
    except (ValueError, AttributeError, TypeError):
        said = ""
    return masked(f"{answer.status_code} {said or answer.reason or ''}".strip())


class _Header(AuthBase):
    """An Authorization header, or none: a .netrc of the user's is for other programs."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put it into a request."""
        if self._value:
            request.headers["Authorization"] = self._value
        return request
