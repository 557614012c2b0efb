"""ansible-galaxy, for what is no git repository: names on Galaxy servers, tar files, collections to be installed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import sources
from pipeline.collection_ranges import meets
from pipeline.collection_requirements import needed_collection, place_of
from pipeline.errors import GalaxyError, Problem
from pipeline.fingerprint import digest
from pipeline.galaxy_reasons import reason
from pipeline.modules import ARCHIVES, Module, masked
from pipeline.processes import Workers

# Not what is on PATH: the same version everywhere. -P keeps a project's own modules out of it.
PROGRAM = (sys.executable, "-P", "-m", "ansible", "galaxy")
_ROLE = "role"
_NOTE = "meta/.galaxy_install_info"


@dataclass(frozen=True, slots=True)
class Installed:
    """What was installed: where it belongs in a project, and its version, "" where it has none."""

    path: str
    version: str


class Galaxy:
    """Installs one role or collection at a time, without what it depends on; `project` is where its ansible.cfg is."""

    def __init__(self, project: Path, environ: Mapping[str, str], workers: Workers) -> None:
        # It insists on UTF-8, and its words are read in English.
        self._environ = {**environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        if chosen := environ.get("ANSIBLE_CONFIG"):
            self._environ["ANSIBLE_CONFIG"] = str(Path(chosen).absolute())  # it runs in the project's folder
        self._project, self._workers = project, workers

    def install(self, module: Module, folder: Path, version: str = "") -> Installed:
        """Bring a role or collection into a folder that does not exist yet, at `version` if one is given.

        Raises GalaxyError.
        """
        scratch = folder.absolute().with_name(f"{folder.name}-galaxy")
        try:
            made = self._install(module, scratch, version)
            installed = _look_at(made, module)
            (made / _NOTE).unlink(missing_ok=True)  # it holds the time
            made.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return installed

    def _install(self, module: Module, scratch: Path, version: str) -> Path:
        """Let ansible-galaxy install into an empty folder; where in there it has put what was asked for."""
        scratch.mkdir()
        requirements = scratch / "requirements.yml"
        requirements.write_text(json.dumps(_requirements(module, version)), encoding="utf-8")
        kind = "collection" if module.collection else "role"
        words = (kind, "install", "--no-deps", "-p", str(scratch), "-r", str(requirements))
        said: list[str] = []
        environ = {**self._environ, "ANSIBLE_COLLECTIONS_PATH": str(scratch)}
        code, _ = self._workers.run((*PROGRAM, *words), environ, folder=self._project, printed=said.append)
        made = _made(scratch, module)
        if code or made is None:
            message, hint = reason(said)
            raise GalaxyError(masked(message) or f"ansible-galaxy ended with {code}", hint=hint)
        return made


def content_of(folder: Path) -> str:
    """A hash of the files of what is installed."""
    return digest([asdict(entry) for entry in sources.file_entries(folder)])


def needs(project: Path, modules: tuple[Module, ...]) -> tuple[Module, ...]:
    """The collections that those of the modules that are there depend on, and these in turn, and no module names.

    Each with the versions that all of them can do with.
    """
    named = {module.path for module in modules}
    found: dict[str, Module] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop(0)
        for name, version in _dependencies(project, module).items():
            needed = needed_collection(name, version, module)
            if needed is None or needed.path in named:
                continue
            if needed.path not in found:
                waiting.append(needed)
            first = found.get(needed.path, needed)
            ranges = {*first.version.split(","), *version.split(",")} - {"", "*"}
            found[needed.path] = replace(first, version=",".join(sorted(ranges)))
    return tuple(found.values())


def unmet(project: Path, modules: tuple[Module, ...]) -> list[Problem]:
    """What collections that are there need, and what is there in another version."""
    versions = {module.path: _manifest(project / module.path).get("version", "") for module in modules}
    problems = []
    for module in modules:
        for name, wanted in _dependencies(project, module).items():
            there = versions.get(place_of(name), "")
            if there and not meets(there, wanted):
                message = f"needs {name} {wanted}, and {there} is there"
                problems.append(
                    module.problem(message, f"name {name} with a version that fits, or run it with --update")
                )
    return problems


def _dependencies(project: Path, module: Module) -> dict[str, str]:
    """What a collection that is there depends on, and in which versions."""
    about = _manifest(project / module.path) if module.collection else {}
    said = about.get("dependencies")
    return {str(name): str(version) for name, version in said.items()} if isinstance(said, dict) else {}


def _look_at(made: Path, module: Module) -> Installed:
    """What was installed, as it says itself."""
    if module.collection:
        about = _manifest(made)
        return Installed(place_of(f"{about.get('namespace')}.{about.get('name')}"), str(about.get("version", "")))
    note = made / _NOTE
    text = note.read_text(encoding="utf-8") if note.exists() else ""
    said = (line.partition(":")[2].strip(" '\"") for line in text.splitlines() if line.startswith("version:"))
    return Installed(module.path, next(said, module.version))


def _manifest(folder: Path) -> dict[str, Any]:
    """What a collection says about itself; nothing where it says nothing that can be read."""
    try:
        about = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return about if isinstance(about, dict) else {}


def _made(scratch: Path, module: Module) -> Path | None:
    """The folder that ansible-galaxy made, if it did."""
    if not module.collection:
        return scratch / _ROLE if (scratch / _ROLE).is_dir() else None
    return next((path.parent for path in sorted(scratch.glob("ansible_collections/*/*/MANIFEST.json"))), None)


def _requirements(module: Module, version: str) -> dict[str, list[dict[str, str]]]:
    """A requirements file of one."""
    wanted = version or module.version
    said = {"version": wanted} if wanted and not _is_file(module) else {}
    if not module.collection:
        return {"roles": [{"src": module.url, "name": _ROLE, **said}]}
    if module.git:
        return {"collections": [{"name": module.url, "type": "dir"}]}
    server = {"source": module.server} if module.server else {}
    return {"collections": [{"name": module.url, **said, **server}]}


def _is_file(module: Module) -> bool:
    return module.url.endswith(ARCHIVES)
