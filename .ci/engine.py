"""A container engine for the sessions: the one that answers or, on Debian and Ubuntu as root, one made here.

Standard library only: noxfile.py loads this file by its path, before anything of the project is installed. No docker
command is needed either; the engine is asked over its socket.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")
"""Searched after PATH, which lacks sbin for users and after a plain `su`."""

ENGINE = {
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "iptables": "iptables",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}
"""What running an engine takes: a command or a file (`|`: one of them will do), and the package that brings it."""

APPARMOR = {"apparmor_parser": "apparmor"}
"""What running a container takes besides, where the kernel has AppArmor on."""

ROOTS = {
    "mmdebstrap": "mmdebstrap",
    "gpg": "gpg",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
"""What making a root out of a distribution's packages takes."""

TESTS = {
    "docker-registry": "docker-registry",
    "htpasswd": "apache2-utils",
    "docker-compose|/usr/libexec/docker/cli-plugins/docker-compose|/usr/lib/docker/cli-plugins/docker-compose": (
        "docker-compose"
    ),
    "ps": "procps",  # the engine runs it for `docker top`
    "shellcheck": "shellcheck",
}
"""What the tests take besides."""

OPTIONAL = frozenset({"docker-cli"})
"""Not a package everywhere: before Debian 13 `docker.io` has the command itself."""

APT_GET = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-q")

State = Literal["answers", "forbidden", "silent"]


class SetupError(Exception):
    """No engine can be had; the message says in a few lines what to do."""


@dataclass(frozen=True)
class Machine:
    """What is looked at of a machine. The defaults are the real thing; tests give others."""

    environment: Mapping[str, str]
    root: bool
    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    containerd_pid_file: Path = Path("/var/run/docker/containerd/containerd.pid")
    release: Path = Path("/etc/os-release")
    systemd: Path = Path("/run/systemd/system")
    apparmor: Path = Path("/sys/module/apparmor/parameters/enabled")
    folders: tuple[str, ...] = SYSTEM_FOLDERS
    daemon_options: tuple[str, ...] = ()
    patience: float = 60.0

    def path(self) -> str:
        """The folders in which commands are looked for."""
        return os.pathsep.join((self.environment.get("PATH", os.defpath), *self.folders))

    def has(self, thing: str) -> bool:
        """Whether a command is on the path, or a file exists."""
        return any(
            Path(name).exists() if name.startswith("/") else shutil.which(name, path=self.path()) is not None
            for name in thing.split("|")
        )

    def debian(self) -> bool:
        """Whether this is Debian or one of its children, with apt."""
        text = self.release.read_text(encoding="utf-8") if self.release.exists() else ""
        fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        families = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
        return "debian" in families and self.has("apt-get")


@dataclass(frozen=True)
class Endpoint:
    """Where the engine is to be found, and who says so ("" is nobody: the default)."""

    url: str
    said_by: str = ""
    tls: bool = False


def ensure(machine: Machine, *, tests: bool = False) -> None:
    """Return when an engine answers and the tools are there. Raises SetupError.

    An engine that answers is never touched, and none is started where DOCKER_HOST or a docker context names one.
    """
    endpoint = find_endpoint(machine)
    state = ask(endpoint)
    if state == "forbidden":
        raise SetupError(
            f"An engine is at {endpoint.url}, but this user may not use it.\n"
            "Add the user to its group and log in again:\n"
            "    sudo usermod -aG docker $USER"
        )
    if state == "silent" and endpoint.said_by:
        raise SetupError(
            f"No engine answers at {endpoint.url}, which {endpoint.said_by} names.\n"
            f"Start that one, or unset {endpoint.said_by} to use the engine of this machine."
        )
    packages = missing(machine, engine=state == "silent", tests=tests)
    if state == "silent" and not (machine.debian() and machine.root):
        raise SetupError(_what_to_install(machine, packages))
    if packages and machine.debian() and machine.root:
        install(machine, packages)
    elif packages:
        print(f"note: not on this machine: {' '.join(packages)}")
    if state == "silent" and ask(endpoint) != "answers":
        start(machine, endpoint)


def find_endpoint(machine: Machine) -> Endpoint:
    """The engine that `docker` itself would talk to: DOCKER_HOST, else the current context, else the default."""
    environment = machine.environment
    if host := environment.get("DOCKER_HOST"):
        return Endpoint(host, "DOCKER_HOST", tls=bool(environment.get("DOCKER_TLS_VERIFY")))
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/root")) / ".docker")
    name = environment.get("DOCKER_CONTEXT") or str(_read_json(folder / "config.json").get("currentContext") or "")
    if name in ("", "default"):
        return Endpoint(f"unix://{machine.socket}")
    said_by = "DOCKER_CONTEXT" if environment.get("DOCKER_CONTEXT") else f"the docker context {name!r}"
    key = hashlib.sha256(name.encode()).hexdigest()
    endpoints = _read_json(folder / "contexts/meta" / key / "meta.json").get("Endpoints")
    docker = endpoints.get("docker", {}) if isinstance(endpoints, dict) else {}
    if not docker.get("Host"):
        raise SetupError(f"{said_by} names the docker context {name!r}, which does not exist in {folder}.")
    return Endpoint(str(docker["Host"]), said_by, tls=(folder / "contexts/tls" / key).exists())


