"""An engine in memory, with the manners of a real one: tests/engine runs the same test bodies against both."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Literal

from pipeline.engine import (
    Channel,
    Completed,
    ContainerId,
    ContainerSpec,
    EngineInfo,
    Image,
    ImageId,
    ImageLayer,
    Lines,
    Progress,
    Published,
    Rewriting,
    State,
)
from pipeline.errors import EngineError, NotFoundError
from pipeline.image_config import ImageConfig, differences
from tests.unit.fake_commands import COMMANDS, FakeChannel, Streams, execute
from tests.unit.fake_store import (
    Container,
    FakeStore,
    Stored,
    as_image,
    carries,
    digest,
    full_name,
    is_mounted,
    value_of,
)

KILLED = 137


@dataclass
class FakeEngine(FakeStore):
    """`engine.Engine`; `calls` holds every request that changes something, as "verb what".

    `registry` is what can be pulled and has been pushed, `manifests` the same by digest. `answers` are outcomes of
    commands that `run` does not know. `contents` is what files hold, whatever image they are in. `insecure`: of `info`.
    """

    calls: list[str] = field(default_factory=list)
    registry: dict[str, Stored] = field(default_factory=dict)
    manifests: dict[str, Stored] = field(default_factory=dict)
    answers: dict[tuple[str, ...], Completed] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    insecure: tuple[str, ...] = ()
    failures: dict[str, list[Exception]] = field(default_factory=dict)

    def fail(self, verb: str, error: Exception, *, times: int = 1) -> None:
        """Let the next calls of a verb ("push") raise this."""
        self.failures.setdefault(verb, []).extend([error] * times)

    def add_image(self, reference: str, config: ImageConfig | None = None, size: int = 1000) -> ImageId:
        """Put an image of one layer into the store."""
        image = self.store(config or ImageConfig(), (ImageLayer("", size),), frozenset({"/bin/sh"}), made_of=reference)
        self.tag(image, reference)
        return image

    def info(self) -> EngineInfo:
        self._begin("info", "")
        return EngineInfo("20.10.24", "1.41", "linux/amd64", "overlay2", self.insecure)

    def find_image(self, reference: str) -> Image | None:
        stored = self.find(reference)
        return None if stored is None else as_image(stored)

    def pull(self, reference: str, progress: Progress) -> Image:
        self._begin("pull", reference)
        there = self.registry | self.manifests
        if reference not in there:
            raise NotFoundError(f"pulling {reference}: manifest unknown")
        progress("layer", "Pull complete", 1, 1)
        stored = there[reference]
        self.images.setdefault(stored.id, replace(stored, tags=[], parent=""))
        self.name(stored.id, reference)
        return as_image(self.images[stored.id])

    def push(self, reference: str, progress: Progress) -> str:
        self._begin("push", reference)
        stored = self.need(reference)
        progress("layer", "Pushed", 1, 1)
        self.registry[reference] = replace(stored, tags=[])
        manifest = digest("manifest", stored.id)
        self.manifests[f"{reference.rpartition(':')[0]}@{manifest}"] = self.registry[reference]
        return manifest

    def published(self, reference: str, progress: Progress) -> Published | None:
        self._begin("published", reference)
        stored = self.registry.get(reference)
        if stored is None:
            return None
        progress("layer", "Already exists", 1, 1)
        self.images.setdefault(stored.id, replace(stored, tags=[], parent=""))
        return Published(digest("manifest", stored.id), as_image(self.images[stored.id]))

    def import_root(self, archive: Path, reference: str, config: ImageConfig, created: int | None = None) -> ImageId:
        self._begin("import_root", f"{reference} {created or ''}")
        if not archive.is_file():
            raise EngineError(f"there is no root archive {archive.name}")
        with tarfile.open(archive) as files:
            names = frozenset(f"/{name.removeprefix('./')}" for name in files.getnames())
        image = self.store(config, (ImageLayer("", archive.stat().st_size),), names)
        if reference:
            self.name(image, reference)
        return image

    def build(
        self, context: bytes, reference: str, arguments: dict[str, str], labels: dict[str, str], lines: Lines
    ) -> ImageId:
        self._begin("build", reference)
        with tarfile.open(fileobj=BytesIO(context)) as files:
            dockerfile = files.extractfile("Dockerfile")
            steps = dockerfile.read().decode().splitlines() if dockerfile else []
        base = self.need(steps[0].removeprefix("FROM "))
        for number, step in enumerate(steps, 1):
            lines(f"Step {number}/{len(steps)} : {step}")
            if step == "RUN false":
                raise EngineError(f"building {reference}: returned a non-zero code: 1", detail="\n".join(steps))
        layers = (*base.layers, *(ImageLayer(step, len(step)) for step in steps if step.startswith("RUN")))
        made_of = f"{steps} {sorted(arguments.items())}"
        image = self.store(base.config.merged(ImageConfig(labels=labels)), layers, base.files, made_of=made_of)
        if reference:
            self.name(image, reference)
        return image

    def start(self, spec: ContainerSpec) -> ContainerId:
        self._begin("start", spec.image)
        image = self.need(spec.image)
        if spec.name and any(container.spec.name == spec.name for container in self.containers.values()):
            raise EngineError(f"starting {spec.name}: the name is in use")
        entrypoint = spec.entrypoint if spec.entrypoint is not None else image.config.entrypoint or ()
        words = (*entrypoint, *(spec.command or image.config.command or ()))
        if not words or words[0].rpartition("/")[2] not in COMMANDS:
            raise EngineError(f"starting {spec.name or 'a container'} from {spec.image}: cannot run {words}")
        container = Container(spec, image)
        if words[0].rpartition("/")[2] not in ("sleep", "cat"):
            streams = Streams()
            container.exit_code = execute(words, self.world(container, None, spec.user), streams)
            container.status, container.output = "exited", value_of(streams.stdout)
        identity = ContainerId(digest("container", str(self.number())).removeprefix("sha256:"))
        self.containers[identity] = container
        self.volumes |= {mount.source: {} for mount in spec.mounts if mount.kind == "volume" and mount.source}
        return identity

    def run(
        self,
        container: ContainerId,
        command: tuple[str, ...],
        *,
        environment: dict[str, str] | None = None,
        user: str = "",
    ) -> Completed:
        self._begin("run", " ".join(command))
        found = self.running(container)
        if command in self.answers:
            return self.answers[command]
        streams = Streams()
        code = execute(command, self.world(found, environment, user), streams)
        return Completed(code, value_of(streams.stdout), value_of(streams.stderr))

    def open(
        self, container: ContainerId, command: tuple[str, ...], *, environment: dict[str, str] | None = None
    ) -> Channel:
        self._begin("open", " ".join(command))
        return FakeChannel(command, self.world(self.running(container), environment, ""))

    def changes(self, container: ContainerId) -> tuple[str, ...]:
        found = self.container(container)
        inside = [path for path in sorted(found.changed) if not is_mounted(found.spec, path)]
        folders = sorted({f"C {path.rpartition('/')[0]}" for path in inside if path.count("/") > 1})
        return (*folders, *(f"A {path}" for path in inside))

    def state(self, container: ContainerId) -> State:
        found = self.container(container)
        return State(found.status, found.exit_code)

    def await_ready(self, container: ContainerId, probe: tuple[str, ...], *, seconds: float) -> State:
        self._begin("await_ready", f"{' '.join(probe)} {seconds:g}")
        state = self.state(container)
        if state.status == "running" and probe and self.run(container, probe).exit_code == 0:
            return replace(state, health="healthy")
        return state

    def existing(self, image: ImageId, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path for path in paths if path in self.need(image).files)

    def read_files(
        self, image: ImageId, wanted: Callable[[str], bool], within: tuple[str, ...] = ("/",)
    ) -> dict[str, bytes]:
        looked_at = tuple(place.rstrip("/") for place in within)
        paths = {*self.need(image).files, *self.contents}
        inside = (path for path in paths if any(f"{path}/".startswith(f"{place}/") for place in looked_at))
        return {path[1:]: self.contents.get(path, b"") for path in sorted(inside) if wanted(path[1:])}

    def stop(self, container: ContainerId, *, seconds: int) -> State:
        self._begin("stop", f"{container} {seconds}")
        found = self.container(container)
        if found.status == "running":
            found.status, found.exit_code = "exited", KILLED
        return self.state(container)

    def logs(self, container: ContainerId, *, lines: int = 50) -> str:
        return "".join(self.container(container).output.decode().splitlines(keepends=True)[-lines:])

    def commit(self, container: ContainerId, config: ImageConfig, reference: str, comment: str) -> ImageId:
        self._begin("commit", reference or comment)
        found = self.container(container)
        inside = frozenset(path for path in found.changed if not is_mounted(found.spec, path))
        layers = (*found.image.layers, *((ImageLayer(comment, len(inside)),) if inside else ()))
        parent = found.image.id if found.image.id in self.images else ""
        image = self.store(config, layers, found.image.files | inside, parent, f"{comment} {self.number()}")
        if reference:
            self.name(image, reference)
        return image

    def configure(self, image: ImageId, config: ImageConfig, labels: dict[str, str]) -> ImageId:
        self._begin("configure", image)
        stored = self.need(image)
        wanted = replace(config, labels={**config.labels, **labels})
        if not differences(wanted, stored.config):
            return stored.id
        return self.store(wanted, stored.layers, stored.files, stored.id, stored.id)

    def rewrite(self, image: ImageId, how: Rewriting) -> ImageId:
        self._begin("rewrite", f"{image} {how}")
        stored = self.need(image)
        own = stored.layers[how.below :]
        merged = (ImageLayer("; ".join(layer.created_by for layer in own), sum(layer.size for layer in own)),)
        layers = (*stored.layers[: how.below], *(merged if how.merge and own else own))
        return self.store(stored.config, layers, stored.files, made_of=f"{stored.id} {how}")

    def save(self, image: str, target: IO[bytes]) -> None:
        target.write(self.need(image).id.encode())

    def layers(self, image: ImageId) -> tuple[ImageLayer, ...]:
        return self.need(image).layers

    def tag(self, image: ImageId, reference: str) -> None:
        self._begin("tag", reference)
        self.name(self.need(image).id, reference)

    def remove_container(self, container: ContainerId) -> None:
        self._begin("remove_container", container)
        self.containers.pop(container, None)

    def remove_image(self, reference: str) -> int:
        self._begin("remove_image", reference)
        stored = self.find(reference)
        if stored is None:
            return 0
        if full_name(reference) in stored.tags:
            stored.tags.remove(full_name(reference))
        elif len(stored.tags) > 1 or self.is_needed(stored):
            raise EngineError(f"removing {reference}: it is in use")
        else:
            stored.tags.clear()
        return self.prune(stored)

    def remove_volume(self, name: str) -> None:
        self._begin("remove_volume", name)
        if any(mount.source == name for found in self.containers.values() for mount in found.spec.mounts):
            raise EngineError(f"removing the volume {name}: volume is in use")
        self.volumes.pop(name, None)

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        self._begin("create_volume", name)
        self.volumes.setdefault(name, dict(labels))

    def owned(
        self, kind: Literal["container", "image", "volume"], labels: Iterable[str]
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        wanted = list(labels)
        if not wanted:
            raise EngineError("owned: without a label everything of the engine would match")
        everything: dict[str, dict[str, dict[str, str]]] = {
            "container": {
                name: found.image.config.labels | found.spec.labels for name, found in self.containers.items()
            },
            "image": {name: found.config.labels for name, found in self.images.items()},
            "volume": self.volumes,
        }
        return tuple((name, dict(has)) for name, has in everything[kind].items() if carries(has, wanted))

    def named(self, kind: Literal["container", "image"], prefix: str) -> tuple[tuple[str, str], ...]:
        if kind == "container":
            pairs = [(identity, found.spec.name) for identity, found in self.containers.items()]
        else:
            pairs = [(identity, name) for identity, found in self.images.items() for name in found.tags]
        return tuple(pair for pair in pairs if pair[1].startswith(prefix))

    def _begin(self, verb: str, what: str) -> None:
        self.calls.append(f"{verb} {what}".strip())
        if self.failures.get(verb):
            raise self.failures[verb].pop(0)
