"""nginx as a service: sites, keys, logs, and how it stops."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apps.site import Site, Sites
from tests.contract.harness import File, eventually

SLOW = """\
server {
    include snippets/listen.conf;
    root /static;
    location = /slow { limit_rate 50k; }
}
"""
SIZE = 250_000
"""Bytes of the slow page: about five seconds. nginx counts in whole seconds, and may send two of them at once."""


def test_every_container_makes_its_own_key_and_keeps_it(sites: Sites, static: Site) -> None:
    certificate = static.certificate()
    assert sites.up("static").certificate() != certificate
    static.box.container.restart(timeout=10)
    assert static.certificate() == certificate


def test_the_key_can_be_read_by_root_only(static: Site) -> None:
    assert static.box.sh("stat -c '%a %U' /etc/nginx/tls/tls.key") == "600 root"
    assert static.box.run("cat", "/etc/nginx/tls/tls.key", user="www-data").code != 0


def test_a_key_pair_that_is_given_is_used(sites: Sites, static: Site) -> None:
    paths = ("/etc/nginx/tls/tls.key", "/etc/nginx/tls/tls.crt")
    pair = {path: File(static.box.read(path).decode(), 0o600) for path in paths}
    assert sites.up("static", pair).certificate() == static.certificate()
    outcome = sites.lab("static").outcome(files={paths[0]: pair[paths[0]]})
    assert outcome.code == 1
    assert "no tls.crt" in outcome.output


@pytest.mark.parametrize("name", ["static", "none"])
def test_a_response_in_flight_is_finished_before_the_stop(sites: Sites, name: str) -> None:
    files = {"/etc/nginx/conf.d/default.conf": File(SLOW, 0o644), "/static/slow": File("x" * SIZE, 0o644)}
    answer, seconds = sites.up(name, files).stopped_during("/slow")
    assert len(answer.body) == SIZE
    assert 1 < seconds < 6


def test_a_static_site_knows_only_its_files(static: Site) -> None:
    assert static.get("/some/route").status == 404


def test_an_application_of_one_page_gets_every_path(sites: Sites) -> None:
    site = sites.up("spa")
    route = site.get("/some/route")
    assert (route.status, route.body) == (200, "OK\n")
    assert route.headers["Cache-Control"] == "no-cache"


def test_requests_are_logged_to_stdout_and_errors_to_stderr(static: Site) -> None:
    static.box.sh("mkdir /static/empty")
    assert static.get("/empty/").status == 403
    log = static.box.log
    assert eventually(lambda: '"GET /empty/ HTTP/1.1" 403' in log(stderr=False), 2)
    assert "is forbidden" in log(stdout=False)
    assert "is forbidden" not in log(stderr=False)


def test_its_workers_do_not_run_as_root(static: Site) -> None:
    processes: Any = static.box.container.top(ps_args="-eo pid,user,args")["Processes"]
    owners = {args: user for _, user, args in processes}
    assert owners["nginx: worker process"] != "root"


def test_it_comes_back_after_a_kill(static: Site) -> None:
    before = static.box.pid_of("nginx")
    static.box.sh(f"kill -9 {before}")
    assert eventually(lambda: static.box.pid_of("nginx") not in {before, "-"})
    static.box.until_up("nginx")
    static.until_it_answers()


def test_it_starts_without_its_hook(sites: Sites) -> None:
    site = Site(sites.lab("static").box("--skip-startup-files", ports={"8000/tcp": ("127.0.0.1", 0)}))
    site.until_it_answers()
