"""The player over a conductor container: ansible-runner transmits a play to its worker and processes what comes back.

Nothing of the host is mounted into the conductor but the engine's own socket, whose place on the engine's
machine is a setting, so that it works against a remote engine too.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline import conductor_context
from pipeline.aside import EngineAside
from pipeline.build_secrets import SecretLender
from pipeline.deployables import Deployables
from pipeline.engine import Channel, ContainerId, ContainerSpec, Engine, ImageId, Mount
from pipeline.errors import EngineError, PipelineError, PlayFailedError
from pipeline.events import Output, Sink
from pipeline.play_directory import RUNTIME, write_play
from pipeline.play_events import PlayLog
from pipeline.player import Play, PlayResult, RoleFiles
from pipeline.recipe import ConductorSettings
from pipeline.residue import LEFTOVERS, SWEPT
from pipeline.role_config import config_from_statistics
from pipeline.secret_values import NO_SECRETS, SecretValues
from pipeline.sending import send_folder
from pipeline.vault import PLACE, Secret, lent

Lock = Callable[[str], AbstractContextManager[object]]
"""Called with the name of what only one process at a time may make."""

PYTHON = f"{RUNTIME}/bin/python3"
REMOTE_TMP = "/dev/baseimage-tmp"
ROLES = "/tmp/baseimage/project/roles"  # noqa: S108 - a folder of the conductor, where nobody else is
"""Where the conductor keeps the roles of the play."""
REPOSITORY = "baseimage/conductor"
_SOURCE = "/opt/runtime"
_BUILD_STAGE = "io.baseimage.stage=build"
"""The label that the Dockerfile gives to its first stage, a gigabyte that nobody needs afterwards."""
_SOCKET = "/var/run/docker.sock"
_STRATEGIES = {
    "mitogen": ({"ANSIBLE_STRATEGY": "mitogen_linear"}, "docker"),
    # Not docker_api: it copies files through the engine's archive endpoint, which leaves the mount points of a
    # target's volumes behind as folders of the layer (seen on 20.10); this one pipes them through exec.
    "docker": ({"ANSIBLE_STRATEGY": "linear", "ANSIBLE_PIPELINING": "1"}, "community.docker.docker"),
}


class Conductor:
    """The Player. One conductor container at most, labelled, removed by `stop`."""

    def __init__(
        self,
        engine: Engine,
        settings: ConductorSettings,
        emit: Sink,
        *,
        labels: dict[str, str],
        environ: Mapping[str, str],
        lock: Lock,
        aside: EngineAside,
        secret: Secret | None = None,
        secrets: SecretValues = NO_SECRETS,
    ) -> None:
        self._engine, self._settings, self._emit, self._secret = engine, settings, emit, secret
        self._labels, self._environ, self._lock, self._aside = labels, environ, lock, aside
        self._starting: Future[ContainerId] | None = None
        self._waiting: Channel | None = None
        self._runtime = ""
        self._deployables = Deployables(engine)
        self._lender = SecretLender(engine, secrets)

    def key(self) -> str:
        """A hash of the image's files; see `Player.key`."""
        return conductor_context.image_key()

    def build(self, base: ImageId, step: str) -> ImageId:
        """Build the image unless one with this key on this base is there."""
        reference = f"{REPOSITORY}:{self.key()[:16]}-{base.removeprefix('sha256:')[:16]}"
        with self._lock(reference):
            image = self._engine.find_image(reference)
            return image.id if image else self._built(base, reference, step)

    def _built(self, base: ImageId, reference: str, step: str) -> ImageId:
        arguments = {"BASE": base, **conductor_context.proxy_arguments(self._environ)}
        context = conductor_context.context(self._environ)
        made = self._engine.build(context, reference, arguments, {}, lambda line: self._emit(Output(step, line)))
        for stage, _ in self._engine.owned("image", [_BUILD_STAGE]):
            # The last of them takes those with it that it was made from; they are only refused by themselves.
            with suppress(EngineError):
                self._engine.remove_image(stage)
        return made

    def start(self, image: ImageId) -> None:
        """Begin to start the container; the engine fills the empty runtime volume from the image.

        Only that is waited for: a target needs the runtime at once, the conductor when it plays.
        """
        if self._starting:
            return
        self._runtime = f"baseimage-runtime-{image.removeprefix('sha256:')[:16]}"
        owner = {key: value for key, value in self._labels.items() if key.endswith(".owner")}
        with self._lock(self._runtime):  # who comes second would find the volume half full, and take it for filled
            filled = any(name == self._runtime for name, _ in self._engine.owned("volume", list(owner)))
            self._engine.create_volume(self._runtime, owner)
            self._starting = self._aside.begin(partial(self._launch, image))
            if not filled:
                self._starting.result()

    def _launch(self, image: ImageId, engine: Engine) -> ContainerId:
        mounts = (Mount(self._settings.engine_socket, _SOCKET, "bind"), Mount(self._runtime, _SOURCE))
        spec = ContainerSpec(
            image=image, entrypoint=("sleep",), command=("infinity",), mounts=mounts, labels=self._labels
        )
        container = engine.start(spec)
        self._waiting = self._worker(engine, container)
        return container

    def container(self) -> ContainerId:
        """The running conductor. Raises PipelineError when there is none."""
        if not self._starting:
            raise PipelineError("the conductor does not run")
        return self._starting.result()

    def stop(self) -> None:
        """Remove the container."""
        starting, self._starting = self._starting, None
        container = starting.result() if starting and not starting.exception() else None
        if self._waiting:
            self._waiting.close()
            self._waiting = None
        if container:
            self._engine.remove_container(container)
            self._deployables.forget()

    def keep_alive(self) -> tuple[str, ...]:
        """The runtime's Python, waiting for a signal and collecting orphans."""
        return (PYTHON, "-c", _script("keep_alive.py"), REMOTE_TMP, *SWEPT)

    def mounts(self) -> tuple[Mount, ...]:
        """The runtime read-only, and a volume of the target's own for Ansible's files."""
        return (Mount(self._runtime, RUNTIME, read_only=True), Mount("", REMOTE_TMP))

    def play(self, target: ContainerId, play: Play) -> PlayResult:
        """Transmit, work, process. Raises PlayFailedError with role, task, file and line."""
        container = self.container()
        for line in self._deployables.send(container, play.role):
            self._emit(Output(play.step, line))
        log = PlayLog(play.step, play.role.name, _folders(play.role))
        with tempfile.TemporaryDirectory(prefix="baseimage-play-") as scratch:
            private = Path(scratch, "private")
            write_play(private, play, self._inventory(target, play))
            send_folder(self._engine, container, private / "project" / "roles", ROLES)
            try:
                with (
                    lent(self._engine, container, self._secret),
                    self._lender.in_conductor(container, play),
                    self._lender.in_target(target, play),
                ):
                    self._stream(container, private, Path(scratch, "artifacts"), log)
            except PlayFailedError as error:
                error.look_inside = f"docker exec -it {target[:12]} sh"
                raise
        config = config_from_statistics(log.statistics, play.role.name)
        self._lender.refuse_config(play, config)
        return PlayResult(counts=log.counts, config=config)

    def settle(self, target: ContainerId) -> tuple[str, ...]:
        """Run the settling script in the target; see its module. Raises VerificationError for secrets that stay."""
        command = (PYTHON, "-c", _script("settle.py"), *SWEPT, "--", *LEFTOVERS)
        done = self._engine.run(target, command)
        if done.exit_code != 0:
            raise EngineError("the target could not be tidied up", detail=done.stderr.decode(errors="replace"))
        self._lender.refuse_leaks(target)
        return tuple(done.stdout.decode(errors="replace").splitlines())

    def _inventory(self, target: ContainerId, play: Play) -> dict[str, Any]:
        variables: dict[str, Any] = {
            "ansible_host": target,
            "ansible_connection": _STRATEGIES[self._settings.strategy][1],
            "ansible_remote_tmp": REMOTE_TMP,
            "ansible_sudo_exe": f"{RUNTIME}/standins/sudo",
            "ansible_su_exe": f"{RUNTIME}/standins/su",
        }
        if self._settings.strategy != "mitogen":  # which keeps the notes on asynchronous tasks in a place of its own
            variables["ansible_async_dir"] = REMOTE_TMP
        variables["ansible_python_interpreter"] = PYTHON if play.borrowed_python else "auto_silent"
        return {"all": {"hosts": {play.step.split("/", 1)[0]: variables}}}

    def _worker(self, engine: Engine, container: ContainerId) -> Channel:
        """A worker that waits for a play. It is started ahead: loading its libraries overlaps with other work."""
        environment = {
            "ANSIBLE_REMOTE_TMP": REMOTE_TMP,
            "ANSIBLE_ROLES_PATH": ROLES,
            **_STRATEGIES[self._settings.strategy][0],
            **self._settings.environment,
        }
        if self._secret:
            environment["ANSIBLE_VAULT_PASSWORD_FILE"] = PLACE
        return engine.open(container, ("ansible-runner", "worker"), environment=environment)

    def _stream(self, container: ContainerId, private: Path, artifacts: Path, log: PlayLog) -> None:
        import ansible_runner  # noqa: PLC0415 - a twentieth of a second that a build with nothing to play saves

        channel = self._waiting or self._worker(self._engine, container)
        self._waiting = None
        try:
            sender = threading.Thread(target=_transmit, args=(private, channel), name="transmit", daemon=True)
            sender.start()
            result = ansible_runner.interface.run(
                streamer="process",
                _input=channel.stdout,
                private_data_dir=str(artifacts),
                event_handler=lambda raw: self._handle(raw, log),
                cancel_callback=_never,
                quiet=True,
            )
            sender.join(timeout=5)
            _judge(result.status, log, channel)
            self._waiting = self._worker(self._engine, container)
        finally:
            channel.close()

    def _handle(self, raw: dict[str, Any], log: PlayLog) -> bool:
        for event in log.translate(raw):
            self._emit(event)
        return False


def _never() -> bool:
    """Without a callback of ours ansible-runner takes over the handlers of INT and TERM."""
    return False


def _transmit(private: Path, channel: Channel) -> None:
    import ansible_runner  # noqa: PLC0415 - as above

    with suppress(ConnectionError):  # the conductor has gone, which whoever reads its answer says
        ansible_runner.interface.run(
            streamer="transmit",
            _output=channel.stdin,
            private_data_dir=str(private),
            playbook="play.yml",
            cancel_callback=_never,
            quiet=True,
        )
        channel.stdin.flush()


def _judge(status: str, log: PlayLog, channel: Channel) -> None:
    if log.failure and status != "successful":
        raise log.failure
    if status != "successful":
        printed = "\n".join(log.lines) or channel.stderr().decode(errors="replace")
        raise PlayFailedError(f"role {log.role} could not be played: Ansible ended with {status!r}", detail=printed)


def _folders(role: RoleFiles) -> dict[str, str]:
    """Where each role's files are, for messages: relative to the working directory where they are below it."""
    found = {role.name: str(role.folder)}
    for dependency in role.dependencies:
        found |= _folders(dependency)
    return found


def _script(name: str) -> str:
    return files("pipeline").joinpath("scripts", name).read_text(encoding="utf-8")