def ask(endpoint: Endpoint) -> State:
    """Whether an engine answers there. One that is reached over ssh is believed; the pipeline asks it next."""
    if urlsplit(endpoint.url).scheme not in ("unix", "tcp", "http"):
        return "answers"
    try:
        with _connect(endpoint) as connection:
            if endpoint.tls:  # whose certificate it shows is the pipeline's business
                return "answers"
            client = http.client.HTTPConnection("localhost")
            client.sock = connection
            client.request("GET", "/_ping")
            return "answers" if client.getresponse().status == http.HTTPStatus.OK else "silent"
    except PermissionError:
        return "forbidden"
    except (OSError, http.client.HTTPException):
        return "silent"


def _connect(endpoint: Endpoint) -> socket.socket:
    url = urlsplit(endpoint.url)
    if url.scheme != "unix":
        port = url.port or (2376 if endpoint.tls else 2375)
        return socket.create_connection((url.hostname or "localhost", port), timeout=10)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    try:
        connection.connect(url.path)
    except OSError:
        connection.close()
        raise
    return connection


def missing(machine: Machine, *, engine: bool, tests: bool) -> tuple[str, ...]:
    """The packages of the things that are not there."""
    confined = machine.apparmor.exists() and machine.apparmor.read_text(encoding="utf-8").startswith("Y")
    running = ENGINE | (APPARMOR if confined else {}) if engine else {}
    wanted = running | ROOTS | (TESTS if tests else {})
    return tuple(package for thing, package in wanted.items() if not machine.has(thing))


def install(machine: Machine, packages: tuple[str, ...]) -> None:
    """Install Debian packages, with fresh package lists."""
    print(f"installing {' '.join(packages)}", flush=True)
    _run(machine, *APT_GET, "update")
    unknown = {name for name in OPTIONAL.intersection(packages) if not _succeeds(machine, "apt-cache", "show", name)}
    if known := [name for name in packages if name not in unknown]:
        _run(machine, *APT_GET, "install", "-y", "--no-install-recommends", *known)


def _run(machine: Machine, *command: str) -> None:
    done = subprocess.run(command, env=_variables(machine), input="", capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise SetupError(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{tail}")


def _succeeds(machine: Machine, *command: str) -> bool:
    return subprocess.run(command, env=_variables(machine), capture_output=True, check=False).returncode == 0


def _variables(machine: Machine) -> dict[str, str]:
    return {**machine.environment, "PATH": machine.path(), "DEBIAN_FRONTEND": "noninteractive"}


def start(machine: Machine, endpoint: Endpoint) -> None:
    """Start the engine and wait until it answers."""
    if machine.systemd.exists():
        print("starting docker", flush=True)
        _run(machine, "systemctl", "start", "docker")
        _wait(machine, endpoint, None, None)
        return
    if running := _process(machine.pid_file, "dockerd"):
        try:
            _wait(machine, endpoint, None, None)
        except SetupError as error:
            message = f"dockerd runs already (process {running}) but does not answer; stop it and try again."
            raise SetupError(message) from error
        return
    # Files of daemons that died. Their numbers may be another process's or a zombie's by now: dockerd would refuse to
    # start, or wait for a containerd that is no more.
    machine.pid_file.unlink(missing_ok=True)
    if not _process(machine.containerd_pid_file, "containerd"):
        machine.containerd_pid_file.unlink(missing_ok=True)
    _launch(machine, endpoint)


def _process(pid_file: Path, name: str) -> int | None:
    """The process that a pid file names, when it lives and has this name."""
    try:
        number = int(pid_file.read_text(encoding="utf-8"))
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return number if any(Path(os.fsdecode(word)).name == name for word in command[:2]) else None


def _launch(machine: Machine, endpoint: Endpoint) -> None:
    log = Path(tempfile.mkdtemp(prefix="dockerd-")) / "dockerd.log"
    dockerd = shutil.which("dockerd", path=machine.path())
    if dockerd is None:
        raise SetupError("docker.io is installed, but there is no dockerd command.")
    print(f"starting dockerd (log: {log})", flush=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            (dockerd, *machine.daemon_options),
            cwd="/",
            env=_variables(machine),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _wait(machine, endpoint, process, log)
    process.returncode = 0  # It goes on without us: nothing is to wait for it, or to warn that nobody did.


def _wait(machine: Machine, endpoint: Endpoint, process: subprocess.Popen[bytes] | None, log: Path | None) -> None:
    until = time.monotonic() + machine.patience
    while ask(endpoint) != "answers":
        ended = process is not None and process.poll() is not None and _process(machine.pid_file, "dockerd") is None
        if ended or time.monotonic() > until:
            if process is not None and not ended:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=30)
            lines = log.read_text(errors="replace").splitlines() if log else []
            tail = "\n".join([line for line in lines if "level=info" not in line][-20:])
            why = "ended at once" if ended else f"did not answer within {machine.patience:.0f} s"
            raise SetupError(f"The engine {why}.\n{tail}".strip())
        time.sleep(0.1)


def _what_to_install(machine: Machine, packages: tuple[str, ...]) -> str:
    if not machine.debian():
        return (
            "No container engine answers on this machine.\n"
            "Install Docker 20.10 or newer (or Podman with its socket) and start it, or set DOCKER_HOST.\n"
            "mmdebstrap is used where it is installed; without it the conductor does its work."
        )
    needed = " ".join(package for package in packages if package not in OPTIONAL)
    begin = "systemctl start docker" if machine.systemd.exists() else "sh -c 'dockerd >/tmp/dockerd.log 2>&1 &'"
    return (
        "No container engine answers on this machine. Run nox as root, or:\n"
        + (f"    sudo apt-get install --no-install-recommends {needed}\n" if needed else "")
        + f"    sudo {begin} && sudo usermod -aG docker $USER    # then log in again"
    )


def _read_json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
