"""A Python application behind nginx."""

from __future__ import annotations

import pytest

from tests.apps.site import Site, Sites
from tests.contract.harness import File, eventually

WAITING = {"UWSGI_WAIT_FOR": "127.0.0.1:5432"}
LISTEN = "import socket, time; s = socket.create_server(('127.0.0.1', 5432)); time.sleep(60)"
BROKEN = "def application(environ, start_response):\n    raise RuntimeError('broken')\n"


def test_the_application_runs_as_its_user_and_speaks_to_nginx_alone(python: Site) -> None:
    assert python.box.sh("stat -c '%a %U %G' /run/uwsgi/app.sock") == "660 app www-data"
    assert python.box.sh("stat -c %U /proc/$(container-svc status uwsgi | sed 's/.*pid=//;s/ .*//')") == "app"


@pytest.mark.parametrize("name", ["python", "supervisord", "s6"])
def test_a_request_in_flight_is_finished_before_the_stop(sites: Sites, name: str) -> None:
    answer, seconds = sites.up(name).stopped_during("/?seconds=2")
    assert (answer.status, answer.body) == (200, "OK\n")
    assert 1 < seconds < 6


def test_it_waits_for_its_database_when_asked_to(sites: Sites) -> None:
    site = sites.start("python", environment=WAITING)
    site.box.until_log("waiting for 127.0.0.1:5432")
    assert site.box.run("container-health").code == 1
    site.box.container.exec_run(["python3", "-c", LISTEN], detach=True)
    site.until_it_answers()
    site.box.until_up("uwsgi")


def test_it_can_be_stopped_while_it_waits(sites: Sites) -> None:
    site = sites.start("python", environment=WAITING)
    site.box.until_log("waiting for 127.0.0.1:5432")
    seconds, outcome = site.box.stop()
    assert seconds < 2
    assert outcome.code == 0


def test_it_waits_for_nothing_unless_asked(python: Site) -> None:
    assert "waiting" not in python.box.log()


def test_an_error_of_the_application_is_in_the_log(sites: Sites) -> None:
    site = sites.start("python", {"/srv/app/app.py": File(BROKEN, 0o644)})
    site.box.until_up("nginx").until_up("uwsgi")
    assert site.get().status >= 500  # uWSGI just ends the answer, which is a bad gateway to nginx
    site.box.until_log("RuntimeError: broken", 2)


def test_it_comes_back_after_a_kill(python: Site) -> None:
    before = python.box.pid_of("uwsgi")
    python.box.sh(f"kill -9 {before}")
    assert eventually(lambda: python.box.pid_of("uwsgi") not in {before, "-"})
    python.box.until_up("uwsgi")
    python.until_it_answers()
