"""Which registries are believed to be who they say, by what this machine's engine is told of them."""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter

from pipeline.errors import RegistryError

CERTIFICATES = (Path("/etc/docker/certs.d"), Path("~/.config/docker/certs.d"), Path("~/.docker/certs.d"))
"""Folders with one of their own for each registry: *.crt of its authorities, *.cert and *.key of ours."""
ENGINE_SETTINGS = (Path("/etc/docker/daemon.json"), Path("~/.config/docker/daemon.json"))
"""Of the engine, and of one without root."""


class Trusting(HTTPAdapter):
    """Connections that know other authorities than those that requests brings."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """With the context."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """The same through a proxy."""
        return super().proxy_manager_for(*arguments, **options, ssl_context=self._context)


def context_for(host: str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Knows the machine's authorities, and all of the folder that docker has for this registry; and who we are to it.

    Raises RegistryError for a file of no use.
    """
    context = ssl.create_default_context()
    for folder in _places(CERTIFICATES, environ):
        for path in sorted((folder / host).glob("*.cert")) + sorted((folder / host).glob("*.crt")):
            try:
                if path.suffix == ".crt":
                    context.load_verify_locations(path)
                else:
                    context.load_cert_chain(path, path.with_suffix(".key"), "")
            except (OSError, ValueError) as error:
                said = str(error.strerror or error) if isinstance(error, OSError) else str(error)
                hint = "*.crt are certificates of authorities, a *.cert is ours and has a *.key beside it"
                raise RegistryError(f"{path} cannot be used: {said}", hint=hint) from error
    return context


def unverified() -> ssl.SSLContext:
    """For a registry that the engine is told to talk to whoever it is."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the engine's settings say that it is wanted
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def is_insecure(host: str, environ: Mapping[str, str], more: tuple[str, ...] = ()) -> bool:
    """Whether the settings of this machine's engine, or `more`, list host[:port] or a network that it is in."""
    return any(_covers(entry, host) for entry in (*_listed(environ), *more))


def is_loopback(server: str) -> bool:
    """Whether host[:port] is this machine by its address, or localhost."""
    address = _address(server)
    return _name(server) == "localhost" or bool(address and address.is_loopback)


def _listed(environ: Mapping[str, str]) -> Iterator[str]:
    for path in _places(ENGINE_SETTINGS, environ):
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # the engine's business; it does not start with settings that cannot be read
        listed = body.get("insecure-registries") if isinstance(body, dict) else None
        yield from (str(each) for each in (listed if isinstance(listed, list) else ()))


def _covers(entry: str, host: str) -> bool:
    if re.sub(r"^https?://", "", entry.strip()).rstrip("/") == host:
        return True
    address = _address(host)
    try:
        return address is not None and address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(server: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(_name(server))
    except ValueError:
        return None


def _name(server: str) -> str:
    return re.sub(r":\d+$", "", server).strip("[]")


def _places(paths: tuple[Path, ...], environ: Mapping[str, str]) -> Iterator[Path]:
    return (Path(str(each).replace("~", environ.get("HOME", "~"), 1)) for each in paths)
