"""A container that serves http and https: talk to it as a client does."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from docker import DockerClient

from tests.contract.harness import PATIENCE, Box, Cell, File, Lab, eventually

HTTP, HTTPS = "8000/tcp", "8443/tcp"
PUBLISHED = {HTTP: ("127.0.0.1", 0), HTTPS: ("127.0.0.1", 0)}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: str
    headers: Mapping[str, str]


class Site:
    """A container and its two ports."""

    def __init__(self, box: Box) -> None:
        """Wrap a container that runs."""
        self.box = box

    def port(self, inside: str) -> int:
        """The port of the engine's machine that leads to one of the container."""
        self.box.container.reload()
        published: Any = self.box.container.ports[inside]
        return int(published[0]["HostPort"])

    def get(self, path: str = "/", *, tls: bool = False) -> Answer:
        """Ask for a page; a certificate that nobody signed is taken."""
        connection: http.client.HTTPConnection
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", self.port(HTTPS), timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port(HTTP), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))
        finally:
            connection.close()

    def answers(self, text: str = "OK", *, tls: bool = False) -> bool:
        """Whether its first page is there."""
        with suppress(OSError, http.client.HTTPException):
            answer = self.get(tls=tls)
            return (answer.status, answer.body.strip()) == (200, text)
        return False

    def until_it_answers(self, patience: float = PATIENCE) -> float:
        """Wait for its first page, and say how long that took."""
        begun = time.monotonic()
        assert eventually(self.answers, patience), self.box.log()
        return time.monotonic() - begun

    def until_all_is_up(self) -> None:
        """Wait until every service says so itself, before anybody asks for a page."""
        names: list[str] = []

        def listed() -> bool:
            names[:] = [line.split()[0] for line in self.box.run("container-svc", "list").output.splitlines()]
            return "nginx" in names

        if self.box.container.labels["container.svc"] != "none":
            assert eventually(listed), self.box.log()
        for name in names:
            self.box.until_up(name)
        self.until_it_answers()

    def certificate(self) -> str:
        """What https shows, as text."""
        assert eventually(lambda: self.answers(tls=True)), self.box.log()
        return ssl.get_server_certificate(("127.0.0.1", self.port(HTTPS)))

    def stopped_during(self, path: str) -> tuple[Answer, float]:
        """Ask for a slow page, stop the container meanwhile; the answer, and how long the stop took."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            asked: Future[Answer] = pool.submit(self.get, path)
            time.sleep(0.5)
            assert not asked.done(), "the page is not slow"
            seconds, _ = self.box.stop()
            return asked.result(timeout=10), seconds


@dataclass
class Sites:
    """Makes sites of every image, and removes whatever it has made."""

    cells: Mapping[str, Cell]
    client: DockerClient
    labs: list[Lab] = field(default_factory=list)

    def lab(self, name: str) -> Lab:
        """Containers of one image."""
        self.labs.append(Lab(self.client, self.cells[name]))
        return self.labs[-1]

    def start(self, name: str, files: Mapping[str, File] | None = None, **options: Any) -> Site:
        """A container of the image, just started."""
        return Site(self.lab(name).box(files=files, ports=PUBLISHED, **options))

    def up(self, name: str, files: Mapping[str, File] | None = None, **options: Any) -> Site:
        """A container of the image whose first page is there."""
        site = self.start(name, files, **options)
        site.until_it_answers()
        return site

    def close(self) -> None:
        """Remove everything."""
        for lab in self.labs:
            lab.close()
