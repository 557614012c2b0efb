"""The build context of the conductor's image.

It is the files of conductor_image/ and, apart from them, how this machine reaches its package index.

The index configuration (pip's settings and a CA bundle) is used by the first stage of the Dockerfile only;
it is no part of the image nor of its key.
"""

from __future__ import annotations

import configparser
import hashlib
import io
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
_PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")


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
    named = [environ.get(name, "") for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")]
    named += [settings["cert"] for settings in _pip_settings(environ) if "cert" in settings]
    for candidate in (*named, *SYSTEM_BUNDLES):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    return b""


def pip_configuration(environ: Mapping[str, str]) -> str:
    """A pip.conf with this machine's index settings; what points to files of this machine is left out."""
    merged: dict[str, str] = {}
    for settings in _pip_settings(environ):
        merged |= {name: settings[name] for name in _PIP_SETTINGS if name in settings}
    merged |= {
        name: environ[key] for name in _PIP_SETTINGS if (key := "PIP_" + name.upper().replace("-", "_")) in environ
    }
    lines = []
    for name, value in merged.items():
        remote = [word for word in value.split() if not word.startswith("file:")]
        if remote:
            lines.append(f"{name.removeprefix('default-')} = " + "\n    ".join(remote))
    return "[global]\n" + "\n".join(lines) + "\n"


def _pip_settings(environ: Mapping[str, str]) -> list[dict[str, str]]:
    home = environ.get("HOME", "")
    names = (
        [environ["PIP_CONFIG_FILE"]]
        if environ.get("PIP_CONFIG_FILE")
        else [name.replace("~", home) for name in _PIP_FILES]
    )
    result = []
    for name in names:
        parser = configparser.RawConfigParser()
        try:
            parser.read(name)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        result += [
            dict(parser[section]) for section in ("global", "install", "download") if parser.has_section(section)
        ]
    return result
