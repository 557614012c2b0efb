"""The player over a conductor container: ansible-runner transmits a play to its worker and processes what comes back.

Nothing of the host is mounted into the conductor but the engine's own socket, whose place on the engine's
machine is a setting, so that it works against a remote engine too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline import conductor_context
from pipeline.aside import EngineAside
from pipeline.build_secrets import SecretLender
from pipeline.deployables import Deployables
from pipeline.engine import ContainerId, ContainerSpec, Engine, ImageId, Mount
from pipeline.errors import EngineError, PipelineError, PlayFailedError
from pipeline.events import Output, Sink
from pipeline.gate import ROLES, Gate, hosts_behind
from pipeline.play_directory import RUNTIME, write_play
from pipeline.play_events import PlayLog, folders_of
from pipeline.play_process import PlayProcess
from pipeline.play_workers import Workers
from pipeline.player import Play, PlayResult
from pipeline.recipe import ConductorSettings
from pipeline.residue import LEFTOVERS, SWEPT, TRACES
from pipeline.role_config import config_from_statistics
from pipeline.secret_values import NO_SECRETS, SecretValues
from pipeline.sending import packed, send_folder
from pipeline.vault import PLACE, Secret, lent

Lock = Callable[[str], AbstractContextManager[object]]
"""Called with the name of what only one process at a time may make."""

PYTHON = f"{RUNTIME}/bin/python3"
REMOTE_TMP = "/dev/baseimage-tmp"
REPOSITORY = "baseimage/conductor"
_SOURCE = "/opt/runtime"
_BUILD_STAGE = "io.baseimage.stage=build"
"""The label that the Dockerfile gives to its first stage, a gigabyte that nobody needs afterwards."""
_SOCKET = "/var/run/docker.sock"
_STRATEGIES = {
    "mitogen": ({"ANSIBLE_STRATEGY": "baseimage_linear"}, "docker"),
    # Not docker_api: it copies files through the engine's archive endpoint, which leaves the mount points of a
    # target's volumes behind as folders of the layer (seen on 20.10); this one pipes them through exec.
    "docker": ({"ANSIBLE_STRATEGY": "linear", "ANSIBLE_PIPELINING": "1"}, "community.docker.docker"),
}


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A play that was begun before its target, the name that this is to have, and what becomes of it."""

    play: Play
    target: str
    begun: Future[PlayProcess]


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
        name_target: Callable[[], str],
        secret: Secret | None = None,
        secrets: SecretValues = NO_SECRETS,
    ) -> None:
        self._engine, self._settings, self._emit, self._secret = engine, settings, emit, secret
        self._labels, self._environ, self._lock, self._aside = labels, environ, lock, aside
        self._name_target = name_target
        self._starting: Future[ContainerId] | None = None
        self._workers = Workers(aside, self._environment())
        self._runtime = ""
        self._deployables = Deployables()
        self._ahead: _Ahead | None = None
        self._ending: PlayProcess | None = None
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
        self._workers.keep(container)
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
        self._workers.dismiss()
        if container:
            self._engine.remove_container(container)
            self._deployables.forget()
        self._drop_what_is_ahead()
        self._let_go()

    def keep_alive(self) -> tuple[str, ...]:
        """The runtime's Python, waiting for a signal and collecting orphans."""
        return (PYTHON, "-c", _script("keep_alive.py"), REMOTE_TMP, *SWEPT, "--", *LEFTOVERS)

    def mounts(self) -> tuple[Mount, ...]:
        """The runtime read-only, and a volume of the target's own for Ansible's files."""
        return (Mount(self._runtime, RUNTIME, read_only=True), Mount("", REMOTE_TMP))

    def network(self) -> str:
        """The conductor's own: to make another one takes as long as all the rest of starting a target."""
        return f"container:{self.container()}"

    def prepare(self, play: Play) -> str:
        """Start Ansible in a thread: it loads the role meanwhile, and waits for its target.

        Not with a password, which is lent for one play at a time.
        """
        if self._secret:
            return ""
        if not self._ahead or self._ahead.play != play:
            self._drop_what_is_ahead()
            name = self._name_target()
            self._ahead = _Ahead(play, name, self._aside.begin(lambda engine: self._begin(engine, play, name)))
        return self._ahead.target

    def play(self, target: ContainerId, play: Play, then: Play | None = None) -> PlayResult:
        """Open the gate of an Ansible, started ahead or now. Raises PlayFailedError with role, task, file and line."""
        self._let_go()
        process = self._process(target, play)
        try:
            with self._lender.in_conductor(self.container(), play), self._lender.in_target(target, play):
                process.play(self._emit, lambda: self.prepare(then) if then else "")
            config = self._lender.checked(config_from_statistics(process.log.statistics, play.role.name), play)
        except BaseException as error:
            process.close()
            if isinstance(error, PlayFailedError):
                error.look_inside = f"docker exec -it {target[:12]} sh"
            raise
        self._ending = process
        return PlayResult(counts=process.log.counts, config=config)

    def conclude(self) -> None:
        """Wait for Ansible's own end, which may still say that it has failed."""
        process, self._ending = self._ending, None
        if process:
            process.conclude(self._emit)
            self._workers.keep(self.container())

    def _process(self, target: ContainerId, play: Play) -> PlayProcess:
        """The one that was prepared for just this play, else a new one."""
        if self._ahead and self._ahead.play == play:
            ahead, self._ahead = self._ahead, None
            with suppress(PipelineError, OSError):  # what is wrong is said when it is tried again
                return ahead.begun.result()
        self._drop_what_is_ahead()
        return self._begin(self._engine, play, target)

    def _begin(self, engine: Engine, play: Play, target: str) -> PlayProcess:
        """Send the role to the conductor, and tell a worker to play it as soon as it is let."""
        container = self.container()
        with ExitStack() as undo:
            worker = self._workers.take(container)
            undo.callback(worker.close)
            scratch = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="baseimage-play-")))
            private, said = scratch / "private", self._deployables.send(engine, container, play.role)
            write_play(private, play, self._inventory(target, play), hosts_behind(worker.folder))
            roles = packed(private / ROLES)
            gate = undo.enter_context(closing(Gate(engine, container, worker.folder, roles)))
            if not roles:
                send_folder(engine, container, private / ROLES, f"{worker.folder}/{ROLES}")
            undo.enter_context(lent(engine, container, self._secret))
            log = PlayLog(play.step, play.role.name, folders_of(play.role))
            channel = worker.channel.result()
            process = PlayProcess(channel, gate, log, scratch / "artifacts", said, undo.pop_all())
            process.transmit(private)
            return process

    def _let_go(self) -> None:
        """Of a play whose end nobody asked for: what came after it went wrong."""
        process, self._ending = self._ending, None
        if process:
            process.close()

    def _drop_what_is_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead:
            with suppress(PipelineError, OSError):
                ahead.begun.result().close()

    def settle(self, target: ContainerId) -> tuple[str, ...]:
        """Run the settling script in the target; see its module. Raises VerificationError for secrets that stay."""
        command = (PYTHON, "-c", _script("settle.py"), *SWEPT, "--", *LEFTOVERS, "--", TRACES)
        done = self._engine.run(target, command)
        if done.exit_code != 0:
            raise EngineError("the target could not be tidied up", detail=done.stderr.decode(errors="replace"))
        self._lender.refuse_leaks(target)
        return tuple(done.stdout.decode(errors="replace").splitlines())

    def _inventory(self, target: str, play: Play) -> dict[str, Any]:
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

    def _environment(self) -> dict[str, str]:
        """What Ansible runs with in the conductor."""
        strategy = _STRATEGIES[self._settings.strategy][0]
        password = {"ANSIBLE_VAULT_PASSWORD_FILE": PLACE} if self._secret else {}
        return {"ANSIBLE_REMOTE_TMP": REMOTE_TMP, **strategy, **self._settings.environment, **password}


def _script(name: str) -> str:
    return files("pipeline").joinpath("scripts", name).read_text(encoding="utf-8")
