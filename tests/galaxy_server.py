"""A Galaxy server of a test's own: the parts of its API that ansible-galaxy asks for roles and collections."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving


@dataclass
class GalaxyServer:
    """What it offers, and what it was asked for; `tampered` names tar files that arrive changed on the way."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    collections: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    tampered: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def collection(self, name: str, version: str, dependencies: Mapping[str, str] | None = None, text: str = "") -> str:
        """Offer a version of NAMESPACE.NAME with one filter; the path of its tar file."""
        path = f"/files/{name.replace('.', '-')}-{version}.tar.gz"
        self.files[path] = collection_tar(name, version, dependencies or {}, text)
        self.collections.setdefault(name, {})[version] = dict(dependencies or {})
        return path

    def role(self, name: str, version: str, tasks: str) -> str:
        """Offer a version of OWNER.NAME, a role of nothing but tasks; the path of its tar file."""
        path = f"/files/{name}-{version}.tar.gz"
        files = {f"x-{version}/tasks/main.yml": tasks, f"x-{version}/meta/main.yml": "galaxy_info: {author: x}\n"}
        self.files[path] = _tar(files)
        self.roles.setdefault(name, []).append(version)
        return path

    def downloads(self) -> list[str]:
        """The tar files that were fetched."""
        return [path.rpartition("/")[2] for path in self.asked if path.startswith("/files/")]

    def answer(self, path: str) -> bytes | None:
        """What is at a path; None is a 404."""
        self.asked.append(path)
        if path in self.files:
            return self.files[path] + (b"changed" if path in self.tampered else b"")
        found = self._said(path.partition("?")[0].strip("/").split("/"), path)
        return json.dumps(found).encode() if found else None

    def _said(self, parts: list[str], path: str) -> Any:
        match parts:
            case ["api"]:
                return {"available_versions": {"v1": "v1/", "v3": "v3/"}, "current_version": "v3"}
            case ["api", "v1", "roles", *more]:
                return self._about_role(more, path)
            case ["api", "v3", "collections", namespace, name, *more]:
                return self._about_collection(f"{namespace}.{name}", more)
            case _:
                return None

    def _about_role(self, more: list[str], path: str) -> Any:
        if more:
            return {"results": [self._role_version(more[0], version) for version in self.roles[more[0]]]}
        owner, name = (word.partition("=")[2] for word in path.partition("?")[2].split("&"))
        return {"results": [{"id": f"{owner}.{name}"}] if f"{owner}.{name}" in self.roles else []}

    def _about_collection(self, name: str, more: list[str]) -> Any:
        offered = self.collections.get(name)
        if not offered:
            return None
        match more:
            case []:
                return {"updated_at": str(len(self.asked))}
            case ["versions"]:
                return {"data": [{"version": version} for version in offered], "links": {"next": None}}
            case _:
                return self._version(name, more[1], offered)

    def _role_version(self, name: str, version: str) -> dict[str, str]:
        return {"name": version, "download_url": f"{self.address}/files/{name}-{version}.tar.gz"}

    def _version(self, full: str, version: str, offered: Mapping[str, Mapping[str, str]]) -> Any:
        namespace, _, name = full.partition(".")
        path = f"/files/{namespace}-{name}-{version}.tar.gz"
        return version in offered and {
            "namespace": {"name": namespace},
            "collection": {"name": name},
            "version": version,
            "href": "",
            "download_url": f"{self.address}{path}",
            "artifact": {"sha256": hashlib.sha256(self.files[path]).hexdigest()},
            "metadata": {"dependencies": offered[version]},
        }


@contextmanager
def galaxy_server() -> Iterator[GalaxyServer]:
    """A server on a port of this machine, up while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = galaxy.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    galaxy = GalaxyServer(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield galaxy


def collection_tar(name: str, version: str, dependencies: Mapping[str, str], text: str = "") -> bytes:
    """A tar file as `ansible-galaxy collection build` makes it: the files, their list, and a manifest of both."""
    namespace, _, last = name.partition(".")
    files = {"README.md": "x\n", "plugins/filter/shout.py": text or "class FilterModule: ...\n"}
    entries = [{"name": path, "ftype": "file", **_sum(content)} for path, content in files.items()]
    folders = [{"name": path, "ftype": "dir", **_NO_SUM} for path in (".", "plugins", "plugins/filter")]
    listing = json.dumps({"files": [*folders, *entries], "format": 1})
    about = {"namespace": namespace, "name": last, "version": version, "dependencies": dict(dependencies)}
    listed = {"name": "FILES.json", "ftype": "file", **_sum(listing)}
    manifest = json.dumps({"collection_info": about, "file_manifest_file": listed, "format": 1})
    return _tar({"MANIFEST.json": manifest, "FILES.json": listing, **files}, folders=("plugins", "plugins/filter"))


_NO_SUM = {"chksum_type": None, "chksum_sha256": None, "format": 1}


def _sum(text: str) -> dict[str, Any]:
    return {"chksum_type": "sha256", "chksum_sha256": hashlib.sha256(text.encode()).hexdigest(), "format": 1}


def _tar(files: Mapping[str, str], folders: tuple[str, ...] = ()) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for path in folders:
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return whole.getvalue()
