"""How the sessions come to an engine, with fake commands: no real engine is asked, started or stopped."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / ".ci/engine.py"
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
TOOLS = ("mmdebstrap", "gpg", "iptables", "docker", "docker-registry", "htpasswd", "docker-compose", "ps", "shellcheck")

DOCKERD = """#!@python@
# Like the real one: refuses when its pid file names a living process, and answers pings.
import os, pathlib, socket, sys, time
place, pid_file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with (place / "started").open("a") as log:
    log.write(f"{os.getpid()}\\n")
mode = (place / "mode").read_text()
if pid_file.exists() and pathlib.Path("/proc", pid_file.read_text()).exists():
    sys.exit("pid file found, ensure docker is not running or delete " + str(pid_file))
if mode == "dies":
    sys.exit("failed to start daemon: no space left on device")
pid_file.write_text(str(os.getpid()))
while mode == "silent":
    time.sleep(1)
path = place / "docker.sock"
path.unlink(missing_ok=True)
server = socket.socket(socket.AF_UNIX)
server.bind(str(path))
server.listen()
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK")
    connection.close()
"""

APT_GET = """#!/bin/sh
echo "apt-get $*" >>"@place@/commands"
if [ -e "@place@/apt-fails" ]; then echo "E: Unable to fetch some archives"; exit 100; fi
case " $* " in
  *" install "*) for name in @place@/stash/*; do [ ! -e "$name" ] || /bin/cp -n "$name" "@place@/bin/"; done ;;
esac
"""

APT_CACHE = """#!/bin/sh
test -e "@place@/knows-$2"
"""

SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>"@place@/commands"
exec </dev/null >/dev/null 2>&1
@place@/bin/dockerd "@place@" "@place@/docker.pid" &
"""

pytestmark = pytest.mark.allow("process", "network")


@pytest.fixture(scope="module")
def setup() -> Any:
    spec = importlib.util.spec_from_file_location("engine_setup_under_test", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Place:
    """A folder that plays a machine."""

    folder: Path
    setup: Any

    def machine(self, *, root: bool = True, patience: float = 20.0, **environment: str) -> Any:
        return self.setup.Machine(
            {"PATH": str(self.bin), "HOME": str(self.folder / "home"), **environment},
            root=root,
            socket=self.folder / "docker.sock",
            pid_file=self.folder / "docker.pid",
            containerd_pid_file=self.folder / "containerd.pid",
            release=self.folder / "os-release",
            systemd=self.folder / "systemd",
            apparmor=self.folder / "apparmor",
            folders=(),
            daemon_options=(str(self.folder), str(self.folder / "docker.pid")),
            patience=patience,
        )

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def commands(self) -> list[str]:
        log = self.folder / "commands"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def started(self) -> list[int]:
        log = self.folder / "started"
        return [int(line) for line in log.read_text().splitlines()] if log.exists() else []

    def add(self, *names: str) -> None:
        for name in names:
            self.command(name, "#!/bin/sh\n")

    def add_dockerd(self, mode: str = "works", *, into: str = "bin") -> None:
        (self.folder / "mode").write_text(mode)
        self.command("dockerd", DOCKERD, into=into)

    def command(self, name: str, text: str, *, into: str = "bin") -> None:
        file = self.folder / into / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("@place@", str(self.folder)).replace("@python@", sys.executable))
        file.chmod(0o755)

    def context(self, name: str, host: str) -> None:
        folder = self.folder / "home/.docker"
        meta = folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
        (folder / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.fixture
def place(tmp_path: Path, setup: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the logs go
    place = Place(tmp_path, setup)
    (tmp_path / "os-release").write_text(DEBIAN)
    for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
        place.command(name, text)
    yield place
    for process in place.started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def gone(process: int) -> bool:
    for _ in range(100):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)
        if not Path(f"/proc/{process}").exists():
            return True
        time.sleep(0.02)
    return False


def test_an_engine_that_answers_is_not_touched(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.setup.ensure(place.machine())
    for tests in (False, True):
        place.setup.ensure(place.machine(), tests=tests)
    assert len(place.started) == 1
    assert place.commands == []


def test_a_bare_debian_gets_what_it_lacks_and_an_engine(place: Place) -> None:
    place.add_dockerd(into="stash")
    place.setup.ensure(place.machine(), tests=True)
    update, install = place.commands
    assert update.endswith("-q update")
    for package in ("docker.io", "iptables", "mmdebstrap", "docker-registry", "apache2-utils", "docker-compose"):
        assert f" {package}" in install
    assert "docker-cli" not in install
    assert place.setup.ask(place.setup.find_endpoint(place.machine())) == "answers"


def test_a_build_needs_less_than_the_tests(place: Place) -> None:
    place.add_dockerd(into="stash")
    place.setup.ensure(place.machine())
    assert "docker-compose" not in place.commands[1]


def test_the_docker_command_is_installed_where_it_is_a_package_of_its_own(place: Place) -> None:
    place.add_dockerd(into="stash")
    (place.folder / "knows-docker-cli").touch()
    place.setup.ensure(place.machine())
    assert " docker-cli " in place.commands[1]


def test_only_what_is_missing_is_installed_beside_an_engine(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.setup.ensure(place.machine())
    (place.bin / "mmdebstrap").unlink()
    place.setup.ensure(place.machine())
    assert [command.split(" -q ")[1] for command in place.commands] == [
        "update",
        "install -y --no-install-recommends mmdebstrap",
    ]


@pytest.mark.parametrize("root", [False, True])
def test_without_root_or_apt_a_missing_tool_is_only_told(
    place: Place, capsys: pytest.CaptureFixture[str], *, root: bool
) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.setup.ensure(place.machine())
    (place.bin / "mmdebstrap").unlink()
    if root:
        (place.folder / "os-release").write_text("ID=fedora\n")
    place.setup.ensure(place.machine(root=root))
    assert place.commands == []
    assert "not on this machine: mmdebstrap" in capsys.readouterr().out


def test_a_daemon_that_was_killed_is_started_again(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.setup.ensure(place.machine())
    os.kill(place.started[0], signal.SIGKILL)
    assert gone(place.started[0])
    assert (place.folder / "docker.pid").exists()
    place.setup.ensure(place.machine())
    assert len(place.started) == 2
    assert place.setup.ask(place.setup.find_endpoint(place.machine())) == "answers"


def test_a_pid_file_that_names_somebody_else_is_no_obstacle(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    (place.folder / "docker.pid").write_text(str(os.getpid()))
    place.setup.ensure(place.machine())
    assert len(place.started) == 1


@pytest.mark.parametrize(("process", "kept"), [("itself", False), ("containerd", True)])
def test_a_containerd_that_lives_is_kept_and_a_dead_one_forgotten(place: Place, process: str, *, kept: bool) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.command("containerd", "#!/bin/sh\nread forever\n")
    there, here = os.pipe()
    number = os.getpid()
    if process == "containerd":
        actions = [(os.POSIX_SPAWN_DUP2, there, 0)]
        number = os.posix_spawn(str(place.bin / "containerd"), ["containerd"], {}, file_actions=actions)
        while not Path(f"/proc/{number}/cmdline").read_bytes():  # it is on its way from one program to the other
            time.sleep(0.01)
    (place.folder / "containerd.pid").write_text(str(number))
    place.setup.ensure(place.machine())
    assert (place.folder / "containerd.pid").exists() == kept
    os.close(here)
    os.close(there)
    assert process == "itself" or gone(number)


def test_a_daemon_that_dies_is_reported_with_the_end_of_its_log(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd("dies")
    with pytest.raises(place.setup.SetupError, match=r"ended at once.*\n.*no space left on device"):
        place.setup.ensure(place.machine())


def test_a_daemon_that_never_answers_is_taken_down(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd("silent")
    with pytest.raises(place.setup.SetupError, match="did not answer within 1 s"):
        place.setup.ensure(place.machine(patience=1.0))
    assert gone(place.started[0])


def test_a_daemon_of_somebody_else_that_does_not_answer_is_left_alone(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd("silent")
    with contextlib.suppress(place.setup.SetupError):
        place.setup.ensure(place.machine(patience=0.5))
    (place.folder / "docker.pid").unlink()
    other = os.posix_spawn(
        str(place.bin / "dockerd"), ["dockerd", str(place.folder), str(place.folder / "docker.pid")], {}
    )
    while not (place.folder / "docker.pid").exists():
        time.sleep(0.02)
    with pytest.raises(place.setup.SetupError, match=rf"process {other}\) but does not answer"):
        place.setup.ensure(place.machine(patience=0.5))
    assert len(place.started) == 2
    os.kill(other, 0)
    os.kill(other, signal.SIGKILL)
    assert gone(other)


def test_systemd_is_asked_where_it_runs(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    place.command("systemctl", SYSTEMCTL)
    (place.folder / "systemd").mkdir()
    place.setup.ensure(place.machine())
    assert place.commands == ["systemctl start docker"]


def test_a_failed_installation_is_reported_with_what_apt_said(place: Place) -> None:
    (place.folder / "apt-fails").touch()
    with pytest.raises(place.setup.SetupError, match=r"exit code 100:\nE: Unable to fetch"):
        place.setup.ensure(place.machine())


def test_a_named_engine_that_is_silent_is_an_error_and_none_is_started(place: Place) -> None:
    place.add(*TOOLS)
    place.add_dockerd()
    with pytest.raises(place.setup.SetupError, match=r"/nowhere\.sock, which DOCKER_HOST names"):
        place.setup.ensure(place.machine(DOCKER_HOST="unix:///nowhere.sock"))
    place.context("lab", "tcp://127.0.0.1:9")
    with pytest.raises(place.setup.SetupError, match=r"127\.0\.0\.1:9, which the docker context 'lab' names"):
        place.setup.ensure(place.machine())
    assert place.started == []
    assert place.commands == []


def test_the_engine_is_looked_for_where_docker_looks(place: Place) -> None:
    find = place.setup.find_endpoint
    assert find(place.machine()).url == f"unix://{place.folder}/docker.sock"
    place.context("lab", "ssh://lab")
    assert find(place.machine()).url == "ssh://lab"
    assert find(place.machine(DOCKER_CONTEXT="default")).said_by == ""
    assert find(place.machine(DOCKER_HOST="tcp://x:1")).url == "tcp://x:1"
    assert find(place.machine(DOCKER_CONFIG="/nowhere")).said_by == ""
    with pytest.raises(place.setup.SetupError, match="does not exist"):
        find(place.machine(DOCKER_CONTEXT="gone"))


def test_an_engine_behind_ssh_is_believed_to_be_there(place: Place) -> None:
    place.add(*TOOLS)
    place.setup.ensure(place.machine(DOCKER_HOST="ssh://lab"))
    assert place.started == []


def test_without_root_it_is_said_what_to_run(place: Place) -> None:
    with pytest.raises(place.setup.SetupError) as caught:
        place.setup.ensure(place.machine(root=False))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "sudo apt-get install --no-install-recommends docker.io iptables" in lines[1]
    assert place.commands == []


def test_on_another_system_it_is_said_what_to_install(place: Place) -> None:
    (place.folder / "os-release").write_text('ID=fedora\nID_LIKE=""\n')
    with pytest.raises(place.setup.SetupError) as caught:
        place.setup.ensure(place.machine())
    assert len(str(caught.value).splitlines()) == 3
    assert place.commands == []


def test_ubuntu_is_a_child_of_debian(place: Place) -> None:
    (place.folder / "os-release").write_text("ID=ubuntu\nID_LIKE=debian\n")
    assert place.machine().debian()
    assert not replace(place.machine(), environment={"PATH": "/nowhere"}).debian()


def test_a_user_outside_the_group_is_told_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(place.setup, "_connect", refuse)
    with pytest.raises(place.setup.SetupError, match="usermod -aG docker"):
        place.setup.ensure(place.machine(root=False))


def test_confinement_is_installed_where_the_kernel_asks_for_it(place: Place) -> None:
    place.add_dockerd(into="stash")
    (place.folder / "apparmor").write_text("Y\n")
    place.setup.ensure(place.machine())
    assert " apparmor" in place.commands[1]
