"""ansible-galaxy of this machine, for what is no git repository: names of Galaxy's and tar files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import GalaxyError
from pipeline.modules import Module, masked
from pipeline.processes import Workers

PROGRAM = "ansible-galaxy"
_ROLE = "role"


class Galaxy:
    """Installs one role or collection at a time, without what it depends on."""

    def __init__(self, environ: Mapping[str, str], workers: Workers) -> None:
        self._environ, self._workers = {**environ, "ANSIBLE_NOCOLOR": "1"}, workers

    def install(self, module: Module, folder: Path) -> str:
        """Bring a role or collection into a folder that does not exist yet; returns its version. Raises GalaxyError."""
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if program is None:
            hint = "install ansible-core, or give the role's git repository as src"
            raise GalaxyError(f"{PROGRAM} is not installed here, and only git repositories do without it", hint=hint)
        scratch = folder.absolute().with_name(f"{folder.name}-galaxy")
        try:
            self._install(program, module, scratch).rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return module.version

    def _install(self, program: str, module: Module, scratch: Path) -> Path:
        """Let ansible-galaxy install into an empty folder; where in there it has put what was asked for."""
        scratch.mkdir()
        requirements = scratch / "requirements.yml"
        requirements.write_text(json.dumps(_requirements(module)), encoding="utf-8")
        if module.collection:
            words = ("collection", "install", "--no-deps", "-p", str(scratch), "-r", str(requirements))
            made = scratch / "ansible_collections" / "/".join(module.path.split("/")[-2:])
        else:
            words = ("role", "install", "--no-deps", "-p", str(scratch), "-r", str(requirements))
            made = scratch / _ROLE
        said: list[str] = []
        code, output = self._workers.run((program, *words), self._environ, printed=said.append)
        if code or not made.is_dir():
            worth = [line.strip() for line in (*said, *output.splitlines()) if line.strip()]
            raise GalaxyError(masked("; ".join(worth[-4:])) or f"{PROGRAM} ended with {code}")
        return made


def _requirements(module: Module) -> dict[str, list[dict[str, str]]]:
    """A requirements file of one."""
    version = {"version": module.version} if module.version else {}
    if module.collection:
        server = {"source": module.server} if module.server else {}
        return {"collections": [{"name": module.url, **version, **server}]}
    return {"roles": [{"src": module.url, "name": _ROLE, **version}]}
