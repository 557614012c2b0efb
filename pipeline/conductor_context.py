"""The build context of the conductor's image.

It is the files of conductor_image/ and, apart from them, how this machine reaches its package index.

The index configuration (pip's settings and a CA bundle) is used by the first stage of the Dockerfile only;
it is no part of the image nor of its key.
"""

from __future__ import annotations

import configparser
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf")
"""pip's settings of the machine; the later file wins."""
_OWN_PIP_FILES = ("~/.pip/pip.conf", "~/.config/pip/pip.conf")
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def image_files() -> dict[str, bytes]:
    """The files that the conductor's image is made of, by relative path, sorted."""
    found: dict[str, bytes] = {}

    def collect(folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            if entry.name in ("__pycache__", "index"):
                continue
            if entry.is_dir():
                collect(entry, f"{prefix}{entry.name}/")
            else:
                found[prefix + entry.name] = entry.read_bytes()

    collect(files("pipeline").joinpath("conductor_image"), "")
    return dict(sorted(found.items()))


def image_key() -> str:
    """A hash of those files: the same on every machine."""
    total = hashlib.sha256()
    for name, content in image_files().items():
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def context(environ: Mapping[str, str]) -> bytes:
    """The build context as a tar: the image's files and index/{pip.conf,ca.crt}."""
    content = image_files() | {
        "index/pip.conf": pip_configuration(environ).encode(),
        "index/ca.crt": ca_bundle(environ),
    }
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name.startswith("standins/") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def proxy_arguments(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy settings of this machine as the engine's predefined build arguments, which no image records."""
    names = [name for proxy in PROXIES for name in (proxy, proxy.upper())]
    return {name: environ[name] for name in names if environ.get(name)}


def ca_bundle(environ: Mapping[str, str]) -> bytes:
    """The CA bundle that this machine trusts for its package index, empty when none is found."""
    named = [environ.get("PIP_CERT", ""), *(settings.get("cert", "") for settings in _pip_settings(environ)[::-1])]
    named += [environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")]
    for candidate in (*named, *SYSTEM_BUNDLES):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    return b""


def pip_configuration(environ: Mapping[str, str]) -> str:
    """A pip.conf with this machine's index settings; what points to files of this machine is left out."""
    merged: dict[str, str] = {}
    for settings in _pip_settings(environ):
        merged |= settings
    merged |= _normalised({key[4:]: value for key, value in environ.items() if key.startswith("PIP_") and value})
    lines = []
    for name in _PIP_SETTINGS:
        remote = [word for word in merged.get(name, "").split() if not word.startswith("file:")]
        if remote:
            lines.append(f"{name} = " + "\n    ".join(remote))
    return "[global]\n" + "\n".join(lines) + "\n"


def _pip_settings(environ: Mapping[str, str]) -> list[dict[str, str]]:
    """The sections that count of all of pip's files; the later one wins."""
    parsers = []
    for name in _pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(name)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        parsers.append(parser)
    sections = ("global", "install", "download")
    return [_normalised(dict(each[name])) for name in sections for each in parsers if each.has_section(name)]


def _pip_files(environ: Mapping[str, str]) -> list[str]:
    """As pip does: a file named by PIP_CONFIG_FILE stands for the user's own, and /dev/null for all files."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    own = (
        []
        if named and Path(named).exists()
        else [name.replace("~", environ.get("HOME", "")) for name in _OWN_PIP_FILES]
    )
    return [*([named] if named else []), *PIP_FILES, *own]


def _normalised(settings: Mapping[str, str]) -> dict[str, str]:
    """Names as pip knows them; empty values say nothing."""
    words = {name.lower().replace("_", "-").removeprefix("default-"): value for name, value in settings.items()}
    return {name: value for name, value in words.items() if value}
